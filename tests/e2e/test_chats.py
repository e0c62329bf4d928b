"""Groups seen from outside: roles, bans, who may post, own states on other devices, deletion, changes of the list."""

import copy
import uuid

import pytest
from client import attempts, fields_of


@pytest.fixture
def gateways(fleet):
    urls = fleet.gateways()
    assert len(urls) >= 2, "told across two websocket-gateways"
    return urls


async def a_group(people, *names):
    """The people, the first of them the owner, and the chat's id."""
    everybody = await people.join(*names)
    chat = await everybody[0].make_group("Engines", *everybody[1:])
    return *everybody, chat["chat_id"]


async def another_device(person):
    """The same person, logged in on another device."""
    other = copy.copy(person)
    other.device_id = f"device-{uuid.uuid4().hex[:10]}"
    await other.log_in()
    return other


async def change_member(actor, chat_id, target, **fields):
    return await actor.call("PATCH", f"/v1/chats/{chat_id}/members/{target.user_id}", fields)


async def roles_in(person, chat_id):
    members = (await person.get(f"/v1/chats/{chat_id}/members"))["items"]
    return {one["user_id"]: one["role"] for one in members}


def chat_frame(chat_id, change):
    return lambda frame: frame.get("t") == "chat" and (frame["chat_id"], frame.get("change")) == (chat_id, change)


def system_frame(chat_id, event):
    def wanted(frame):
        if frame.get("t") != "message" or frame["chat_id"] != chat_id or frame["message"]["type"] != "system":
            return False
        return frame["message"]["system"]["event"] == event

    return wanted


async def test_a_group_is_handed_over_and_never_without_an_owner(people, gateways):
    ada, bob, cleo, chat_id = await a_group(people, "Ada", "Bob", "Cleo")
    at_cleo = await people.connect(cleo, gateways[1])

    alone = await change_member(ada, chat_id, ada, role="member")
    handed = await ada.call("POST", f"/v1/chats/{chat_id}/transfer", {"user_id": bob.user_id})
    seen = await at_cleo.expect(system_frame(chat_id, "role_changed"))
    again = await ada.call("POST", f"/v1/chats/{chat_id}/transfer", {"user_id": cleo.user_id})

    assert (alone.status_code, handed.status_code, again.status_code) == (409, 200, 403)
    assert seen["message"]["system"]["targets"] == [bob.user_id, ada.user_id]
    assert await roles_in(cleo, chat_id) == {ada.user_id: "admin", bob.user_id: "owner", cleo.user_id: "member"}

    assert (await bob.call("POST", f"/v1/chats/{chat_id}/leave")).status_code in (202, 204)
    assert await roles_in(cleo, chat_id) == {ada.user_id: "owner", cleo.user_id: "member"}


async def test_who_is_banned_hears_nothing_more_and_does_not_come_back(people, gateways):
    ada, bob, cleo, chat_id = await a_group(people, "Ada", "Bob", "Cleo")
    at_ada, at_bob = await people.connect(ada, gateways[0]), await people.connect(bob, gateways[1])
    at_cleo = await people.connect(cleo, gateways[1])
    await at_ada.say(chat_id, "all of us")
    await at_bob.expect(lambda frame: frame.get("t") == "message" and frame["message"]["body"] == "all of us")

    banned = await change_member(ada, chat_id, bob, banned=True)
    await at_ada.send("typing", chat_id=chat_id, on=True)
    _, said = await at_ada.say(chat_id, "without Bob")
    await at_cleo.expect(lambda frame: frame.get("t") == "message" and frame["message"]["body"] == "without Bob")
    await at_cleo.expect(lambda frame: frame.get("t") == "typing" and frame["user_id"] == ada.user_id)
    reply, outcome = await at_bob.say(chat_id, "still here?")

    assert banned.status_code in (200, 202)
    assert said["t"] == "persisted"
    assert not reply["ok"] or outcome["t"] == "rejected"
    assert not at_bob.all("typing")
    assert "without Bob" not in str([frame.body for frame in at_bob.frames])
    for path in ("", "/messages", "/changes", "/members"):
        assert (await bob.call("GET", f"/v1/chats/{chat_id}{path}")).status_code == 404, path
    added = await ada.call("POST", f"/v1/chats/{chat_id}/members", {"user_ids": [bob.user_id]})
    assert added.status_code == 403

    assert (await change_member(ada, chat_id, bob, banned=False)).status_code == 200
    fields_of(await ada.call("POST", f"/v1/chats/{chat_id}/members", {"user_ids": [bob.user_id]}), 200)
    assert "without Bob" in str(await bob.history(chat_id))


