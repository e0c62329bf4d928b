"""What is left of a deleted account: what was written, under an id without a person. Of a deleted chat, and of a message
that is deleted or has expired: not a word, in no store."""

import asyncio
import uuid

from client import attempts, fields_of
from files import send_file, transfer, upload, url_of
from fleet import run_daemon
from stores import places_of


async def test_a_deleted_account_leaves_its_chats_and_nothing_personal(people):
    ada, bob, cleo = await people.join("Ada", "Bob", "Cleo")
    group = (await ada.make_group("Engines", bob, cleo))["chat_id"]
    direct = (await ada.post("/v1/chats/direct", {"user_id": bob.user_id}, 201))["chat_id"]
    kept = fields_of(await ada.say(group, "what I wrote stays"), 201)
    asked = fields_of(await bob.say(group, "is it so?"), 201)
    fields_of(await ada.call("POST", f"/v1/chats/{group}/read", {"seq": asked["seq"]}), 200)
    fields_of(await ada.call("PUT", f"/v1/chats/{group}/me", {"pinned": True}), 200)
    receipts = (await bob.get(f"/v1/messages/{asked['message_id']}/receipts"))["items"]
    assert [one["read"] for one in receipts if one["user_id"] == ada.user_id] == [True]

    fields_of(await ada.call("DELETE", "/v1/users/me", {"password": ada.password}), 202)

    async for _ in attempts("the account has left", seconds=30):
        members = (await bob.get(f"/v1/chats/{group}/members"))["items"]
        if ada.user_id not in {one["user_id"] for one in members}:
            break
    assert sorted(one["role"] for one in members) == ["member", "owner"]
    async for _ in attempts("nothing personal is left", seconds=30):
        profile = await bob.get(f"/v1/users/{ada.user_id}")
        receipts = (await bob.get(f"/v1/messages/{asked['message_id']}/receipts"))["items"]
        if profile.get("deleted") and ada.user_id not in {one["user_id"] for one in receipts}:
            break
    everything = [
        profile,
        await bob.get(f"/v1/chats/{group}"),
        await bob.get(f"/v1/chats/{direct}"),
        await bob.get("/v1/chats"),
        await bob.history(group),
        await bob.get("/v1/users", query=ada.handle),
    ]
    assert ada.handle not in str(everything) and ada.email not in str(everything)
    history = {one["message_id"]: one for one in await bob.history(group)}
    assert history[kept["message_id"]]["body"] == "what I wrote stays"
    assert history[kept["message_id"]]["sender_id"] == ada.user_id
    for path in ("/v1/chats", "/v1/notifications", f"/v1/chats/{group}/messages"):
        assert (await ada.call("GET", path)).status_code == 401, path


async def test_a_deleted_account_takes_its_files_along_that_nobody_was_sent(people):
    ada, bob = await people.join("Ada", "Bob")
    chat_id = (await ada.make_group("Pictures", bob))["chat_id"]
    avatar = await upload(ada, b"my face", purpose="avatar")
    unsent = await upload(ada, b"not for you")
    sent = await upload(ada, b"for you", name="Ada's file.txt")
    fields_of(await send_file(ada, chat_id, sent), 201)
    tickets = [fields_of(await url_of(ada, media_id), 200) for media_id in (avatar, unsent)]
    assert fields_of(await url_of(bob, avatar), 200)["name"] == "a file.txt"

    fields_of(await ada.call("DELETE", "/v1/users/me", {"password": ada.password}), 202)

    async for _ in attempts("the avatar to be nobody's to see", seconds=30):
        if (await url_of(bob, avatar)).status_code == 404:
            break
    async for _ in attempts("the objects to be gone", seconds=90):
        if [(await transfer(ticket)).status_code for ticket in tickets] == [404, 404]:
            break
    kept = fields_of(await url_of(bob, sent), 200)
    assert kept["name"] == "file"
    assert (await transfer(kept)).content == b"for you"


async def is_nowhere(word, seconds=60):
    async for _ in attempts(f"{word} to be nowhere any more", seconds, pause=0.5):
        if not (left := await places_of(word)):
            return
        print(left)


async def is_told(person, word):
    """As a notification, and in the list of chats."""
    async for _ in attempts("it is told"):
        if word in str(await person.get("/v1/notifications")) and word in str(await person.get("/v1/chats")):
            return


async def a_chat_that_tells(people, word):
    ada, bob = await people.join("Ada", "Bob")  # nobody is connected: Bob is notified
    chat_id = (await ada.make_group(f"Called {word}", bob))["chat_id"]
    fields_of(await ada.call("PATCH", f"/v1/chats/{chat_id}", {"description": f"about {word}"}), 200)
    fields_of(await ada.say(chat_id, f"psst: {word}"), 201)
    await is_told(bob, word)
    return ada, bob, chat_id


async def test_of_a_chat_deleted_for_all_no_store_keeps_a_word(people, fleet):
    word = f"secret-{uuid.uuid4().hex}"
    ada, bob, chat_id = await a_chat_that_tells(people, word)
    held = await places_of(word)
    assert held >= {
        "chat_service.chats",
        "chat_service.chat_changes",
        "message_service.changes",
        "message_service.messages",
        "notification_service.notifications",
        "chat-card",
    }

    deleted = await ada.call("DELETE", f"/v1/chats/{chat_id}", params={"scope": "everyone"})

    assert deleted.status_code in (202, 204)
    await is_nowhere(word)
    assert word not in str(await bob.get("/v1/notifications"))

    at_bob = await people.connect(bob)
    assert "will be told again" in await asyncio.to_thread(retell_deletions, fleet)
    await at_bob.expect(lambda frame: frame.get("t") == "chat" and frame["chat_id"] == chat_id and frame["change"] == "deleted")


def retell_deletions(fleet):
    """What an operator does after an upgrade from a version that erased less."""
    daemon = fleet.daemons()["chat-service-1"]
    done = run_daemon(daemon, [*daemon.arguments, "deletions", "retell"], daemon.environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_of_a_message_that_is_deleted_or_has_expired_no_store_keeps_a_word(people):
    ada, bob = await people.join("Ada", "Bob")
    chat_id = (await ada.make_group("Words", bob))["chat_id"]
    words = [f"secret-{uuid.uuid4().hex}" for _ in range(2)]
    body = {"type": "text", "body": words[0], "ttl_s": 10}
    fields_of(await ada.call("POST", f"/v1/chats/{chat_id}/messages", body, headers={"Idempotency-Key": "1"}), 201)
    await is_told(bob, words[0])
    message_id = fields_of(await ada.say(chat_id, words[1]), 201)["message_id"]
    await is_told(bob, words[1])

    fields_of(await ada.call("DELETE", f"/v1/messages/{message_id}"), 200)

    for word in words:
        await is_nowhere(word)
