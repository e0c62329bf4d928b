"""Files: from one person to another by way of the object store, and who may not have them.

What a pre-signed URL is bound to is tested in message-service (tests/integration/test_uploads.c), case by case.
"""

import asyncio
import uuid

from client import attempts, fields_of
from files import announce, announcement, complete, send_file, transfer, upload, url_of

CONTENT = b"what the picture shows"


async def test_a_picture_reaches_who_is_in_the_chat(people, gateways):
    ada, grace, eve = await people.join("Ada", "Grace", "Eve")
    chat_id = (await ada.make_group("Pictures", grace))["chat_id"]
    at_grace = await people.connect(grace, gateways[1])
    media_id = await upload(ada, CONTENT)

    sent = fields_of(await send_file(ada, chat_id, media_id), 201)

    frame = await at_grace.expect(lambda one: one.get("t") == "message" and one["seq"] == sent["seq"])
    assert frame["message"]["attachments"] == [{"media_id": media_id}]
    ticket = fields_of(await url_of(grace, media_id), 200)
    fetched = await transfer(ticket)
    assert fetched.content == CONTENT
    assert fetched.headers["content-disposition"].startswith("attachment;")
    assert (await url_of(eve, media_id)).status_code == 404


async def show(socket, chat_id, media_id):
    """What becomes of a picture without words, sent by this socket."""
    client_msg_id, attachments = str(uuid.uuid4()), [{"media_id": media_id}]
    await socket.request("send", chat_id=chat_id, client_msg_id=client_msg_id, type="media", attachments=attachments)
    return await socket.outcome(client_msg_id)


async def test_a_socket_sends_complete_files_of_ones_own(people):
    ada, grace = await people.join("Ada", "Grace")
    chat_id = (await ada.make_group("Pictures", grace))["chat_id"]
    media_id, at_ada, at_grace = await upload(ada, CONTENT), await people.connect(ada), await people.connect(grace)

    taken, refused = await show(at_ada, chat_id, media_id), await show(at_grace, chat_id, media_id)

    assert taken["t"] == "persisted"
    assert (refused["t"], refused["code"]) == ("rejected", "unprocessable")
    reply = await at_ada.request("send", chat_id=chat_id, client_msg_id=str(uuid.uuid4()), attachments=[{"size": 1}])
    assert (reply["ok"], reply["code"]) == (False, "invalid")


async def test_who_was_removed_does_not_get_it(people):
    ada, grace = await people.join("Ada", "Grace")
    chat_id = (await ada.make_group("Pictures", grace))["chat_id"]
    media_id = await upload(ada, CONTENT)
    fields_of(await send_file(ada, chat_id, media_id), 201)
    assert (await url_of(grace, media_id)).status_code == 200

    assert (await ada.call("DELETE", f"/v1/chats/{chat_id}/members/{grace.user_id}")).status_code in (202, 204)

    async for _ in attempts("the removal to be known"):
        if (await url_of(grace, media_id)).status_code == 404:
            break


async def test_an_avatar_is_seen_by_everybody(people):
    ada, eve = await people.join("Ada", "Eve")
    media_id = await upload(ada, CONTENT, purpose="avatar")
    me = await ada.call("GET", "/v1/users/me")
    patch = {"Content-Type": "application/merge-patch+json", "If-Match": me.headers["ETag"]}
    fields_of(await ada.call("PATCH", "/v1/users/me", {"avatar_media_id": media_id}, headers=patch), 200)

    seen = (await eve.get(f"/v1/users/{ada.user_id}"))["avatar_media_id"]

    ticket = fields_of(await url_of(eve, seen), 200)
    assert (await transfer(ticket)).content == CONTENT


async def test_what_differs_from_what_was_announced_is_not_stored(people):
    ada = await people.somebody()
    ticket = await announce(ada, CONTENT)

    assert (await transfer(ticket, CONTENT.upper())).status_code == 400
    longer = ticket["headers"] | {"Content-Length": str(len(CONTENT) + 1)}
    assert (await transfer(ticket, CONTENT + b"!", headers=longer)).status_code == 403
    assert (await complete(ada, ticket["media_id"])).status_code == 409


async def test_words_go_on_while_the_object_store_is_away(people, fleet):
    ada, grace = await people.join("Ada", "Grace")
    chat_id = (await ada.make_group("Pictures", grace))["chat_id"]
    media_id = await upload(ada, CONTENT)
    fields_of(await send_file(ada, chat_id, media_id), 201)

    running = fleet.without("versitygw")
    await asyncio.to_thread(running.__enter__)
    try:
        async for _ in attempts("files to be refused"):
            if (await url_of(grace, media_id)).status_code == 503:
                break
        refused = await ada.call("POST", "/v1/media/uploads", announcement(CONTENT))
        assert refused.status_code == 503 and refused.headers["Retry-After"]
        fields_of(await ada.say(chat_id, "words still go"), 201)
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)

    async for _ in attempts("files to be there again"):
        if (await url_of(grace, media_id)).status_code == 200:
            break
