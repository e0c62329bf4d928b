"""What /proc says: CPU seconds and proportional memory (PSS) of the fleet, and who else is at work on this machine."""

import os
import pathlib
import time

import generator
from chatdev import processes
from chatdev.complaint import Complaint
from chatdev.services import BY_NAME

TICKS = os.sysconf("SC_CLK_TCK")
BUSY_FIELDS = (0, 1, 2, 5, 6, 7)  # user, nice, system, irq, softirq, steal; not idle, not waiting for a disk


def load_average():
    return os.getloadavg()[0]


def busy_share(seconds):
    """How many cores' worth of work the machine does, whoever asks for it."""
    before = _busy_seconds()
    time.sleep(seconds)
    return (_busy_seconds() - before) / seconds


def daemon_pids(stack):
    """{name of a running daemon: pid}."""
    return {name: pid for name, pid in _pids(stack).items() if name.rpartition("-")[0] in BY_NAME}


def pss_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"no Pss of {pid}")


class Sample:
    """CPU seconds at one moment: of each process of the stack with its children, of the generator, of the machine.

    generator_pid None: this process alone asks. beside: {name: pid} of what else belongs to the measurement."""

    def __init__(self, stack, generator_pid, beside=None):
        self.at = time.monotonic()
        self.busy = _busy_seconds()
        table = _process_table()
        self.cpu = {name: _with_children(table, pid) for name, pid in _pids(stack).items()}
        self.daemons = set(daemon_pids(stack))
        self.beside = {name: _with_children(table, pid) for name, pid in (beside or {}).items()}
        self.generator = time.process_time() if generator_pid is None else _with_children(table, generator_pid)


class Interval:
    """What happened between two samples."""

    def __init__(self, before, after):
        self.seconds = after.at - before.at
        cpu = {name: after.cpu[name] - before.cpu.get(name, 0.0) for name in after.cpu}
        self.daemons = {name: cpu[name] for name in cpu if name in after.daemons}
        self.servers = {name: cpu[name] for name in cpu if name not in after.daemons}
        self.beside = {name: after.beside[name] - before.beside.get(name, 0.0) for name in after.beside}
        self.generator_cores = (after.generator - before.generator) / self.seconds
        ours = sum(cpu.values()) + sum(self.beside.values()) + after.generator - before.generator
        self.foreign_cores = max(0.0, (after.busy - before.busy - ours) / self.seconds)


class Watch:
    """Samples at the beginning and the end of what is measured; `on` is for generator.run. `beside`, as of Sample, may still
    be filled until then."""

    def __init__(self, stack, beside=None):
        self._stack, self._beside, self._samples = stack, {} if beside is None else beside, []
        self.on = {generator.BEGIN: self.take, generator.END: self.take}

    def take(self, pid=None):
        self._samples.append(Sample(self._stack, pid, self._beside))

    def interval(self):
        if len(self._samples) != 2:
            raise Complaint("chat-load never measured from beginning to end")
        return Interval(*self._samples)


def _pids(stack):
    found = {name: processes.find(name, stack.paths) for name in processes.names(stack.paths)}
    return {name: identity.pid for name, identity in found.items() if identity}


def _busy_seconds():
    fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    return sum(int(fields[index]) for index in BUSY_FIELDS) / TICKS


def _process_table():
    """{pid: (parent, CPU seconds, its waited-for children included)}."""
    table = {}
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has ended meanwhile
            table[int(folder.name)] = (int(fields[1]), sum(int(field) for field in fields[11:15]) / TICKS)
    return table


def _with_children(table, pid):
    """PostgreSQL works in children: one per connection."""
    own = table[pid][1] if pid in table else 0.0
    return own + sum(_with_children(table, child) for child, (parent, _) in table.items() if parent == pid)
