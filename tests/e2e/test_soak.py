"""R29: hours in short. People talk, lose their connections and renew their tokens all the time; no message is lost,
doubled or out of order, and no daemon grows. CHAT_SOAK_SECONDS says for how long (600; 1800 is the whole of it).

It wants a fleet without sanitizers, whose allocator grows by itself: `infra/dev/chat test --full` gives it one.
"""

import asyncio
import os
import random
import time
from contextlib import contextmanager
from statistics import median

import pytest
from fleet import slowness
from invariants import Ledger
from talkers import Crowd
from vitals import Vitals, slope_per_ten_minutes, step

SECONDS = int(os.environ.get("CHAT_SOAK_SECONDS", "600"))
WARM_UP_SECONDS = min(300, SECONDS // 2)  # pools fill, caches too
SETTING_UP_SECONDS = 600  # joining, reading every history, a slow machine
SETTLE_SECONDS = 60
PEOPLE, CHATS = 20, 20
MESSAGES_PER_S, RECONNECTS_PER_S, REFRESHES_PER_S = 100, 10, 0.5
SAMPLE_EVERY_S = 2
BUSY_ROUNDS, ASKED_AT_ONCE = 5, 4

GROWTH_SHARE = 0.01  # of a daemon's memory, in ten minutes
GROWTH_NOISE_BYTES = 512 * 1024  # a page here and there says nothing when the window is short
DESCRIPTORS = 5


@pytest.mark.long(seconds=SECONDS + SETTING_UP_SECONDS)
@pytest.mark.soak
async def test_nothing_is_lost_and_nothing_grows(people, fleet):
    ledger = Ledger()
    crowd = await Crowd.gather(
        people, fleet.gateways(), ledger, PEOPLE, CHATS, SECONDS * MESSAGES_PER_S, MESSAGES_PER_S
    )
    await crowd.remember_heads()
    daemons = {name: one for name, one in fleet.daemons().items() if is_ours(name)}
    vitals, began = Vitals(daemons), time.monotonic()

    with _background(vitals.watch(SAMPLE_EVERY_S)) as watching:
        talking = asyncio.create_task(crowd.talk())
        await crowd.until_all_chats_were_heard()
        await _fill_pools(crowd)
        counts = {"connections cut": 0, "tokens renewed": 0}
        with _background(_cut_connections(crowd, counts)) as cutting, _background(_renew(crowd, counts)) as renewing:
            await _first_of(talking, watching, cutting, renewing)
            ended = time.monotonic()
        await crowd.until_stored(SECONDS * MESSAGES_PER_S, SETTLE_SECONDS * slowness())

    counts["reloads"] = sum(one.reloads for one in [*crowd.talkers, *crowd.listeners])
    print(f"\n{crowd.count_accepted()} messages in {ended - began:.0f} s, {counts}")
    await crowd.check()
    await crowd.leave()
    now = fleet.daemons()
    assert {name: now[name].pid for name in daemons} == {name: one.pid for name, one in daemons.items()}
    assert counts["connections cut"] > SECONDS * RECONNECTS_PER_S / 4
    assert counts["tokens renewed"] >= PEOPLE
    _check_growth({name: found for name, found in vitals.since(began + WARM_UP_SECONDS).items()}, ended)


def is_ours(name):
    """A replica of a daemon. What the servers beside them hold grows with what they are given to keep."""
    return name[-1].isdigit()


async def _fill_pools(crowd):
    """The busiest moment comes first: what pools open for it they keep, and it is not held for growth when it comes later."""
    everybody = [*crowd.talkers, *crowd.listeners]
    paths = ("/v1/chats", *(f"/v1/chats/{chat_id}/messages?limit=200" for chat_id in crowd.members))
    for _ in range(BUSY_ROUNDS):
        for one in everybody:
            one.cut()
        await asyncio.gather(*(random.choice(everybody).person.call("GET", path) for path in paths for _ in range(ASKED_AT_ONCE)))


async def _cut_connections(crowd, counts):
    while True:
        await asyncio.sleep(random.expovariate(RECONNECTS_PER_S))
        random.choice([*crowd.talkers, *crowd.listeners]).cut()
        counts["connections cut"] += 1


async def _renew(crowd, counts):
    async for _ in crowd.renew_tokens(REFRESHES_PER_S):
        counts["tokens renewed"] += 1


def _check_growth(samples, ended):
    grown = []
    for name, found in sorted(samples.items()):
        found = [one for one in found if one.at <= ended]
        memory, slope = median(one.pss_bytes for one in found), slope_per_ten_minutes(found)
        threads = {one.threads for one in found}
        print(
            f"{name}: {memory / 2**20:.1f} MiB, {slope / 2**10:+.0f} KiB in ten minutes ({slope / memory:+.1%}), "
            f"heap in use {step(found, lambda one: one.heap_bytes) / 2**10:+.0f} KiB ({_by_quarter(found)}), "
            f"descriptors {step(found, lambda one: one.descriptors):+.0f}, threads {sorted(threads)}"
        )
        gained = step(found, lambda one: one.pss_bytes)
        if slope > memory * GROWTH_SHARE and gained > GROWTH_NOISE_BYTES:
            grown.append(f"{name} grows by {slope / memory:.1%} in ten minutes, {gained / 2**10:.0f} KiB in this window")
        if len(threads) > 1:
            grown.append(f"{name} has {sorted(threads)} threads")
    for service, total in _by_service(samples, ended).items():
        if total > DESCRIPTORS:  # fewer: connections of a busier time have ended
            grown.append(f"{service} holds {total:+.0f} descriptors")
    assert not grown, "\n".join(grown)


def _by_quarter(found):
    """Whether it goes on, or came once."""
    quarter = max(1, len(found) // 4)
    parts = [found[at * quarter : (at + 1) * quarter] for at in range(4)]
    return ", ".join(f"{median(one.heap_bytes for one in part) / 2**10:.0f}" for part in parts if part)


def _by_service(samples, ended):
    """Descriptors gained. Replicas count together: people move between gateways."""
    gained = {}
    for name, found in samples.items():
        service = name.rpartition("-")[0]
        found = [one for one in found if one.at <= ended]
        gained[service] = gained.get(service, 0) + step(found, lambda one: one.descriptors)
    return gained


async def _first_of(talking, *others):
    """Waits for the talking to end; what else ends before it has failed."""
    done, _ = await asyncio.wait([talking, *others], return_when=asyncio.FIRST_COMPLETED)
    for one in done:
        one.result()
    assert talking in done


@contextmanager
def _background(coroutine):
    task = asyncio.create_task(coroutine)
    try:
        yield task
    finally:
        task.cancel()
