"""What people choose about each other: blocks, who sees presence, settings on all devices; across two gateways."""

import asyncio
import copy
import uuid

import httpx
from client import attempts, fields_of
from fleet import OPS_DISTANCE

SETTINGS = "/v1/users/me/settings"


async def put_settings(person, body):
    etag = (await person.call("GET", SETTINGS)).headers["ETag"]
    return fields_of(await person.call("PUT", SETTINGS, body, headers={"If-Match": etag}), 200)


async def block(person, other):
    answer = await person.call("PUT", f"/v1/users/me/blocks/{other.user_id}")
    assert answer.status_code == 204, answer.text


async def unblock(person, other):
    answer = await person.call("DELETE", f"/v1/users/me/blocks/{other.user_id}")
    assert answer.status_code == 204, answer.text


async def state_of(asker, person):
    item = (await asker.get("/v1/users/presence", ids=person.user_id))["items"][0]
    return item["state"], item["last_seen_at"]


def presence_of(person, state):
    return lambda frame: (frame.get("t"), frame.get("user_id"), frame.get("state")) == (
        "presence",
        person.user_id,
        state,
    )


async def watch(socket, person, state):
    """Whoever has connected this moment may be seen as offline at first: their gateway tells Redis meanwhile."""
    place = len(socket.frames)
    (seen,) = (await socket.request("watch", user_ids=[person.user_id]))["items"]
    if seen["state"] != state:
        await socket.expect(presence_of(person, state), since=place)
    return len(socket.frames)


async def test_who_is_blocked_begins_nothing_and_cannot_tell(people):
    ada, bob = await people.join("Ada", "Bob")
    group = await ada.make_group("Engines")
    await block(bob, ada)
    nobody = "00000000-0000-7000-8000-000000000000"

    async def refused(path, member):
        blocked = await ada.call("POST", path, {member: bob.user_id if member == "user_id" else [bob.user_id]})
        missing = await ada.call("POST", path, {member: nobody if member == "user_id" else [nobody]})
        assert blocked.status_code == missing.status_code == 404
        told = [{key: one.json()[key] for key in ("code", "detail", "errors")} for one in (blocked, missing)]
        assert told[0] == told[1]

    await refused("/v1/chats/direct", "user_id")
    await refused(f"/v1/chats/{group['chat_id']}/members", "user_ids")
    assert (await ada.get("/v1/users", query=bob.handle))["items"] == []
    assert [one["user"]["user_id"] for one in (await bob.get("/v1/users/me/blocks"))["items"]] == [ada.user_id]

    await unblock(bob, ada)
    await ada.post("/v1/chats/direct", {"user_id": bob.user_id}, 201)


async def direct_chat(person, other):
    return (await person.post("/v1/chats/direct", {"user_id": other.user_id}, 201))["chat_id"]


def typing_in(chat_id):
    return lambda frame: frame.get("t") == "typing" and frame["chat_id"] == chat_id and frame["on"]


async def types(people, person, gateway, chat_id):
    """On one more device: each types at most every three seconds."""
    device = copy.copy(person)
    device.device_id = f"device-{uuid.uuid4().hex[:10]}"
    await (await people.connect(device, gateway)).send("typing", chat_id=chat_id)


async def may_post(socket, chat_id):
    """Says something, and whether it was taken: refused is what the chat's own setting refuses."""
    reply, outcome = await socket.say(chat_id, "may I?")
    if reply.get("ok") and outcome["t"] == "persisted":
        return True
    assert (reply if outcome is None else outcome)["code"] == "forbidden"
    return False


async def until_posting(socket, chat_id, allowed):
    async for _ in attempts(f"posting is {'allowed' if allowed else 'refused'}"):
        if await may_post(socket, chat_id) == allowed:
            return


