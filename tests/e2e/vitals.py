"""What a daemon holds on to, sample by sample: memory (PSS, heap in use), descriptors, threads. And whether that grows."""

import asyncio
import os
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from statistics import linear_regression, median

TEN_MINUTES = 600


@dataclass(frozen=True)
class Sample:
    at: float  # monotonic seconds
    pss_bytes: int
    heap_bytes: int  # what the daemon says it holds; what PSS gains beyond it are gaps
    descriptors: int
    threads: int


def pss_bytes(pid):
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in rollup.splitlines() if line[:4] == "Pss:") * 1024


def sample(daemon):
    proc = Path(f"/proc/{daemon.pid}")
    threads = len(os.listdir(proc / "task"))
    heap_bytes = next(float(line.split()[1]) for line in daemon.metrics() if line.startswith("process_heap_bytes "))
    return Sample(time.monotonic(), pss_bytes(daemon.pid), int(heap_bytes), len(os.listdir(proc / "fd")), threads)


@dataclass
class Vitals:
    """Samples of every daemon of a fleet, from now on."""

    daemons: dict  # name: Daemon
    samples: dict = field(default_factory=lambda: defaultdict(list))  # name: [Sample, ...]

    async def watch(self, every_s):
        """Until it is cancelled. A daemon that is gone raises."""
        while True:
            for name, daemon in self.daemons.items():
                self.samples[name].append(await asyncio.to_thread(sample, daemon))
            await asyncio.sleep(every_s)

    def since(self, moment):
        return {name: [one for one in found if one.at >= moment] for name, found in self.samples.items()}


def slope_per_ten_minutes(samples):
    """Bytes of PSS that a daemon gains in ten minutes, by least squares."""
    return linear_regression([one.at for one in samples], [one.pss_bytes for one in samples]).slope * TEN_MINUTES


def step(samples, of):
    """How much the median of the last quarter differs from the first's."""
    quarter = max(1, len(samples) // 4)
    return median(of(one) for one in samples[-quarter:]) - median(of(one) for one in samples[:quarter])
