"""R13: every daemon is restarted, one after the other, while people talk and ask. With two of each nobody notices."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest
from callers import Callers
from invariants import Ledger
from talkers import Crowd

# The design asks for 200 messages and 50 requests a second; two cores and sanitizers bear a fifth of that.
MESSAGES_PER_S, REQUESTS_PER_S = 40, 10
PEOPLE, CHATS = 6, 6
MOST_SECONDS = 600
SETTLE_SECONDS = 90
FAILED_SHARE = 0.001
SINGLE = ("api-gateway", "auth-service", "user-service", "chat-service")
SERVICES = (*SINGLE, "message-service", "notification-service", "websocket-gateway")


@asynccontextmanager
async def two_of_each(fleet):
    """Those that the tests' fleet has one of."""
    try:
        await asyncio.to_thread(fleet.scale, dict.fromkeys(SINGLE, 2))
        yield {name: one for name, one in fleet.daemons().items() if one.own_name in SERVICES}
    finally:
        await asyncio.to_thread(fleet.scale, dict.fromkeys(SINGLE, 1))


async def restart_all(fleet, daemons):
    for name in daemons:
        began = time.monotonic()
        await asyncio.to_thread(fleet.restart, name)
        print(f"{name}: {time.monotonic() - began:.1f} s")
    now = fleet.daemons()
    same = [name for name, one in daemons.items() if now[name].pid == one.pid]
    assert not same, f"not restarted: {same}"


@pytest.mark.long(seconds=MOST_SECONDS + 300)
async def test_nobody_notices_a_rolling_restart(people, fleet):
    async with two_of_each(fleet) as daemons:
        assert {one.own_name for one in daemons.values()} == set(SERVICES) and len(daemons) == 2 * len(SERVICES)
        crowd = await Crowd.gather(
            people, fleet.gateways(), Ledger(), PEOPLE, CHATS, MOST_SECONDS * MESSAGES_PER_S, MESSAGES_PER_S
        )
        await crowd.remember_heads()
        ada, bob = await people.join("Ada", "Bob")
        chat_id = (await ada.make_group("Asked for", bob))["chat_id"]
        callers = Callers([one for one in daemons.values() if one.own_name == "api-gateway"], ada, chat_id)

        talking = asyncio.create_task(crowd.talk())
        calling = asyncio.create_task(callers.run(REQUESTS_PER_S))
        await restart_all(fleet, daemons)
        calling.cancel()
        crowd.hush()
        await talking
        await callers.close()
        said = len(crowd.ledger.sends)
        await crowd.until_stored(said, SETTLE_SECONDS)

        failed, in_the_end = callers.failures(), callers.failures_in_the_end()
        print(f"{said} messages, {len(callers.calls)} requests; failed: {failed}, with a second try: {in_the_end}")
        assert crowd.count_accepted() == said
        await crowd.check()
        await crowd.leave()
        assert not in_the_end
        assert len(failed) <= FAILED_SHARE * len(callers.calls)
