"""What is left of a deleted account: what was written, under an id without a person."""

from client import attempts, fields_of
from files import send_file, transfer, upload, url_of


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
