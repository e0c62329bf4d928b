"""What /proc says of the daemons: CPU seconds and proportional memory (PSS), and how busy the machine is."""

import os
import pathlib

from chatdev import processes
from chatdev.services import BY_NAME

TICKS = os.sysconf("SC_CLK_TCK")


def daemon_pids(stack):
    """{name of a running daemon: pid}."""
    found = {}
    for name in processes.names(stack.paths):
        identity = processes.find(name, stack.paths)
        if identity and name.rpartition("-")[0] in BY_NAME:
            found[name] = identity.pid
    return found


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def pss_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"no Pss of {pid}")


def load_average():
    return os.getloadavg()[0]


class Sample:
    """CPU seconds of every daemon at one moment."""

    def __init__(self, stack):
        self.cpu = {name: cpu_seconds(pid) for name, pid in daemon_pids(stack).items()}

    def since(self, earlier):
        return {name: self.cpu[name] - earlier.cpu.get(name, 0.0) for name in self.cpu}