async def test_only_admins_post_from_the_moment_it_was_answered(people, gateways):
    ada, bob, cleo, chat_id = await a_group(people, "Ada", "Bob", "Cleo")
    at_bob, at_cleo = await people.connect(bob, gateways[0]), await people.connect(cleo, gateways[1])
    await change_member(ada, chat_id, cleo, role="admin")

    quiet = await ada.call("PATCH", f"/v1/chats/{chat_id}", {"settings": {"post": "admins"}})
    reply, outcome = await at_bob.say(chat_id, "may I?")
    _, allowed = await at_cleo.say(chat_id, "admins may")
    by_rest = await bob.say(chat_id, "and so?")

    assert fields_of(quiet, 200)["settings"]["post"] == "admins"
    assert not reply["ok"] or (outcome["t"], outcome["code"]) == ("rejected", "forbidden")
    assert allowed["t"] == "persisted"
    assert by_rest.status_code == 403
    fields_of(await ada.call("PATCH", f"/v1/chats/{chat_id}", {"settings": {"post": "all"}}), 200)
    _, again = await at_bob.say(chat_id, "thank you")
    assert again["t"] == "persisted"
    bodies = [one["body"] for one in await ada.history(chat_id) if one["type"] == "text"]
    assert bodies == ["admins may", "thank you"]


async def test_an_edit_of_a_version_that_is_gone_is_refused(people):
    ada, bob, chat_id = await a_group(people, "Ada", "Bob")
    seen = (await ada.call("GET", f"/v1/chats/{chat_id}")).headers["ETag"]

    first = await ada.call("PATCH", f"/v1/chats/{chat_id}", {"description": "one"}, headers={"If-Match": seen})
    second = await ada.call("PATCH", f"/v1/chats/{chat_id}", {"description": "two"}, headers={"If-Match": seen})

    assert (first.status_code, second.status_code) == (200, 412)
    assert (await bob.get(f"/v1/chats/{chat_id}"))["description"] == "one"


async def test_what_a_person_says_of_a_chat_reaches_their_other_devices(people, gateways):
    ada, bob, chat_id = await a_group(people, "Ada", "Bob")
    phone = await people.connect(await another_device(ada), gateways[1])
    at_bob = await people.connect(bob, gateways[1])

    wish = {"mute_until": "2036-01-01T00:00:00.000Z", "pinned": True, "notify": "mentions"}
    state = fields_of(await ada.call("PUT", f"/v1/chats/{chat_id}/me", wish), 200)
    told = await phone.expect(chat_frame(chat_id, "personal"))
    fields_of(await ada.say(chat_id, "hello"), 201, 202)
    await at_bob.expect(lambda frame: frame.get("t") == "message" and frame["message"]["body"] == "hello")

    assert told["me"] == state
    assert (await ada.get(f"/v1/chats/{chat_id}"))["me"] == state
    assert not [one for one in at_bob.all("chat") if one.get("change") == "personal"]
    assert (await bob.get(f"/v1/chats/{chat_id}"))["me"]["pinned"] is False


async def test_a_chat_deleted_for_all_is_gone_on_every_device(people, gateways):
    ada, bob, chat_id = await a_group(people, "Ada", "Bob")
    at_ada, at_bob = await people.connect(ada, gateways[0]), await people.connect(bob, gateways[1])
    await at_ada.say(chat_id, "last words")
    await at_bob.expect(lambda frame: frame.get("t") == "message" and frame["message"]["body"] == "last words")

    refused = await bob.call("DELETE", f"/v1/chats/{chat_id}", params={"scope": "everyone"})
    deleted = await ada.call("DELETE", f"/v1/chats/{chat_id}", params={"scope": "everyone"})
    await at_bob.expect(chat_frame(chat_id, "deleted"))
    reply, outcome = await at_bob.say(chat_id, "anybody?")

    assert refused.status_code == 403
    assert deleted.status_code in (202, 204)
    assert not reply["ok"] or outcome["t"] == "rejected"
    for one in (ada, bob):
        assert chat_id not in str(await one.get("/v1/chats"))
        for path in ("", "/messages", "/changes"):
            assert (await one.call("GET", f"/v1/chats/{chat_id}{path}")).status_code == 404, path


async def test_a_chat_deleted_for_oneself_comes_back_with_the_next_message(people):
    ada, bob, chat_id = await a_group(people, "Ada", "Bob")
    fields_of(await ada.say(chat_id, "one"), 201, 202)
    async for _ in attempts("the list follows"):
        if "one" in str(await bob.get("/v1/chats")):
            break

    assert (await bob.call("DELETE", f"/v1/chats/{chat_id}")).status_code == 204
    assert chat_id not in str(await bob.get("/v1/chats"))
    assert chat_id in str(await ada.get("/v1/chats"))
    fields_of(await ada.say(chat_id, "two"), 201, 202)
    async for _ in attempts("it is back"):
        if chat_id in str(await bob.get("/v1/chats")):
            break


