"""Two people and a group, from registering to logging out; sockets on different gateways."""

import asyncio
import uuid

from client import attempts, fields_of
from invariants import Evidence, Ledger, check


async def meet(people, gateways):
    """Ada and Bob, their direct chat, and a socket each, on different gateways."""
    ada, bob = await people.join("Ada", "Bob")
    chat = await ada.post("/v1/chats/direct", {"user_id": bob.user_id}, 201)
    at_ada = await people.connect(ada, gateways[0])
    at_bob = await people.connect(bob, gateways[1])
    assert at_ada.node != at_bob.node
    return ada, bob, chat["chat_id"], at_ada, at_bob


def a_message_frame(chat_id, body):
    def wanted(frame):
        return frame.get("t") == "message" and (frame["chat_id"], frame["message"]["body"]) == (chat_id, body)

    return wanted


async def test_a_stranger_becomes_a_user(people):
    ada = await people.join("Ada")
    me = await ada.get("/v1/users/me")
    assert (me["user_id"], me["handle"], me["email"]) == (ada.user_id, ada.handle, ada.email)
    sessions = (await ada.get("/v1/sessions"))["items"]
    assert [one["session_id"] for one in sessions if one["current"]] == [ada.session_id]


async def test_people_are_found_by_handle(people):
    ada, bob = await people.join("Ada", "Bob")
    found = (await ada.get("/v1/users", query=bob.handle))["items"]
    assert [one["user_id"] for one in found] == [bob.user_id]
    assert "email" not in found[0]


async def test_a_direct_chat_is_the_same_for_both(people):
    ada, bob = await people.join("Ada", "Bob")
    mine, theirs = await asyncio.gather(
        ada.call("POST", "/v1/chats/direct", {"user_id": bob.user_id}),
        bob.call("POST", "/v1/chats/direct", {"user_id": ada.user_id}),
    )
    assert sorted([mine.status_code, theirs.status_code]) == [200, 201]
    assert fields_of(mine)["chat_id"] == fields_of(theirs)["chat_id"]


async def test_a_message_goes_from_one_gateway_to_the_other(people, gateways):
    ada, bob, chat_id, at_ada, at_bob = await meet(people, gateways)

    accepted, persisted = await at_ada.say(chat_id, "Hello, Bob!")
    delivered = await at_bob.expect(a_message_frame(chat_id, "Hello, Bob!"))

    assert accepted["state"] == "accepted"
    assert accepted.at <= persisted.at
    assert persisted["message_id"] == accepted["message_id"] == delivered["message"]["message_id"]
    assert (persisted["seq"], persisted["rev"]) == (delivered["seq"], delivered["rev"])
    assert delivered["message"]["sender_id"] == ada.user_id
    assert not at_ada.all("message"), "the sender's own connection gets answers, not its message"


async def test_rest_and_websocket_are_one_timeline(people, gateways):
    ada, bob, chat_id, at_ada, at_bob = await meet(people, gateways)

    message = fields_of(await ada.say(chat_id, "by post"), 201)
    delivered = await at_bob.expect(a_message_frame(chat_id, "by post"))
    own = await at_ada.expect(a_message_frame(chat_id, "by post"))

    assert delivered["message"]["message_id"] == own["message"]["message_id"] == message["message_id"]
    assert [one["message_id"] for one in await bob.history(chat_id)][-1] == message["message_id"]


async def test_a_group_is_made_while_its_members_are_connected(people, gateways):
    ada, bob, cleo = await people.join("Ada", "Bob", "Cleo")
    at_bob = await people.connect(bob, gateways[1])

    chat = await ada.make_group("Engines", bob, cleo)
    told = await at_bob.expect(lambda frame: frame.get("t") == "chat" and frame["chat_id"] == chat["chat_id"])
    fields_of(await ada.say(chat["chat_id"], "Welcome"), 201, 202)
    await at_bob.expect(a_message_frame(chat["chat_id"], "Welcome"))

    assert told["chat"]["title"] == "Engines"
    members = (await cleo.get(f"/v1/chats/{chat['chat_id']}/members"))["items"]
    roles = {one["user_id"]: one["role"] for one in members}
    assert roles == {ada.user_id: "owner", bob.user_id: "member", cleo.user_id: "member"}


async def test_the_list_of_chats_is_ordered_by_activity_and_counts_unread(people):
    ada, bob = await people.join("Ada", "Bob")
    first, second = await ada.make_group("First", bob), await ada.make_group("Second", bob)
    fields_of(await ada.say(second["chat_id"], "one"), 201, 202)
    fields_of(await ada.say(first["chat_id"], "two"), 201, 202)
    fields_of(await ada.say(first["chat_id"], "three"), 201, 202)

    async for _ in attempts("the list follows"):
        items = (await bob.get("/v1/chats"))["items"]
        if [one["chat_id"] for one in items[:2]] == [first["chat_id"], second["chat_id"]]:
            if items[0]["last_message"]["body"] == "three" and items[0]["unread"] == 2:
                break
    assert items[1]["unread"] == 1
    page = await bob.get("/v1/chats", limit=1)
    rest = await bob.get("/v1/chats", limit=1, cursor=page["next_cursor"])
    assert [page["items"][0]["chat_id"], rest["items"][0]["chat_id"]] == [first["chat_id"], second["chat_id"]]
    assert rest["next_cursor"] is None


