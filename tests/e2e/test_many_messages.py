"""R1: ten thousand messages of twenty people in fifty chats, and nothing goes wrong: nothing does."""

import pytest
from fleet import slowness
from invariants import Ledger
from talkers import Crowd

PEOPLE, CHATS, MESSAGES = 20, 50, 10_000
PER_SECOND = 150
ACK_SECONDS = 0.1  # 99 of 100, on a quiet machine
SETTLE_SECONDS = 90


@pytest.mark.long
async def test_ten_thousand_messages(people, fleet):
    crowd = await Crowd.gather(people, fleet.gateways(), Ledger(), PEOPLE, CHATS, MESSAGES, PER_SECOND)
    await crowd.remember_heads()

    await crowd.talk()
    slow = slowness()
    for one in crowd.talkers:
        await one.settle(SETTLE_SECONDS)
    waits = sorted(wait for one in crowd.talkers for wait in one.waits)
    p99 = waits[len(waits) * 99 // 100]
    print(f"\naccepted after {waits[len(waits) // 2] * 1000:.1f} ms, 99 of 100 within {p99 * 1000:.1f} ms")

    assert crowd.count_accepted() == MESSAGES and crowd.refusals() == {}
    await crowd.check()
    for one in crowd.listeners:
        ids = [message["message_id"] for message in one.heard]
        assert len(ids) == len(set(ids)), "told twice"
    await crowd.leave()
    assert p99 <= ACK_SECONDS * slow
