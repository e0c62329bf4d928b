"""`infra/dev/chat bench --profile`: which functions of each daemon the processor was in while a load ran, by `perf`, sampled by
the clock (a virtual machine may have no counters). What is measured meanwhile is VOID: perf takes part in it.
"""

import collections
import signal
import subprocess

import measure
from chatdev import packages
from chatdev.complaint import Complaint

PACKAGES = {"linux-perf": "perf"}
SAMPLES_PER_S = 199  # not in step with timers
SHOWN = 5
WHY_VOID = "perf looked on"


class Profiler:
    """One at a time; start and stop around what is measured."""

    def __init__(self, stack, report, folder):
        packages.require(PACKAGES)
        self._stack, self._report = stack, report
        self._file = folder / "perf.data"
        self._process, self._pids = None, {}

    def start(self):
        self._pids = measure.daemon_pids(self._stack)
        command = ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(SAMPLES_PER_S), "-o", self._file]
        command += ["-p", ",".join(str(pid) for pid in self._pids.values())]
        self._process = subprocess.Popen([str(word) for word in command], stderr=subprocess.PIPE, text=True)

    def stop(self, title):
        """Adds a row for each daemon, with its first few functions below it; none where none of ours was at work."""
        self._process.send_signal(signal.SIGINT)
        _, told = self._process.communicate(timeout=60)
        if not self._file.exists() or self._file.stat().st_size == 0:
            raise Complaint(f"perf recorded nothing: {told.strip()[-300:]}")
        found = self._symbols()
        self._file.unlink()
        if not found:
            return
        self._report.keep(f"profile: {title}", {name: dict(counted) for name, counted in found.items()})
        self._report.add(f"where the daemons were: {title}", f"share of the samples, {SAMPLES_PER_S} a second of CPU")
        for name in sorted(found, key=lambda one: -found[one].total()):
            self._add(name, found[name])

    def _add(self, name, counted):
        self._report.add(f"  {name}", f"{counted.total()} samples")
        for symbol, count in counted.most_common(SHOWN):
            self._report.add(f"    {symbol[:60]}", f"{count / counted.total() * 100:.1f} %")

    def _symbols(self):
        """{daemon: Counter of functions}"""
        command = ["perf", "script", "-i", str(self._file), "-F", "pid,ip,sym,dso"]
        text = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout
        names = {pid: name for name, pid in self._pids.items()}
        return count_symbols(text, names)


def count_symbols(text, names):
    """Of lines "PID ADDRESS FUNCTION (FILE)"; names: {pid: daemon}. A library without symbols counts as a whole."""
    found = collections.defaultdict(collections.Counter)
    for line in text.splitlines():
        words = line.split(None, 2)
        if len(words) == 3 and words[0].isdigit() and int(words[0]) in names:
            function, _, file = words[2].rpartition(" (")
            library = f"somewhere in {file.rstrip(')').rpartition('/')[2]}"
            found[names[int(words[0])]][library if function == "[unknown]" else function] += 1
    return found