async def settled_cursor(person):
    """Of the changes of their list, when nothing is new any more."""
    cursor = (await person.get("/v1/chats"))["changes_cursor"]
    async for _ in attempts("nothing is new"):
        page = await person.get("/v1/chats/changes", cursor=cursor)
        settled, cursor = page["next_cursor"] == cursor, page["next_cursor"]
        if settled:
            return cursor


async def test_what_was_read_on_another_device_is_in_the_changes_of_the_list(people, gateways):
    ada, bob, chat_id = await a_group(people, "Ada", "Bob")
    other = (await ada.make_group("Other", bob))["chat_id"]
    for body in ("one", "two", "three"):
        head = fields_of(await ada.say(chat_id, body), 201)["seq"]
        fields_of(await ada.say(other, body), 201)
    cursor = await settled_cursor(bob)

    at_bob = await people.connect(bob, gateways[1])  # his other device
    assert (await at_bob.request("read", chat_id=chat_id, seq=head - 1))["ok"]
    first = await bob.get("/v1/chats/changes", cursor=cursor)
    fields_of(await bob.call("POST", f"/v1/chats/{chat_id}/read", {"seq": head}), 200)
    second = await bob.get("/v1/chats/changes", cursor=first["next_cursor"])
    third = await bob.get("/v1/chats/changes", cursor=second["next_cursor"])

    for page, unread in ((first, 1), (second, 0)):
        shown = {one["chat_id"]: one for one in page["items"]}
        assert (shown[chat_id]["unread"], shown[chat_id]["read_seq"]) == (unread, head - unread)
        assert page["removed"] == []
    assert third["items"] == [] and third["next_cursor"] == second["next_cursor"]


async def test_the_changes_of_the_list_are_what_is_new_in_it(people):
    ada, bob, first = await a_group(people, "Ada", "Bob")
    second = (await ada.make_group("Second", bob))["chat_id"]
    third = (await ada.make_group("Third", bob))["chat_id"]
    cursor = await settled_cursor(bob)

    fields_of(await ada.say(second, "news"), 201, 202)
    assert (await bob.call("POST", f"/v1/chats/{third}/leave")).status_code in (202, 204)
    shown, removed = {}, set()
    async for _ in attempts("both are told"):
        page = await bob.get("/v1/chats/changes", cursor=cursor)
        cursor = page["next_cursor"]
        shown |= {one["chat_id"]: one for one in page["items"]}
        removed |= set(page["removed"])
        if third in removed and shown.get(second, {}).get("last_message", {}).get("body") == "news":
            break

    assert shown[second]["unread"] == 1
    assert third not in {one["chat_id"] for one in page["items"]}
    assert first not in removed


async def test_what_is_sent_in_a_group_goes_after_its_retention(people, gateways):
    ada, bob, chat_id = await a_group(people, "Ada", "Bob")
    at_bob = await people.connect(bob, gateways[1])
    kept = fields_of(await ada.say(chat_id, "from before"), 201)
    fields_of(await ada.call("PATCH", f"/v1/chats/{chat_id}", {"settings": {"retention_s": 4}}), 200)

    path, key = f"/v1/chats/{chat_id}/messages", {"Idempotency-Key": "1"}
    lasting = {"type": "text", "body": "for an hour", "ttl_s": 3600}  # the group's own is shorter
    sent = [
        fields_of(await ada.say(chat_id, "for a moment"), 201),
        fields_of(await bob.call("POST", path, lasting, headers=key), 201),
    ]

    for message in sent:
        await at_bob.expect(
            lambda frame, wanted=message["message_id"]: (
                frame.get("t") == "message_deleted" and frame["message"]["message_id"] == wanted
            )
        )
    history = {one["message_id"]: one for one in await bob.history(chat_id)}
    assert history[kept["message_id"]]["body"] == "from before" and history[kept["message_id"]]["expires_at"] is None
    for message in sent:
        assert message["expires_at"] is not None
        assert history[message["message_id"]]["deleted"] and history[message["message_id"]]["body"] == ""
    log = await ada.get(f"/v1/chats/{chat_id}/changes", after_rev=0)
    assert "for a moment" not in str(log) and "for an hour" not in str(log)

    fields_of(await ada.call("PATCH", f"/v1/chats/{chat_id}", {"settings": {"retention_s": 0}}), 200)
    assert fields_of(await ada.say(chat_id, "for good"), 201)["expires_at"] is None
