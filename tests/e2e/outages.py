"""A fault under traffic: a server or daemon is away for a while, people go on talking, and what is asked is timed."""

import asyncio
import os
import signal
import socket
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
from client import attempts
from fleet import slowness, state_of
from invariants import Ledger
from talkers import Crowd

REFUSED_SECONDS = 2.5  # on a quiet machine
PEOPLE, CHATS, PER_SECOND = 4, 12, 40  # so many chats that each owner has some
SETTLE_SECONDS = 90


def is_up(daemon):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", daemon.port)) == 0


async def until(condition, what, seconds):
    """Waits for a condition that costs nothing to look at."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def without(fleet, name, seconds):
    """The server is gone for so long while the body runs, and was gone at its end."""
    server = fleet.daemons()[name]
    assert is_up(server), f"{name} is not there to begin with"
    running = fleet.without(name)
    await asyncio.to_thread(running.__enter__)
    gone_at = time.monotonic()
    try:
        assert not is_up(server), f"{name} still answers: the fault has not bitten"
        yield gone_at + seconds
        assert not is_up(server), f"{name} came back by itself"
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


@asynccontextmanager
async def frozen(daemon):
    """It stands still while the body runs: its connections stay, nobody answers on them."""
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        await until(lambda: state_of(daemon.pid) == "T", f"{daemon.name} stands still", 5)
        yield
        assert state_of(daemon.pid) == "T", f"{daemon.name} went on by itself"
    finally:
        os.kill(daemon.pid, signal.SIGCONT)


@asynccontextmanager
async def silent(fleet, name, seconds):
    """As without(), but all processes of the server stand still: connections stay, new ones are taken by the kernel,
    and nobody answers on any. They go on in every case, those that came meanwhile too."""
    server = fleet.daemons()[name]
    assert is_up(server), f"{name} is not there to begin with"
    try:
        while going := [pid for pid in _family(server.pid) if state_of(pid) not in "TZ"]:
            for pid in going:
                _signal(pid, signal.SIGSTOP)
            await asyncio.sleep(0.01)
        yield time.monotonic() + seconds
        assert all(state_of(pid) in "TZ" for pid in _family(server.pid)), f"{name} went on by itself"
    finally:
        for pid in _family(server.pid):
            _signal(pid, signal.SIGCONT)


def _signal(pid, number):
    """One that has ended meanwhile must not keep the others from being told."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _family(pid):
    """A process and its children, as long as they are there."""
    try:
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    except OSError:
        return [pid]


class Probe:
    """Asks the same thing until a moment, and remembers each answer and how long it took."""

    def __init__(self, name, ask):
        self.name, self.ask = name, ask
        self.answers, self.seconds = [], []

    @property
    def statuses(self):
        return [answer.status_code for answer in self.answers]

    async def run(self, until):
        while time.monotonic() < until:
            began = time.monotonic()
            answer = await self.ask()
            self.seconds.append(time.monotonic() - began)
            self.answers.append(answer)
            await asyncio.sleep(0.2)
        return self

    def __str__(self):
        counts = {status: self.statuses.count(status) for status in sorted(set(self.statuses))}
        return f"{self.name}: {counts}, at most {max(self.seconds):.2f} s"

    def all_were(self, *statuses):
        assert self.statuses and set(self.statuses) <= set(statuses), str(self)
        assert max(self.seconds) <= REFUSED_SECONDS * slowness(), str(self)


async def ask_readiness(daemon):
    async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
        return await http.get(f"{daemon.ops_url}/readyz")


async def run_all(until, **asks):
    probes = await asyncio.gather(*(Probe(name, ask).run(until) for name, ask in asks.items()))
    print("\n" + "\n".join(str(probe) for probe in probes))
    return {probe.name: probe for probe in probes}


class Traffic:
    """People who go on talking on both gateways, from before the fault until after it."""

    @classmethod
    async def begin(cls, people, fleet, seconds):
        traffic = cls()
        traffic.fleet, traffic.before = fleet, fleet.daemons()
        traffic.count = int((seconds + 6 * slowness()) * PER_SECOND)  # until the fault has bitten, too
        traffic.crowd = await Crowd.gather(
            people, fleet.gateways(), Ledger(), PEOPLE, CHATS, traffic.count, PER_SECOND
        )
        await traffic.crowd.remember_heads()
        traffic.talking = asyncio.create_task(traffic.crowd.talk())
        async for _ in attempts("the talk has begun"):
            if traffic.crowd.count_accepted() > PER_SECOND / 2:
                return traffic

    def acks(self, since, before=float("inf")):
        """When sends were accepted, of that time, in order."""
        times = [at for one in self.crowd.talkers for at in one.accepted_at.values()]
        return sorted(at for at in times if since <= at < before)

    async def ends_well(self):
        await self.talking
        await self.crowd.until_stored(self.count, SETTLE_SECONDS)
        assert self.crowd.count_accepted() == self.count
        await self.crowd.check()
        await self.crowd.leave()

    def nobody_died_but(self, *names):
        """Daemons and servers are the same processes as before the fault, except those that it was about."""
        now = self.fleet.daemons()
        changed = {name for name, one in self.before.items() if now[name].pid != one.pid}
        assert changed <= set(names), f"ended meanwhile: {sorted(changed - set(names))}"
