"""R2: `kill -9` of a message-service in the middle of thousands of sends; in the long set of ten thousand. Nothing that
was accepted is lost."""

import asyncio
import time

import pytest
from fleet import slowness
from invariants import Ledger
from outages import until
from talkers import Crowd

PEOPLE, CHATS = 20, 50
MESSAGES = [3_000, pytest.param(10_000, marks=pytest.mark.long)]
PER_SECOND = 150
DOWN_SECONDS = 2
RESUME_SECONDS = 8  # after the restart, on a quiet machine
SETTLE_SECONDS = 90
VICTIM = "message-service-1"


async def kill_and_restart(fleet, crowd):
    """What was stuck while it was down, and when its restart began."""
    pid = await asyncio.to_thread(fleet.kill, VICTIM)
    killed_at = time.monotonic()
    try:
        # The fault has bitten: the process is gone, and what the broker accepted waits for somebody to store it.
        assert fleet.daemons()[VICTIM].pid is None, f"{VICTIM} ({pid}) still runs"
        await until(lambda: crowd.waiting_for_outcome() > PER_SECOND / 4, "messages that wait to be stored", 10)
        await until(lambda: time.monotonic() >= killed_at + DOWN_SECONDS, "the time to be down", DOWN_SECONDS + 5)
        stalled = crowd.stalled(time.monotonic() - 1)
    finally:
        restarted_at = time.monotonic()
        await asyncio.to_thread(fleet.restart, VICTIM)
    return stalled, restarted_at


@pytest.mark.parametrize("messages", MESSAGES)
async def test_no_accepted_message_is_lost_when_a_message_service_dies(people, fleet, messages):
    ledger = Ledger()
    crowd = await Crowd.gather(people, fleet.gateways(), ledger, PEOPLE, CHATS, messages, PER_SECOND)
    await crowd.remember_heads()

    talking = asyncio.create_task(crowd.talk())
    await until(lambda: crowd.count_accepted() > messages * 0.3, "a third of the messages", 120)
    stalled, restarted_at = await kill_and_restart(fleet, crowd)
    slow = slowness()
    await talking
    await asyncio.gather(*(one.settle(SETTLE_SECONDS) for one in crowd.talkers))
    resumed_after = min(talker.stored_at[key] for talker, key in stalled) - restarted_at if stalled else 0
    resent = sum(one.resent for one in crowd.talkers)
    print(
        f"\n{messages} messages; {len(stalled)} were stuck while {VICTIM} was down, the first of them was stored "
        f"{resumed_after:.1f} s after its restart; {resent} were sent again, refused: {crowd.refusals()} "
        f"(machine {slow:.1f} times as slow as a quiet one)"
    )
    assert crowd.count_accepted() == messages
    await crowd.check()
    await crowd.leave()
    assert resumed_after <= RESUME_SECONDS * slow
