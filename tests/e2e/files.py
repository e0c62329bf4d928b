"""Files as a client handles them: announced to the API, put into the object store, completed, sent."""

import hashlib
import uuid

import httpx
from client import PATIENCE, fields_of


def announcement(content, content_type="text/plain", **more):
    digest = hashlib.sha256(content).hexdigest()
    return {"name": "a file.txt", "content_type": content_type, "size_bytes": len(content), "sha256": digest, **more}


async def announce(person, content, **more):
    return await person.post("/v1/media/uploads", announcement(content, **more), 201)


async def transfer(ticket, content=None, **changed):
    """What the ticket (an upload or a download) says, but for what is `changed`. The object store's answer."""
    wanted = {"method": ticket["method"], "url": ticket["url"], "headers": ticket.get("headers"), **changed}
    async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as store:
        return await store.request(**wanted, content=content)


async def complete(person, media_id):
    return await person.call("POST", f"/v1/media/uploads/{media_id}/complete")


async def upload(person, content, **more):
    """The id of a file that may be sent."""
    ticket = await announce(person, content, **more)
    stored = await transfer(ticket, content)
    assert stored.status_code == 200, stored.text
    fields_of(await complete(person, ticket["media_id"]), 200)
    return ticket["media_id"]


async def send_file(person, chat_id, media_id):
    message = {"type": "media", "attachments": [{"media_id": media_id}]}
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    return await person.call("POST", f"/v1/chats/{chat_id}/messages", message, headers=headers)


async def url_of(person, media_id, **params):
    return await person.call("GET", f"/v1/media/{media_id}/url", params=params)
