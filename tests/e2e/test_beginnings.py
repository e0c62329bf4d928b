"""Where a chat begins for one of its people, and what is unread of it: the same on every route and on the socket."""

import asyncio
import copy
import uuid

from client import attempts, fields_of

SECRET = "said before you came"


async def a_group(people, *names):
    everybody = await people.join(*names)
    chat = await everybody[0].make_group("Beginnings", *everybody[1:])
    return *everybody, chat["chat_id"]


async def said(person, chat_id, body, **fields):
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    answer = await person.call("POST", f"/v1/chats/{chat_id}/messages", {"type": "text", "body": body} | fields, headers=headers)
    return fields_of(answer, 201)


async def in_list(person, chat_id):
    """The person's line of that chat; None when it is not in the list."""
    lines = (await person.get("/v1/chats"))["items"]
    return next((one for one in lines if one["chat_id"] == chat_id), None)


async def line_with(person, chat_id, **wanted):
    async for _ in attempts(f"a line with {wanted}"):
        line = await in_list(person, chat_id)
        if line is not None and all(line.get(key) == value for key, value in wanted.items()):
            return line


async def everything_shown(person, chat_id, messages, connection):
    """All that the routes and the socket show that person of the chat, as text. What told of it before is another thing:
    a notification may still be on its way."""
    shown = [await person.get(f"/v1/chats/{chat_id}/{rest}") for rest in (
        "messages", "messages?after_seq=0", "messages?around_seq=1", "messages?pinned=true", "changes")]
    for one in messages:
        for rest in ("", "/history", "/receipts"):
            answer = await person.call("GET", f"/v1/messages/{one['message_id']}{rest}")
            assert answer.status_code == 404, (rest, answer.text)
    shown.append((await connection.request("sync", chat_id=chat_id, after_rev=0)).body)
    shown += [frame.body for frame in connection.frames if frame.get("t") != "notification"]
    shown += [await in_list(person, chat_id), await person.get(f"/v1/chats/{chat_id}")]
    return str(shown)


async def test_where_history_begins_with_joining_nothing_older_is_shown(people, fleet):
    gateways = fleet.gateways()
    ada, bob, chat_id = await a_group(people, "Ada", "Bob")
    cleo = await people.join("Cleo")
    old = [await said(ada, chat_id, f"{SECRET} {i}") for i in range(3)]
    fields_of(await ada.call("PUT", f"/v1/messages/{old[0]['message_id']}/pin"), 200)
    fields_of(await ada.call("PATCH", f"/v1/chats/{chat_id}", {"settings": {"history": "joined"}}), 200)
    at_cleo = await people.connect(cleo, gateways[1])

    fields_of(await ada.call("POST", f"/v1/chats/{chat_id}/members", {"user_ids": [cleo.user_id]}), 200)
    news = await said(ada, chat_id, "welcome, Cleo")
    await at_cleo.expect(lambda frame: frame.get("t") == "message" and frame["message"]["body"] == "welcome, Cleo")
    await line_with(cleo, chat_id, unread=1)
    edited = fields_of(await ada.call("PATCH", f"/v1/messages/{old[1]['message_id']}", {"body": f"{SECRET} again"}), 200)
    await at_cleo.expect(lambda frame: frame.get("rev") == edited["rev"] and frame.get("chat_id") == chat_id)

    assert SECRET not in await everything_shown(cleo, chat_id, old, at_cleo)
    fields_of(await cleo.call("GET", f"/v1/messages/{news['message_id']}"), 200)
    assert "welcome, Cleo" in str(await cleo.history(chat_id))
    assert SECRET in str(await bob.history(chat_id))
    revs = [one["rev"] for one in (await cleo.get(f"/v1/chats/{chat_id}/changes"))["items"]]
    assert revs == list(range(1, len(revs) + 1)), "nobody sees a hole"

    again = copy.copy(cleo)
    again.device_id = f"device-{uuid.uuid4().hex[:10]}"
    await again.log_in()
    resumed = await people.connect(again, gateways[0], {chat_id: 0})
    await resumed.expect(lambda frame: frame.get("t") == "sync_done")
    assert SECRET not in str([frame.body for frame in resumed.frames])

    fields_of(await ada.call("PATCH", f"/v1/chats/{chat_id}", {"settings": {"history": "all"}}), 200)
    assert SECRET in str(await cleo.history(chat_id)), "it is the setting that hides it"


