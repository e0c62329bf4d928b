"""An owner of partitions stands still for longer than its session, with a batch in hand; another one takes over and
goes on. When the first one wakes, it does not know that yet: what it writes must change nothing."""

import asyncio
import time

from client import attempts, fields_of
from fleet import slowness
from outages import PER_SECOND, Traffic, frozen, until

VICTIM = "message-service-1"
TAKEOVER_SECONDS = 6 + 8  # its session, and time for the other one to work off what waited
BUSY_MESSAGES = PER_SECOND // 2


def conflicts_of(daemon):
    """How often it met something that was done before."""
    lines = [line for line in daemon.metrics() if line.startswith("message_owner_conflicts_total")]
    return sum(float(line.split()[-1]) for line in lines)


async def freeze_with_a_batch_in_hand(fleet, traffic):
    """Both owners wait for the store, which stands still too; only one of them, and the store, will go on."""
    daemons = fleet.daemons()
    victim = frozen(daemons[VICTIM])
    async with frozen(daemons["ferretdb"]):
        await until(lambda: traffic.crowd.waiting_for_outcome() > BUSY_MESSAGES, "messages that wait for the store", 10)
        await victim.__aenter__()
    return daemons[VICTIM], victim


async def alter(talker, key, ledger):
    """An edit of a message that the sleeper has in hand, and of the same sender's last one a deletion."""
    message_id = ledger.sends[talker.person.user_id, key].message_id
    answer = await talker.person.call("PATCH", f"/v1/messages/{message_id}", {"body": "edited while one slept"})
    ledger.edited(message_id, fields_of(answer)["version"], "edited while one slept")
    return message_id


async def test_what_an_owner_writes_after_its_time_changes_nothing(people, fleet):
    traffic = await Traffic.begin(people, fleet, TAKEOVER_SECONDS)
    crowd = traffic.crowd

    victim, sleep = await freeze_with_a_batch_in_hand(fleet, traffic)
    slept_at = time.monotonic()
    try:
        stalled = crowd.stalled(slept_at)
        await asyncio.sleep(0.5)
        held = [(one, key) for one, key in stalled if key not in one.stored_at]
        assert held, f"{VICTIM} had nothing in hand: the fault has not bitten"
        await until(lambda: not crowd.stalled(slept_at), "another one takes over", TAKEOVER_SECONDS * slowness())
        taken_over_after = time.monotonic() - slept_at
        altered = [await alter(one, key, crowd.ledger) for one, key in held[:4]]
    finally:
        await sleep.__aexit__(None, None, None)
    async for _ in attempts(f"{VICTIM} finds that its batch was done by another"):
        if conflicts_of(victim) > 0:
            break

    print(f"{len(held)} messages in hand, taken over after {taken_over_after:.1f} s; {len(altered)} edited meanwhile")
    await traffic.ends_well()
    traffic.nobody_died_but()
