"""R9: whoever asks again gets the first answer again."""

import asyncio
import uuid

from client import attempts, fields_of

REPEATS = 100


async def test_one_message_however_often_it_is_sent_on_whichever_gateway(people, fleet):
    ada, bob = await people.join("Ada", "Bob")
    chat_id = (await ada.post("/v1/chats/direct", {"user_id": bob.user_id}, 201))["chat_id"]
    sockets = [await people.connect(ada, fleet.gateways()[0])]
    ada.device_id = f"{ada.device_id}-2"  # another device: the same one would replace its first socket
    await ada.log_in()
    sockets.append(await people.connect(ada, fleet.gateways()[1]))
    client_msg_id = str(uuid.uuid4())

    async def send(number):
        socket = sockets[number % 2]
        return await socket.request("send", chat_id=chat_id, client_msg_id=client_msg_id, type="text", body="once")

    replies = await asyncio.gather(*(send(number) for number in range(REPEATS)))
    async for _ in attempts("an outcome for each"):
        outcomes = [frame for socket in sockets for frame in socket.all("persisted")]
        if len(outcomes) == REPEATS:
            break
    outcome = outcomes[0]

    assert all(reply["ok"] for reply in replies)
    assert len({(one["message_id"], one["seq"], one["rev"], one["created_at"]) for one in outcomes}) == 1
    assert sum(not one["duplicate"] for one in outcomes) == 1
    assert {reply["message_id"] for reply in replies} == {outcome["message_id"]}
    history = [one for one in await bob.history(chat_id) if one["type"] == "text"]
    assert [(one["message_id"], one["seq"]) for one in history] == [(outcome["message_id"], outcome["seq"])]


async def test_a_repeat_is_answered_with_the_same_seq_and_says_so(people):
    ada, bob = await people.join("Ada", "Bob")
    chat_id = (await ada.post("/v1/chats/direct", {"user_id": bob.user_id}, 201))["chat_id"]
    socket = await people.connect(ada)
    client_msg_id = str(uuid.uuid4())

    _, first = await socket.say(chat_id, "once", client_msg_id)
    _, again = await socket.say(chat_id, "once", client_msg_id)

    assert (again["message_id"], again["seq"], again["rev"]) == (first["message_id"], first["seq"], first["rev"])
    assert (first["duplicate"], again["duplicate"]) == (False, True)


async def test_the_same_id_with_another_body_is_a_conflict_and_the_first_stays(people):
    ada, bob = await people.join("Ada", "Bob")
    chat_id = (await ada.post("/v1/chats/direct", {"user_id": bob.user_id}, 201))["chat_id"]
    socket = await people.connect(ada)
    client_msg_id = str(uuid.uuid4())

    await socket.say(chat_id, "once", client_msg_id)
    reply, outcome = await socket.say(chat_id, "twice", client_msg_id)

    assert (outcome or reply)["code"] == "idempotency_conflict"
    assert [one["body"] for one in await bob.history(chat_id) if one["type"] == "text"] == ["once"]


async def test_rest_repeats_find_the_first_message(people):
    ada, bob = await people.join("Ada", "Bob")
    chat_id = (await ada.post("/v1/chats/direct", {"user_id": bob.user_id}, 201))["chat_id"]
    key = f"key {uuid.uuid4()}"

    answers = await asyncio.gather(*(ada.say(chat_id, "once", key) for _ in range(10)))
    last = await ada.say(chat_id, "once", key)
    other = await ada.say(chat_id, "twice", key)

    assert {answer.status_code for answer in answers} <= {200, 201, 202}
    assert len({fields_of(answer)["message_id"] for answer in answers}) == 1
    assert (last.status_code, last.headers.get("Idempotent-Replayed")) == (200, "true")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    assert [one["body"] for one in await bob.history(chat_id) if one["type"] == "text"] == ["once"]


async def test_a_group_with_a_key_is_made_once(people):
    ada, bob = await people.join("Ada", "Bob")
    body = {"title": "Engines", "member_ids": [bob.user_id]}
    headers = {"Idempotency-Key": str(uuid.uuid4())}

    answers = await asyncio.gather(*(ada.call("POST", "/v1/chats", body, headers=headers) for _ in range(10)))

    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert len({answer.json()["chat_id"] for answer in answers}) == 1
    assert len((await bob.get("/v1/chats"))["items"]) == 1