async def test_what_was_deleted_for_oneself_stays_away_on_every_route(people, fleet):
    gateways = fleet.gateways()
    ada, bob, chat_id = await a_group(people, "Ada", "Bob")
    old = [await said(ada, chat_id, f"{SECRET} {i}") for i in range(3)]
    fields_of(await ada.call("PUT", f"/v1/messages/{old[0]['message_id']}/pin"), 200)
    await line_with(bob, chat_id, unread=3)
    at_bob = await people.connect(bob, gateways[1])

    assert (await bob.call("DELETE", f"/v1/chats/{chat_id}")).status_code == 204
    assert await in_list(bob, chat_id) is None
    await at_bob.expect(lambda frame: frame.get("t") == "chat" and frame.get("change") == "personal")
    edited = fields_of(await ada.call("PATCH", f"/v1/messages/{old[1]['message_id']}", {"body": f"{SECRET} again"}), 200)
    await at_bob.expect(lambda frame: frame.get("rev") == edited["rev"] and frame.get("chat_id") == chat_id)

    assert SECRET not in await everything_shown(bob, chat_id, old, at_bob)
    news = await said(ada, chat_id, "something new")
    line = await line_with(bob, chat_id, unread=1)
    assert line["last_message"]["message_id"] == news["message_id"]
    assert [one["body"] for one in await bob.history(chat_id)] == ["something new"]
    assert SECRET in str(await ada.history(chat_id)), "it is gone for Bob alone"


async def test_unread_and_mentions_are_exact_and_end_with_reading(people):
    ada, bob, cleo, chat_id = await a_group(people, "Ada", "Bob", "Cleo")
    await said(ada, chat_id, "nobody in particular")
    named = await said(ada, chat_id, "@bob", mentions=[bob.user_id])
    await said(ada, chat_id, "@all", mention_all=True)
    both = await said(ada, chat_id, "@bob @all", mentions=[bob.user_id], mention_all=True)

    await line_with(bob, chat_id, unread=4, unread_mentions=3)
    await line_with(cleo, chat_id, unread=4, unread_mentions=2)
    await line_with(ada, chat_id, unread=0, unread_mentions=0)

    fields_of(await ada.call("PATCH", f"/v1/messages/{named['message_id']}", {"body": "@cleo", "mentions": [cleo.user_id]}), 200)
    fields_of(await ada.call("DELETE", f"/v1/messages/{both['message_id']}"), 200)
    await line_with(bob, chat_id, unread=3, unread_mentions=1)
    await line_with(cleo, chat_id, unread=3, unread_mentions=2)

    read = fields_of(await cleo.call("POST", f"/v1/chats/{chat_id}/read", {"seq": named["seq"]}), 200)
    assert (read["unread"], read["unread_mentions"]) == (1, 1)
    read = fields_of(await cleo.call("POST", f"/v1/chats/{chat_id}/read", {"seq": both["seq"]}), 200)
    assert (read["unread"], read["unread_mentions"]) == (0, 0)
    await line_with(cleo, chat_id, unread=0, unread_mentions=0)


async def test_what_one_device_reads_is_told_the_others(people, fleet):
    gateways = fleet.gateways()
    ada, bob, chat_id = await a_group(people, "Ada", "Bob")
    await said(ada, chat_id, "one")
    second = await said(ada, chat_id, "two", mention_all=True)
    await said(ada, chat_id, "@bob", mentions=[bob.user_id])
    await line_with(bob, chat_id, unread=3, unread_mentions=2)
    phone = copy.copy(bob)
    phone.device_id = f"device-{uuid.uuid4().hex[:10]}"
    await phone.log_in()
    at_phone = await people.connect(phone, gateways[0])
    at_bob, at_ada = await people.connect(bob, gateways[1]), await people.connect(ada, gateways[1])

    answer = await at_bob.request("read", chat_id=chat_id, seq=second["seq"])
    told = await at_phone.expect(lambda frame: frame.get("t") == "unread")
    await at_ada.expect(lambda frame: frame.get("t") == "receipt" and frame["user_id"] == bob.user_id)

    for one in (answer, told):
        assert (one["chat_id"], one["unread"], one["unread_mentions"], one["capped"]) == (chat_id, 1, 1, False)
        assert (one["read_seq"], one["head_seq"]) == (second["seq"], second["seq"] + 1)
    assert not at_bob.all("unread"), "who asked was answered"
    assert not at_ada.all("unread")


async def test_counts_survive_the_death_of_every_message_service(people, fleet):
    ada, bob, chat_id = await a_group(people, "Ada", "Bob")
    for i in range(5):
        last = await said(ada, chat_id, f"@bob {i}", mentions=[bob.user_id])
    await line_with(bob, chat_id, unread=5, unread_mentions=5)
    fields_of(await bob.call("POST", f"/v1/chats/{chat_id}/read", {"seq": last["seq"] - 2}), 200)

    for name in [one for one in fleet.daemons() if one.startswith("message-service")]:
        await asyncio.to_thread(fleet.kill, name)
        await asyncio.to_thread(fleet.restart, name)

    await line_with(bob, chat_id, unread=2, unread_mentions=2)
