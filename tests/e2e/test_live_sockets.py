"""What happens to sockets that are open: how far somebody has got a message, and Redis that stands still behind them."""

import time
import uuid

from client import attempts
from fleet import slowness
from outages import ask_readiness, silent

NOT_READY_SECONDS = 6  # three canaries, one every two seconds
READY_AGAIN_SECONDS = 10
HELD_BACK_SECONDS = 1


async def test_what_was_delivered_is_told_its_author_alone(people, gateways):
    ada, bob, cleo = await people.join("Ada", "Bob", "Cleo")
    chat_id = (await ada.make_group("Receipts", bob, cleo))["chat_id"]
    at_ada, at_bob = await people.connect(ada, gateways[0]), await people.connect(bob, gateways[1])
    at_cleo = await people.connect(cleo, gateways[1])
    _, said = await at_ada.say(chat_id, "hello")

    answer = await at_bob.request("delivered", chat_id=chat_id, seq=said["seq"])
    receipt = await at_ada.expect(lambda frame: frame.get("t") == "receipt" and frame["user_id"] == bob.user_id)
    _, later = await at_cleo.say(chat_id, "did you get it?")  # behind what Cleo or Bob would have been told
    await at_bob.expect(lambda frame: frame.get("t") == "message" and frame["seq"] == later["seq"])

    assert answer["ok"] and answer["chat_id"] == chat_id
    assert receipt["delivered_seq"] == said["seq"] and receipt["read_seq"] < said["seq"]
    assert answer["unread"] == 1, "it was delivered, not read"
    assert not at_bob.all("receipt") and not at_cleo.all("receipt")


async def until_ready(daemon, ready, seconds):
    began = time.monotonic()
    async for _ in attempts(f"{daemon.name} is {'ready' if ready else 'not ready'}", seconds=seconds * slowness()):
        answer = await ask_readiness(daemon)
        if (answer.status_code == 200) == ready:
            return answer.json(), time.monotonic() - began


async def test_a_gateway_whose_redis_stands_still_says_so_and_what_was_sent_meanwhile_arrives(people, fleet, gateways):
    ada, bob = await people.join("Ada", "Bob")
    chat_id = (await ada.make_group("Canary", bob))["chat_id"]
    at_ada, at_bob = await people.connect(ada, gateways[0]), await people.connect(bob, gateways[1])
    gateway = fleet.daemons()["websocket-gateway-1"]
    await until_ready(gateway, True, READY_AGAIN_SECONDS)

    async with silent(fleet, "redis", 0):
        body, took = await until_ready(gateway, False, NOT_READY_SECONDS + HELD_BACK_SECONDS)
        number = await at_ada.send("send", chat_id=chat_id, client_msg_id=str(uuid.uuid4()), type="text", body="meanwhile")
        await at_ada.expect(lambda frame: frame.get("re") == number and frame.get("state") == "accepted")
    print(f"\nnot ready {took:.1f} s after Redis stood still")
    await until_ready(gateway, True, READY_AGAIN_SECONDS)

    assert "redis pub/sub" in str(body)
    await at_bob.expect(lambda frame: frame.get("t") == "message" and frame["message"]["body"] == "meanwhile")