async def test_typing_is_seen_and_ends(people, gateways):
    ada, bob, chat_id, at_ada, at_bob = await meet(people, gateways)

    await at_bob.send("typing", chat_id=chat_id, on=True)
    began = await at_ada.expect(lambda frame: frame.get("t") == "typing" and frame["on"])
    ended = await at_ada.expect(lambda frame: frame.get("t") == "typing" and not frame["on"])

    assert began["user_id"] == ended["user_id"] == bob.user_id
    assert ended.at - began.at < 10


async def test_presence_follows_the_last_socket(people, gateways):
    ada, bob = await people.join("Ada", "Bob")
    at_ada = await people.connect(ada, gateways[0])
    states = await at_ada.request("watch", user_ids=[bob.user_id])
    assert states["items"][0]["state"] == "offline"

    at_bob = await people.connect(bob, gateways[1])
    await at_ada.expect(lambda frame: frame.get("t") == "presence" and frame["state"] == "online")
    await at_bob.close()
    gone = await at_ada.expect(lambda frame: frame.get("t") == "presence" and frame["state"] == "offline", seconds=60)

    assert gone["user_id"] == bob.user_id


async def test_a_read_mark_becomes_a_receipt_and_never_goes_back(people, gateways):
    ada, bob, chat_id, at_ada, at_bob = await meet(people, gateways)
    _, persisted = await at_ada.say(chat_id, "Read me")
    await at_bob.expect(a_message_frame(chat_id, "Read me"))

    answer = await at_bob.request("read", chat_id=chat_id, seq=persisted["seq"])
    receipt = await at_ada.expect(
        lambda frame: (
            frame.get("t") == "receipt" and frame["user_id"] == bob.user_id and frame["read_seq"] >= persisted["seq"]
        )
    )
    again = await bob.post(f"/v1/chats/{chat_id}/read", {"seq": 0}, 200)

    assert (answer["ok"], answer["read_seq"], answer["unread"]) == (True, persisted["seq"], 0)
    assert receipt["chat_id"] == chat_id
    assert again["read_seq"] == persisted["seq"]


async def test_history_is_paged_in_both_directions(people, gateways):
    ada, bob, chat_id, at_ada, _ = await meet(people, gateways)
    for number in range(1, 13):
        _, persisted = await at_ada.say(chat_id, f"line {number}")
        assert persisted["t"] == "persisted"
    path = f"/v1/chats/{chat_id}/messages"

    newest = (await bob.get(path, limit=5))["items"]
    older = (await bob.get(path, limit=5, before_seq=newest[-1]["seq"]))["items"]
    newer = (await bob.get(path, limit=3, after_seq=older[0]["seq"]))["items"]

    head = newest[0]["seq"]
    assert [one["seq"] for one in newest] == list(range(head, head - 5, -1))
    assert [one["seq"] for one in older] == list(range(head - 5, head - 10, -1))
    assert [one["seq"] for one in newer] == list(range(head - 4, head - 1))
    assert newest[0]["body"] == "line 12"


async def test_edits_and_deletions_reach_everybody(people, gateways):
    ada, bob, chat_id, at_ada, at_bob = await meet(people, gateways)
    ledger, evidence = Ledger(), Evidence(members={chat_id: {ada.user_id, bob.user_id}})
    ids = {}
    for body in ("first", "second"):
        client_msg_id = str(uuid.uuid4())
        ledger.sent(ada.user_id, chat_id, client_msg_id, body)
        accepted, persisted = await at_ada.say(chat_id, body, client_msg_id)
        ledger.accepted(ada.user_id, client_msg_id, persisted["message_id"])
        ids[body] = persisted["message_id"]

    edit = {"chat_id": chat_id, "message_id": ids["first"], "client_msg_id": str(uuid.uuid4()), "body": "corrected"}
    await at_ada.request("edit", **edit)
    edited = await at_ada.outcome(edit["client_msg_id"])
    ledger.edited(ids["first"], edited["version"], "corrected")
    removal = {"chat_id": chat_id, "message_id": ids["second"], "client_msg_id": str(uuid.uuid4()), "scope": "everyone"}
    await at_ada.request("delete", **removal)
    deleted = await at_ada.outcome(removal["client_msg_id"])
    ledger.deleted(ids["second"], deleted.get("version", 2))
    await at_bob.expect(lambda frame: frame.get("t") == "message_updated" and frame["message"]["body"] == edit["body"])
    await at_bob.expect(lambda frame: frame.get("t") == "message_deleted" and ids["second"] in str(frame.body))

    evidence.histories = {(one.user_id, chat_id): await one.history(chat_id) for one in (ada, bob)}
    check(ledger, evidence)
    assert "second" not in str(evidence.histories)