async def test_a_block_closes_the_direct_chat_for_both_and_its_end_opens_it(people, gateways):
    ada, bob = await people.join("Ada", "Bob")
    chat_id = await direct_chat(ada, bob)
    group = await ada.make_group("Engines", bob)
    at_ada, at_bob = await people.connect(ada, gateways[0]), await people.connect(bob, gateways[1])
    said = fields_of(await ada.say(chat_id, "hello"), 201)
    messages, own = f"/v1/messages/{said['message_id']}", f"/v1/chats/{chat_id}"

    await block(bob, ada)
    await until_posting(at_ada, chat_id, False)

    assert not await may_post(at_bob, chat_id)
    for person in (ada, bob):
        refused = await person.say(chat_id, "and so?")
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert (await person.get(own))["settings"]["post"] == "nobody"
    assert (await ada.call("PATCH", messages, {"body": "hello?"})).status_code == 403
    assert "hello" in [one["body"] for one in await ada.history(chat_id)]
    assert (await bob.post(f"{own}/read", {"seq": said["seq"]}, 200))["read_seq"] >= said["seq"]
    fields_of(await bob.call("PUT", f"{messages}/reactions/ok"), 200)
    assert (await bob.call("DELETE", messages, params={"scope": "me"})).status_code == 204
    assert (await ada.say(group["chat_id"], "here as before")).status_code == 201
    told = await at_bob.expect(lambda frame: frame.get("t") == "chat" and frame["chat_id"] == chat_id)
    assert (told["change"], told["actor_id"], told["chat"]["settings"]["post"]) == ("settings", "system", "nobody")

    await at_ada.send("typing", chat_id=chat_id)
    await types(people, ada, gateways[0], group["chat_id"])
    await at_bob.expect(typing_in(group["chat_id"]))
    assert not [frame for frame in at_bob.all("typing") if frame["chat_id"] == chat_id]

    await unblock(bob, ada)
    await until_posting(at_bob, chat_id, True)

    assert await may_post(at_ada, chat_id)
    for person in (ada, bob):
        assert (await person.say(chat_id, "again")).status_code == 201
    await types(people, ada, gateways[0], chat_id)
    await at_bob.expect(typing_in(chat_id))


async def test_a_direct_chat_is_closed_as_long_as_one_of_the_two_blocks_the_other(people, gateways):
    ada, bob, cleo = await people.join("Ada", "Bob", "Cleo")
    chat_id, with_cleo = await direct_chat(ada, bob), await direct_chat(cleo, bob)
    at_bob = await people.connect(bob, gateways[0])
    await block(ada, bob)
    await block(bob, ada)
    await block(bob, cleo)
    await until_posting(at_bob, chat_id, False)
    await until_posting(at_bob, with_cleo, False)

    await unblock(bob, ada)
    await unblock(bob, cleo)  # told after it, in order: when this one has had its effect, so has that
    await until_posting(at_bob, with_cleo, True)

    assert not await may_post(at_bob, chat_id)
    await unblock(ada, bob)
    await until_posting(at_bob, chat_id, True)


async def test_a_chat_that_is_made_while_a_block_begins_ends_closed(people, gateways):
    bob, *others = await people.join("Bob", "Ada", "Cleo", "Dan")
    at_bob = await people.connect(bob, gateways[0])

    async def make(other):
        return await other.call("POST", "/v1/chats/direct", {"user_id": bob.user_id})

    made, _ = await asyncio.gather(
        asyncio.gather(*(make(other) for other in others)), asyncio.gather(*(block(bob, other) for other in others))
    )
    by_blocker = await bob.call("POST", "/v1/chats/direct", {"user_id": others[0].user_id})

    assert {answer.status_code for answer in made} <= {201, 404} and by_blocker.status_code in (200, 201)
    for answer in (*made, by_blocker):
        if answer.status_code != 404:
            await until_posting(at_bob, answer.json()["chat_id"], False)


async def test_presence_is_shown_to_those_whom_its_owner_allows(people, gateways):
    ada, bob = await people.join("Ada", "Bob")
    at_ada, at_bob = await people.connect(ada, gateways[0]), await people.connect(bob, gateways[1])
    assert at_ada.node != at_bob.node
    seen = await watch(at_ada, bob, "online")

    await put_settings(bob, {"presence": {"invisible": True}})
    hidden = await at_ada.expect(presence_of(bob, "offline"), since=seen)
    assert hidden["last_seen_at"] is None
    assert await state_of(ada, bob) == ("offline", None)
    assert (await state_of(bob, bob))[0] == "online"

    seen = len(at_ada.frames)
    await put_settings(bob, {"presence": {"visible_to": "shared_chats"}})
    assert await state_of(ada, bob) == ("offline", None)
    await ada.post("/v1/chats/direct", {"user_id": bob.user_id}, 201)
    assert (await state_of(ada, bob))[0] == "online"
    await watch(at_ada, bob, "online")

    seen = len(at_ada.frames)
    await block(bob, ada)
    await at_ada.expect(presence_of(bob, "offline"), since=seen)
    assert await state_of(ada, bob) == await state_of(bob, ada) == ("offline", None)
    seen = len(at_ada.frames)
    await unblock(bob, ada)
    await at_ada.expect(presence_of(bob, "online"), since=seen)


