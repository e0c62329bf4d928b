"""R3: `kill -9` of a websocket-gateway in the middle of sending. Its people go on at the other one."""

import asyncio
import time

from fleet import slowness
from invariants import Ledger
from talkers import Crowd

PEOPLE, CHATS, MESSAGES = 12, 12, 2_000
PER_SECOND = 150
RESUME_SECONDS = 3  # on a quiet machine
SETTLE_SECONDS = 60
VICTIM = "websocket-gateway-1"


async def test_people_go_on_at_another_gateway_and_nothing_is_lost_or_doubled(people, fleet):
    ledger = Ledger()
    crowd = await Crowd.gather(people, fleet.gateways(), ledger, PEOPLE, CHATS, MESSAGES, PER_SECOND)
    await crowd.remember_heads()

    talking = asyncio.create_task(crowd.talk())
    while crowd.count_accepted() < MESSAGES * 0.3:
        await asyncio.sleep(0.02)
    await asyncio.to_thread(fleet.kill, VICTIM)
    killed_at, slow = time.monotonic(), slowness()
    try:
        assert fleet.daemons()[VICTIM].pid is None
        await talking
        await crowd.settle_in_history(MESSAGES, SETTLE_SECONDS)
        moved = [one for one in [*crowd.talkers, *crowd.listeners] if one.reconnected_after]
        longest = max(seconds for one in moved for seconds in one.reconnected_after)
        resent = sum(one.resent for one in crowd.talkers)
        print(
            f"\n{len(moved)} people moved, the slowest in {longest:.1f} s; {resent} messages were sent again "
            f"(machine {slow:.1f} times as slow as a quiet one)"
        )
        assert moved, "the fault has hit nobody"
        assert crowd.count_accepted() == MESSAGES
        await crowd.check()
        await crowd.leave()
        assert longest <= RESUME_SECONDS * slow
    finally:
        print(f"{VICTIM} comes back {time.monotonic() - killed_at:.1f} s after it was killed")
        await asyncio.to_thread(fleet.restart, VICTIM)
