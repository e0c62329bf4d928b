"""R12: SIGTERM of a gateway with a thousand connections, in the middle of sending."""

import asyncio
import os
import statistics
import time

import httpx
import pytest
from fleet import slowness
from invariants import Ledger
from talkers import Crowd

CONNECTIONS, OWNERS, AT_ONCE = 1_000, 4, 20
PEOPLE, CHATS, MESSAGES, PER_SECOND = 12, 6, 1_500, 50
EXIT_SECONDS = 10
DRAIN = 4100
SETTINGS = {
    "sockets_per_user": CONNECTIONS,
    "send_per_s": 100000,
    "send_burst": 100000,
    "rate_write_per_s": 0,
    "max_unanswered": 1000,
}


async def open_idle(people, url):
    owners, door = await people.join(*(f"Idle{number}" for number in range(OWNERS))), asyncio.Semaphore(AT_ONCE)

    async def one(number):
        async with door:
            owner = owners[number % OWNERS]
            socket = await people.connect(url=url)
            await socket.send("auth", token=owner.token)
            await socket.expect(lambda frame: frame.get("t") == "ready")
            return socket

    return await asyncio.gather(*(one(number) for number in range(CONNECTIONS)))


async def when_not_ready(gateway):
    """When /readyz was first seen to say 503."""
    async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
        while (await http.get(f"{gateway.ops_url}/readyz")).status_code == 200:
            await asyncio.sleep(0.005)
        return time.monotonic()


async def when_gone(pid):
    while os.path.exists(f"/proc/{pid}") and b") Z " not in open(f"/proc/{pid}/stat", "rb").read():
        await asyncio.sleep(0.02)
    return time.monotonic()


@pytest.mark.long
async def test_a_gateway_that_is_asked_to_end_sends_everybody_elsewhere(people, fleet):
    ledger = Ledger()
    with fleet.another("websocket-gateway-1", **SETTINGS) as gateway:
        url = f"ws://127.0.0.1:{gateway.port}/v1/ws"
        idle = await open_idle(people, url)
        crowd = await Crowd.gather(people, [url, *fleet.gateways()], ledger, PEOPLE, CHATS, MESSAGES, PER_SECOND)
        await crowd.remember_heads()
        talking = asyncio.create_task(crowd.talk())
        while crowd.count_accepted() < MESSAGES * 0.3:
            await asyncio.sleep(0.02)

        slow, began = slowness(), time.monotonic()
        unready = asyncio.create_task(when_not_ready(gateway))
        gateway.stop()
        gone = await when_gone(gateway.pid) - began
        codes = {await one.expect_close() for one in idle}
        moved = [one.all("moved")[0] for one in idle]
        waits = [frame["after_ms"] for frame in moved]
        first = min(frame.at for frame in moved)
        print(
            f"\nnot ready after {await unready - began:.2f} s, moved after {first - began:.2f} s, gone after {gone:.1f} s; "
            f"to come back within {min(waits)} to {max(waits)} ms (machine {slow:.1f} times as slow as a quiet one)"
        )
        await talking
        await crowd.until_stored(MESSAGES, 60)
        assert codes == {DRAIN}
        assert {frame["reason"] for frame in moved} == {"drain"}
        assert await unready < first, "load balancers have to see it before clients are sent away"
        assert max(waits) <= 5_000 and len(set(waits)) > CONNECTIONS / 4
        assert statistics.quantiles(waits, n=4)[0] > 500 and statistics.quantiles(waits, n=4)[2] > 2_500, "not spread"
        assert gone <= EXIT_SECONDS * slow
        assert crowd.count_accepted() == MESSAGES
        await crowd.check()
        await crowd.leave()