async def test_somebody_is_away_when_all_their_devices_are(people, gateways):
    ada, bob = await people.join("Ada", "Bob")
    desk = copy.copy(bob)
    desk.device_id += "-desk"
    at_ada = await people.connect(ada, gateways[0])
    at_phone, at_desk = await people.connect(bob, gateways[0]), await people.connect(desk, gateways[1])
    seen = await watch(at_ada, bob, "online")

    assert (await at_phone.request("presence", state="away"))["ok"]
    assert (await at_desk.request("presence", state="away"))["ok"]
    await at_ada.expect(presence_of(bob, "away"), since=seen)
    assert (await state_of(ada, bob))[0] == "away"
    seen = len(at_ada.frames)
    assert (await at_desk.request("presence", state="online"))["ok"]
    await at_ada.expect(presence_of(bob, "online"), since=seen)


async def test_settings_reach_the_other_devices(people, gateways):
    ada = await people.join("Ada")
    desk = copy.copy(ada)
    desk.device_id += "-desk"
    sockets = [await people.connect(ada, gateways[0]), await people.connect(desk, gateways[1])]

    changed = await put_settings(ada, {"client": {"theme": "dark"}})

    for socket in sockets:
        told = await socket.expect(lambda frame: frame.get("t") == "user" and frame["change"] == "settings")
        assert (told["user_id"], told["version"]) == (ada.user_id, changed["version"])
    answer = await desk.call("GET", SETTINGS)
    assert answer.headers["ETag"] == f'"{told["version"]}"'
    assert answer.json()["client"] == {"theme": "dark"}
    late = await ada.call("PUT", SETTINGS, {}, headers={"If-Match": '"0"'})
    assert late.status_code == 412


async def test_nobody_is_notified_of_whom_they_have_blocked(people):
    ada, bob, cel = await people.join("Ada", "Bob", "Cel")
    group = await ada.make_group("Engines", bob, cel)
    await block(bob, ada)

    fields_of(await ada.say(group["chat_id"], "hello, you two"), 201)

    async for _ in attempts("Cel is notified"):
        if (await cel.get("/v1/notifications"))["items"]:
            break
    assert (await bob.get("/v1/notifications"))["items"] == []


async def test_who_is_deleted_is_a_name_in_history_and_nothing_else(people, fleet, gateways):
    ada, bob = await people.join("Ada", "Bob")
    group = await bob.make_group("Engines", ada)
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    path, body = f"/v1/chats/{group['chat_id']}/messages", {"type": "text", "body": "I was here"}
    fields_of(await bob.call("POST", path, body, headers=headers), 201)
    at_ada, _ = await people.connect(ada, gateways[0]), await people.connect(bob, gateways[1])
    seen = await watch(at_ada, bob, "online")
    service = next(one for name, one in fleet.daemons().items() if name.startswith("user-service-"))

    for _ in range(2):  # as auth-service's job does, until it is answered
        async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
            answer = await http.delete(f"http://127.0.0.1:{service.port + OPS_DISTANCE}/internal/users/{bob.user_id}")
        assert answer.status_code == 204, answer.text

    await at_ada.expect(presence_of(bob, "offline"), since=seen)
    left = await ada.get(f"/v1/users/{bob.user_id}")
    assert left["deleted"] and left["display_name"] == "Deleted account" and left["bio"] == ""
    assert (await ada.get("/v1/users", query=bob.handle))["items"] == []
    async for _ in attempts("a group without him"):
        members = (await ada.get(f"/v1/chats/{group['chat_id']}/members"))["items"]
        if [one["user_id"] for one in members] == [ada.user_id]:
            break
    assert members[0]["role"] == "owner", "somebody has to be"
    said = [one for one in await ada.history(group["chat_id"]) if one["type"] == "text"]
    assert [(one["sender_id"], one["body"]) for one in said] == [(bob.user_id, "I was here")]
    direct = await ada.call("POST", "/v1/chats/direct", {"user_id": bob.user_id})
    assert direct.status_code == 404
    assert (await bob.call("GET", "/v1/users/me")).status_code == 404
