"""R15 on sockets: what a person may send is one allowance, whichever gateways and whether by socket or REST."""

import asyncio
import time
import uuid
from contextlib import AsyncExitStack, ExitStack

import pytest
from client import Api, attempts

PER_SECOND, BURST = 20, 40  # the defaults, which the other tests switch off
SECONDS = 10
TOLERANCE = 0.05
POLICY = {"rate_write_per_s": PER_SECOND, "rate_write_burst": BURST}
UNBOUND = {"send_per_s": 100000, "send_burst": 100000}  # of one connection
EDGE = {"rate_auth_per_10s": 0, "rate_read_per_s": 0, "rate_address_per_s": 0, "rate_global_per_s": 0}


class Flood:
    """Asks again and again on one socket, as fast as it is answered, whatever it is told."""

    def __init__(self, socket, chat_id):
        self.socket, self.chat_id = socket, chat_id
        self.accepted, self.refused, self.waits = 0, 0, []

    async def run(self, until):
        while time.monotonic() < until:
            number = {"client_msg_id": str(uuid.uuid4()), "chat_id": self.chat_id}
            answer = await self.socket.request("send", type="text", body="flood", **number)
            if answer.get("ok"):
                self.accepted += 1
            else:
                assert answer["code"] == "rate_limited" and answer["retryable"], answer.body
                self.waits.append(answer["retry_after_ms"])
                self.refused += 1


class RestFlood:
    def __init__(self, person, api, chat_id):
        self.person, self.api, self.chat_id = person, api, chat_id
        self.accepted, self.refused = 0, 0

    async def run(self, until):
        path = f"/v1/chats/{self.chat_id}/messages"
        while time.monotonic() < until:
            headers = {"Idempotency-Key": str(uuid.uuid4())}
            answer = await self.api.call("POST", path, {"type": "text", "body": "flood"}, self.person.token, headers=headers)
            assert answer.status_code in (200, 201, 202, 429), answer.text
            self.accepted += answer.status_code != 429
            self.refused += answer.status_code == 429


async def flood_all(floods, seconds=SECONDS):
    """(allowed, what the policy allows in that time)"""
    began = time.monotonic()
    await asyncio.gather(*(one.run(began + seconds) for one in floods))
    took = time.monotonic() - began
    print(f"\n{[one.accepted for one in floods]} allowed, {[one.refused for one in floods]} refused in {took:.1f} s")
    assert all(one.refused for one in floods), "this was no flood"
    return sum(one.accepted for one in floods), BURST + PER_SECOND * took


async def sockets_of(people, person, daemons):
    return [await people.connect(person, f"ws://127.0.0.1:{one.port}/v1/ws") for one in daemons]


async def test_two_gateways_and_rest_give_one_allowance(people, fleet):
    with ExitStack() as stack:
        gateways = [stack.enter_context(fleet.another(f"websocket-gateway-{i}", **POLICY, **UNBOUND)) for i in (1, 2)]
        edge = stack.enter_context(fleet.another("api-gateway-1", **POLICY, **EDGE))
        async with AsyncExitStack() as later:
            api = Api(edge.url)
            later.push_async_callback(api.close)
            later.push_async_callback(people.close)
            ada, bob = await people.join("Ada", "Bob")
            chat_id = (await ada.make_group("Flood", bob))["chat_id"]
            sockets = await sockets_of(people, ada, gateways)
            allowed, policy = await flood_all([*(Flood(one, chat_id) for one in sockets), RestFlood(ada, api, chat_id)])
            assert abs(allowed - policy) <= TOLERANCE * policy, f"{allowed} for {policy:.0f}"
            async for _ in attempts("all that was allowed is stored"):
                if len([one for one in await bob.history(chat_id) if one["type"] == "text"]) == allowed:
                    break
            # Others pay nothing for it.
            reply, _ = await (await sockets_of(people, bob, gateways[:1]))[0].say(chat_id, "I may")
            assert reply["ok"]


async def test_who_waits_as_long_as_told_may_send(people, fleet):
    with fleet.another("websocket-gateway-1", **POLICY, **UNBOUND) as gateway:
        ada = await people.join("Ada")
        chat_id = (await ada.make_group("Patience"))["chat_id"]
        [socket] = await sockets_of(people, ada, [gateway])
        flood = Flood(socket, chat_id)
        while not flood.refused:
            await flood.run(time.monotonic() + 0.1)
        for _ in range(5):
            reply, _ = await socket.say(chat_id, "now?")
            if not reply["ok"]:
                assert 0 < reply["retry_after_ms"] <= 1000 / PER_SECOND * 3
                await asyncio.sleep(reply["retry_after_ms"] / 1000)
                reply, _ = await socket.say(chat_id, "now!")
            assert reply["ok"], reply.body
        await people.close()


@pytest.mark.long
async def test_without_redis_each_gateway_limits_on_its_own(people, fleet):
    with fleet.another("websocket-gateway-1", **POLICY, **UNBOUND) as gateway:
        ada = await people.join("Ada")
        chat_id = (await ada.make_group("Alone"))["chat_id"]
        [socket] = await sockets_of(people, ada, [gateway])
        with fleet.without("redis"):
            allowed, policy = await flood_all([Flood(socket, chat_id)])
            assert abs(allowed - policy) <= TOLERANCE * policy, f"{allowed} for {policy:.0f}"
        assert not any(line.startswith("ws_quota_alone_total") and line.endswith(" 0") for line in gateway.metrics())
        allowed, policy = await flood_all([Flood(socket, chat_id)])  # Redis is back, and knows nothing of before
        assert allowed <= (1 + TOLERANCE) * policy
        await people.close()