async def test_strangers_see_and_do_nothing(people, gateways):
    ada, bob, chat_id, at_ada, at_bob = await meet(people, gateways)
    eve = await people.join("Eve")
    at_eve = await people.connect(eve, gateways[0])
    await at_ada.say(chat_id, "private")
    await at_bob.expect(a_message_frame(chat_id, "private"))

    missing = await eve.call("GET", f"/v1/chats/{uuid.uuid4()}")
    for path in ("", "/members", "/messages", "/changes"):
        answer = await eve.call("GET", f"/v1/chats/{chat_id}{path}")
        assert answer.status_code == missing.status_code == 404, path
        assert answer.json()["code"] == missing.json()["code"]
    assert (await eve.say(chat_id, "let me in")).status_code == 404
    reply, _ = await at_eve.say(chat_id, "let me in")
    assert (reply["ok"], reply["code"]) == (False, "not_found")
    assert not at_eve.all("message")
    assert "let me in" not in str(await ada.history(chat_id))


async def test_who_was_offline_finds_a_notification_and_all_messages(people, gateways):
    ada, bob = await people.join("Ada", "Bob")
    chat = await ada.post("/v1/chats/direct", {"user_id": bob.user_id}, 201)
    fields_of(await ada.say(chat["chat_id"], "Are you there?"), 201, 202)

    async for _ in attempts("a notification"):
        items = (await bob.get("/v1/notifications"))["items"]
        about = [one for one in items if one["chat_id"] == chat["chat_id"] and one["kind"] == "message"]
        if about:
            break
    assert about[0]["preview"] == "Are you there?"
    assert not about[0]["read"]
    assert [one["body"] for one in await bob.history(chat["chat_id"]) if one["type"] == "text"] == ["Are you there?"]


async def test_what_came_while_away_is_replayed_before_what_is_new(people, gateways):
    ada, bob, chat_id, at_ada, at_bob = await meet(people, gateways)
    _, first = await at_ada.say(chat_id, "while you are here")
    await at_bob.expect(a_message_frame(chat_id, "while you are here"))
    await at_bob.close()
    for number in range(5):
        await at_ada.say(chat_id, f"while you are away {number}")

    back = await people.connect(bob, gateways[0], resume={chat_id: first["rev"]})
    await back.expect(lambda frame: frame.get("t") == "sync_done")
    await at_ada.say(chat_id, "welcome back")
    await back.expect(a_message_frame(chat_id, "welcome back"))

    kinds = [frame.get("t") for frame in back.frames]
    assert kinds.count("sync_done") == 1
    bodies = [frame["message"]["body"] for frame in back.all("message")]
    assert bodies == [f"while you are away {number}" for number in range(5)] + ["welcome back"]


async def test_a_removed_member_is_out_at_once(people, gateways):
    ada, bob, cleo = await people.join("Ada", "Bob", "Cleo")
    chat = await ada.make_group("Engines", bob, cleo)
    at_ada, at_bob = await people.connect(ada, gateways[0]), await people.connect(bob, gateways[1])
    await at_ada.say(chat["chat_id"], "all of us")
    await at_bob.expect(a_message_frame(chat["chat_id"], "all of us"))

    removed = await ada.call("DELETE", f"/v1/chats/{chat['chat_id']}/members/{bob.user_id}")
    await at_ada.say(chat["chat_id"], "without Bob")
    reply, outcome = await at_bob.say(chat["chat_id"], "still here?")

    assert removed.status_code in (202, 204)
    assert not reply["ok"] or outcome["t"] == "rejected"
    assert (await bob.call("GET", f"/v1/chats/{chat['chat_id']}/messages")).status_code == 404
    assert "without Bob" not in str([frame.body for frame in at_bob.frames])
    assert "still here?" not in str(await cleo.history(chat["chat_id"]))


async def test_logging_out_closes_the_socket_and_ends_the_session(people, gateways):
    ada = await people.join("Ada")
    at_ada = await people.connect(ada, gateways[0])

    await ada.log_out()

    assert await at_ada.expect_close(seconds=10) == 4301
    async for _ in attempts("the token is refused"):
        if (await ada.call("GET", "/v1/users/me")).status_code == 401:
            break


async def test_bootstrap_shows_it_all_in_one_answer(people):
    ada, bob = await people.join("Ada", "Bob")
    chat = await ada.make_group("Engines", bob)
    start = await ada.get("/v1/bootstrap")
    assert chat["chat_id"] in str(start)
    assert ada.user_id in str(start)
