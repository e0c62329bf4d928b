"""What a daemon holds on to, sample by sample: memory (PSS), descriptors, threads. And whether that grows."""

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
    descriptors: int
    threads: int


def sample(pid):
    proc = Path(f"/proc/{pid}")
    pss_kib = next(int(line.split()[1]) for line in (proc / "smaps_rollup").read_text().splitlines() if line[:4] == "Pss:")
    threads = len(os.listdir(proc / "task"))
    return Sample(time.monotonic(), pss_kib * 1024, len(os.listdir(proc / "fd")), threads)


@dataclass
class Vitals:
    """Samples of every daemon of a fleet, from now on."""

    daemons: dict  # name: Daemon
    samples: dict = field(default_factory=lambda: defaultdict(list))  # name: [Sample, ...]

    async def watch(self, every_s):
        """Until it is cancelled. A daemon that is gone raises."""
        while True:
            for name, daemon in self.daemons.items():
                self.samples[name].append(await asyncio.to_thread(sample, daemon.pid))
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
