"""An owner of partitions stands still for longer than its session, with a batch in hand; another one takes over and
goes on. When the first one wakes, it does not know that yet: what it writes must change nothing."""

import asyncio
import time

import pytest
from client import attempts, fields_of
from fleet import slowness
from outages import PER_SECOND, Traffic, frozen, until

OWNERS = ("message-service-1", "message-service-2")
ROUNDS = 4
TAKEOVER_SECONDS = 6 + 8  # its session, and time for the other one to work off what waited
SILENCE_SECONDS = 1.0  # in which the other one stores what is its own
BITE_SECONDS = 3  # shorter than its session: nobody has taken over yet
BUSY_MESSAGES = PER_SECOND // 2


def conflicts(daemons):
    """How often owners met what was done before: a batch that two of them have applied."""
    lines = [line for name in OWNERS for line in daemons[name].metrics()]
    return sum(float(line.split()[-1]) for line in lines if line.startswith("message_owner_conflicts_total"))


def judged(daemon):
    """Operations that this owner has decided."""
    counted = [line for line in daemon.metrics() if line.startswith('kafka_consumer_records_total{topic="message.created"')]
    return sum(float(line.split()[-1]) for line in counted if 'outcome="applied"' in line)


async def until_each_owner_has_chats(traffic):
    """After a fault of an earlier test the partitions may be on their way."""
    before = {name: judged(traffic.before[name]) for name in OWNERS}
    async for _ in attempts("each owner judges something"):
        if all(judged(traffic.before[name]) > before[name] for name in OWNERS):
            return


async def freeze_with_a_batch_in_hand(traffic):
    """Both owners wait for the store, which stands still too; only one of them, and the store, will go on."""
    victim = traffic.before[OWNERS[0]]
    sleep = frozen(victim)
    async with frozen(traffic.before["ferretdb"]):
        await until(lambda: traffic.crowd.waiting_for_outcome() > BUSY_MESSAGES, "messages that wait for the store", 10)
        await sleep.__aenter__()
    return victim, sleep


async def alter(talker, key, ledger):
    """Edits a message that the sleeper has in hand."""
    message_id = ledger.sends[talker.person.user_id, key].message_id
    answer = await talker.person.call("PATCH", f"/v1/messages/{message_id}", {"body": "edited while one slept"})
    ledger.edited(message_id, fields_of(answer)["version"], "edited while one slept")


async def sleep_through_a_takeover(traffic, victim):
    """Returns the messages that only it could have stored, once another one has done so."""
    slept_at, slow = time.monotonic(), slowness()
    await asyncio.sleep(SILENCE_SECONDS)
    await until(lambda: held_long(traffic), f"{victim.name} has something to do", BITE_SECONDS)
    held, held_at = held_long(traffic), time.monotonic()
    await until(lambda: not traffic.crowd.stalled(held_at), "another one takes over", TAKEOVER_SECONDS * slow)
    print(f"\n{len(held)} messages waited, taken over after {time.monotonic() - slept_at:.1f} s")
    return held


def held_long(traffic):
    """The other owner would have stored them by now."""
    return traffic.crowd.stalled(time.monotonic() - SILENCE_SECONDS / 2)


async def test_what_an_owner_writes_after_its_time_changes_nothing(people, fleet):
    traffic = await Traffic.begin(people, fleet, TAKEOVER_SECONDS)
    before = conflicts(traffic.before)
    await until_each_owner_has_chats(traffic)

    victim, sleep = await freeze_with_a_batch_in_hand(traffic)
    try:
        held = await sleep_through_a_takeover(traffic, victim)
        for talker, key in held[:4]:
            await alter(talker, key, traffic.crowd.ledger)
    finally:
        await sleep.__aexit__(None, None, None)
    async for _ in attempts(f"{victim.name} or its successor met what the other has done"):
        if conflicts(traffic.before) > before:
            break

    await traffic.ends_well()
    traffic.nobody_died_but()


@pytest.mark.long
async def test_an_owner_that_falls_asleep_anywhere_changes_nothing(people, fleet):
    """Without help from the store: wherever it happens to be, again and again."""
    traffic = await Traffic.begin(people, fleet, ROUNDS * TAKEOVER_SECONDS)
    for number in range(ROUNDS):
        await until_each_owner_has_chats(traffic)
        victim = traffic.before[OWNERS[number % 2]]
        async with frozen(victim):
            await sleep_through_a_takeover(traffic, victim)
        await asyncio.to_thread(victim.wait_ready)
    await traffic.ends_well()
    traffic.nobody_died_but()
