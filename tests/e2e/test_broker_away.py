"""R4, R5: the broker is killed, or stands still, under traffic. What was accepted is stored once and in order; what the
broker has not confirmed is never said to be accepted."""

import asyncio
import time

import pytest
from fleet import slowness
from outages import Traffic, frozen, run_all, until, without

SHORT = 5
LONGER_THAN_A_SEND_WAITS = 14  # message.timeout.ms is 10 s
SECONDS = [SHORT, pytest.param(LONGER_THAN_A_SEND_WAITS, marks=pytest.mark.long)]
ON_THE_WAY_SECONDS = 0.5  # an answer may be under way when the broker dies
FLOW_SECONDS = 15  # from when it answers again, on a quiet machine
MESSAGE_TIMEOUT_SECONDS = 10
LATE_SECONDS = 2  # from the end of that time to the frame in the client's hand


async def nothing_is_accepted(traffic, gone_at, until_moment):
    """And who reads notices nothing."""
    reader = traffic.crowd.talkers[0].person
    chat_id = next(one for one, inside in traffic.crowd.members.items() if reader.user_id in inside)
    probes = await run_all(
        until_moment,
        history=lambda: reader.call("GET", f"/v1/chats/{chat_id}/messages"),
        profile=lambda: reader.call("GET", "/v1/users/me"),
    )
    for probe in probes.values():
        probe.all_were(200)
    false_acks = traffic.acks(gone_at + ON_THE_WAY_SECONDS * slowness(), time.monotonic())
    assert not false_acks, f"{len(false_acks)} sends were accepted without a broker"
    assert sum(len(one.waiting) for one in traffic.crowd.talkers) > 0, "nobody wanted to send meanwhile"


async def flows_again(traffic, since):
    """Accepted and stored. Returns how long that took from now on, when the broker answers."""
    answered_at, seconds = time.monotonic(), FLOW_SECONDS * slowness()
    await until(lambda: traffic.acks(since), "a send is accepted again", seconds)
    stored = [one.stored_at for one in traffic.crowd.talkers]
    await until(lambda: any(at > since for some in stored for at in some.values()), "stored again", seconds)
    return time.monotonic() - answered_at


@pytest.mark.parametrize("seconds", SECONDS)
async def test_the_broker_is_killed(people, fleet, seconds):
    traffic = await Traffic.begin(people, fleet, seconds)

    async with without(fleet, "kafka", seconds) as until_moment:
        await nothing_is_accepted(traffic, until_moment - seconds, until_moment)
        refused, started_at = traffic.crowd.refusals(), time.monotonic()
    after = await flows_again(traffic, started_at)
    print(f"refused meanwhile: {refused}; the first one was stored {after:.1f} s after the broker answered again")

    if seconds > MESSAGE_TIMEOUT_SECONDS:
        assert refused, "who waited for longer than a message may take was told to try again"
    await traffic.ends_well()
    traffic.nobody_died_but("kafka")


@pytest.mark.long
async def test_the_broker_stands_still(people, fleet):
    traffic = await Traffic.begin(people, fleet, 10)
    broker = fleet.daemons()["kafka"]

    async with frozen(broker):
        stopped_at = time.monotonic()
        await nothing_is_accepted(traffic, stopped_at, stopped_at + 10)
    awake_at = time.monotonic()
    after = await flows_again(traffic, awake_at)
    await asyncio.wait_for(traffic.talking, 120)
    oldest = max(wait for one in traffic.crowd.talkers for wait in one.waits)
    print(f"stored again after {after:.1f} s; the slowest `accepted` took {oldest:.1f} s; {traffic.crowd.refusals()}")

    assert oldest <= MESSAGE_TIMEOUT_SECONDS + LATE_SECONDS * slowness()
    await traffic.ends_well()
    traffic.nobody_died_but()
