"""R6: the store of messages is killed under traffic. Sends are accepted as before, who reads is refused at once, and
when it is back, what has piled up is stored: everything once, in order."""

import time

import pytest
from fleet import slowness
from outages import PER_SECOND, Traffic, run_all, until, without

STORE = "ferretdb"  # MongoDB's place
SECONDS = 30
OPEN_WITHIN_SECONDS = 4  # the first ones find out that nobody answers, and wait for that
REFUSED_SECONDS = 0.3
DRAIN_SECONDS = 10


def refused_at_once(probe, opened_after):
    """From then on: 503 with Retry-After, and quickly."""
    later, began = [], 0.0
    for answer, seconds in zip(probe.answers, probe.seconds, strict=True):
        assert answer.status_code == 503 and "Retry-After" in answer.headers, f"{answer.status_code} {answer.text}"
        if began >= opened_after:
            later.append(seconds)
        began += seconds + 0.2
    assert later, "no request was left to be refused at once"
    print(f"{probe.name}: {len(later)} refused at once, within {max(later):.2f} s")
    assert max(later) < REFUSED_SECONDS * slowness(), f"{probe.name} was refused after {max(later):.2f} s"


@pytest.mark.long
async def test_sends_wait_in_kafka_and_reads_are_refused_at_once(people, fleet):
    traffic = await Traffic.begin(people, fleet, SECONDS)
    reader = traffic.crowd.talkers[0].person
    chat_id = next(one for one, inside in traffic.crowd.members.items() if reader.user_id in inside)

    async with without(fleet, STORE, SECONDS) as until_moment:
        accepted_before = traffic.crowd.count_accepted()
        probes = await run_all(
            until_moment,
            history=lambda: reader.call("GET", f"/v1/chats/{chat_id}/messages"),
            changes=lambda: reader.call("GET", f"/v1/chats/{chat_id}/changes?after_rev=0"),
        )
        accepted_meanwhile = traffic.crowd.count_accepted() - accepted_before
        back_at, backlog = time.monotonic(), traffic.crowd.waiting_for_outcome()
    await until(lambda: not traffic.crowd.stalled(back_at), "the backlog is stored", DRAIN_SECONDS * slowness())
    print(f"{accepted_meanwhile} accepted meanwhile, {backlog} were stored {time.monotonic() - back_at:.1f} s later")

    assert accepted_meanwhile >= SECONDS * PER_SECOND / 2, "people went on talking"
    assert backlog >= accepted_meanwhile - PER_SECOND, "something stored messages: the fault has not bitten"
    for probe in probes.values():
        refused_at_once(probe, OPEN_WITHIN_SECONDS)
    await traffic.ends_well()
    traffic.nobody_died_but(STORE)
