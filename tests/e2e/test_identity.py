"""Who somebody is comes from the token alone; what somebody may set is what the API says, and nothing beside it."""

import uuid

import pytest
from client import fields_of
from conftest import required

NAMES = [
    "X-User-Id", "X-Authenticated-User", "X-Authenticated-Userid", "X-Forwarded-User", "X-Auth-Request-User",
    "X-Remote-User", "Remote-User", "X-Consumer-Custom-Id", "X-Caller", "X-Subject", "X-Sub", "X-Identity",
]  # fmt: skip
POWERS = {
    "X-Role": "admin", "X-User-Role": "admin", "X-Admin": "true", "X-Is-Admin": "1", "X-Internal": "true",
    "X-Internal-Request": "1", "X-Scopes": "*", "X-Forwarded-Client-Cert": "Subject=\"CN=auth-service\"",
    "X-SSL-Client-Verify": "SUCCESS", "X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1",
    "Forwarded": "for=127.0.0.1;by=api-gateway", "X-Forwarded-Host": "auth-service:8201",
}  # fmt: skip
OTHER_PATHS = ["X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix", "X-Forwarded-Path", "X-Forwarded-Uri"]
SERVICES = {
    "auth-service-1": "/v1/sessions",
    "user-service-1": "/v1/users/me",
    "chat-service-1": "/v1/chats",
    "notification-service-1": "/v1/notifications",
}


def claims_to_be(victim):
    return {name: victim.user_id for name in NAMES} | POWERS | {"X-Session-Id": victim.session_id}


def doors(fleet):
    """The edge, and the services' own listeners, for those who got past it."""
    daemons = fleet.daemons()
    for name, path in SERVICES.items():
        yield required("CHAT_E2E_URL") + path
        yield daemons[name].url + path


async def test_identity_headers_are_no_identity(people, fleet):
    victim = await people.somebody()
    for url in doors(fleet):
        answer = await people.api.call("GET", url, headers=claims_to_be(victim))
        assert answer.status_code == 401, url


async def test_identity_headers_beside_a_token_change_nothing(people, fleet):
    victim, eve = await people.join("Victim", "Eve")
    secret = await victim.make_group(f"secret {uuid.uuid4()}")
    for url in doors(fleet):
        plain = fields_of(await eve.call("GET", url), 200)
        forged = fields_of(await eve.call("GET", url, headers=claims_to_be(victim)), 200)
        assert without_times(forged) == without_times(plain), url
    hidden = await eve.call("GET", f"/v1/chats/{secret['chat_id']}", headers=claims_to_be(victim))
    assert hidden.status_code == 404


def without_times(document):
    """last_seen_at of a session moves by itself."""
    items = document.get("items", [])
    return document | {"items": [{k: v for k, v in one.items() if k != "last_seen_at"} for one in items]}


INTERNAL = ["/internal/heads", "/internal/revocations", "/internal/jwks.json", "/metrics", "/readyz"]


@pytest.mark.parametrize("path", INTERNAL)
async def test_internal_paths_are_not_there_from_outside(people, fleet, path):
    eve = await people.somebody()
    headers = claims_to_be(eve) | {name: path for name in OTHER_PATHS}
    daemons = fleet.daemons()
    for url in [required("CHAT_E2E_URL"), *(daemons[name].url for name in SERVICES)]:
        answer = await eve.call("GET", url + path, headers=headers)
        assert answer.status_code == 404, f"{url}: {answer.text[:200]}"


async def test_other_paths_in_fields_lead_nowhere(people):
    eve = await people.somebody()
    headers = {name: "/internal/revocations" for name in OTHER_PATHS} | {"X-HTTP-Method-Override": "DELETE"}
    assert fields_of(await eve.call("GET", "/v1/users/me", headers=headers), 200)["user_id"] == eve.user_id


# ---- mass assignment: one key more than the API knows, beside a good one

FOREIGN = str(uuid.UUID(int=7))
OF_A_PERSON = {
    "role": "admin", "roles": ["admin"], "id": FOREIGN, "user_id": FOREIGN, "verified": True, "active": True,
    "is_admin": True, "email": "other@example.org", "password": "another pass phrase", "password_hash": "x",
    "version": 99, "created_at": "2001-01-01T00:00:00Z", "handle_folded": "x", "session_id": FOREIGN, "__proto__": {},
    "$set": {"role": "admin"}, "state": "online", "deleted": False,
}  # fmt: skip
OF_A_CHAT = {
    "role": "owner", "created_by": FOREIGN, "owner_id": FOREIGN, "chat_id": FOREIGN, "type": "direct", "version": 99,
    "member_count": 0, "members": [], "head_seq": 5, "created_at": "2001-01-01T00:00:00Z", "deleted": True,
}  # fmt: skip
OF_A_MESSAGE = {
    "sender_id": FOREIGN, "message_id": FOREIGN, "chat_id": FOREIGN, "seq": 1, "rev": 1, "version": 9, "deleted": True,
    "created_at": "2001-01-01T00:00:00Z", "edited_at": "2001-01-01T00:00:00Z", "system": {"event": "chat_deleted"},
    "op_id": FOREIGN, "reactions": [],
}  # fmt: skip


async def test_a_profile_takes_nothing_beside_its_fields(people):
    ada = await people.join("Ada")
    before = await ada.get("/v1/users/me")
    headers = {"If-Match": f'"{before["version"]}"', "Content-Type": "application/merge-patch+json"}
    for key, value in OF_A_PERSON.items():
        answer = await ada.call("PATCH", "/v1/users/me", {"display_name": "Changed", key: value}, headers=headers)
        assert answer.status_code == 400, f"{key}: {answer.status_code} {answer.text[:200]}"
    assert await ada.get("/v1/users/me") == before


async def test_registering_and_logging_in_take_nothing_beside_their_fields(people):
    ada = await people.somebody()
    new = {"email": f"{uuid.uuid4().hex}@example.org", "password": "a long pass phrase", "display_name": "New"}
    new["handle"] = f"new_{uuid.uuid4().hex[:10]}"
    login = {"email": ada.email, "password": ada.password, "device_id": "forged", "device_name": "x"}
    for key, value in OF_A_PERSON.items():
        if key not in new:
            assert (await people.api.call("POST", "/v1/auth/register", new | {key: value})).status_code == 400, key
        if key not in login:
            assert (await people.api.call("POST", "/v1/auth/login", login | {key: value})).status_code == 400, key
    assert (await ada.get("/v1/users", query=new["handle"]))["items"] == []


async def test_a_chat_takes_nothing_beside_its_fields(people):
    ada, bob = await people.join("Ada", "Bob")
    chat = await ada.make_group("Engines", bob)
    path = f"/v1/chats/{chat['chat_id']}"
    patch = {"Content-Type": "application/merge-patch+json"}
    before = await ada.get(path)
    for key, value in OF_A_CHAT.items():
        for method, target, body, headers in (
            ("POST", "/v1/chats", {"title": "More", "member_ids": []}, {}),
            ("POST", "/v1/chats/direct", {"user_id": bob.user_id}, {}),
            ("PATCH", path, {"title": "Changed"}, patch),
            ("POST", f"{path}/members", {"user_ids": [bob.user_id]}, {}),
        ):
            answer = await ada.call(method, target, body | {key: value}, headers=headers)
            assert answer.status_code == 400, f"{method} {target} {key}: {answer.status_code}"
    assert await ada.get(path) == before


async def test_a_message_takes_nothing_beside_its_fields(people):
    ada, bob = await people.join("Ada", "Bob")
    chat_id = (await ada.make_group("Engines", bob))["chat_id"]
    path, key = f"/v1/chats/{chat_id}/messages", {"Idempotency-Key": str(uuid.uuid4())}
    for name, value in OF_A_MESSAGE.items():
        answer = await ada.call("POST", path, {"type": "text", "body": "forged", name: value}, headers=key)
        assert answer.status_code == 400, f"{name}: {answer.status_code}"
    answer = await ada.call("POST", path, {"type": "system", "body": "forged"}, headers=key)
    assert answer.status_code == 400
    assert "forged" not in str(await bob.history(chat_id))


async def test_a_socket_says_nothing_in_anothers_name(people):
    """Frames ignore what they don't know: it must have no effect."""
    ada, bob = await people.join("Ada", "Bob")
    chat_id = (await ada.make_group("Engines", bob))["chat_id"]
    socket = await people.connect(ada)
    own = {"client_msg_id": str(uuid.uuid4()), "type": "text", "body": "it was me", "chat_id": chat_id}
    forged = {key: value for key, value in OF_A_MESSAGE.items() if key not in own} | {"sender_id": bob.user_id}
    await socket.request("send", **forged, **own)
    outcome = await socket.outcome(own["client_msg_id"])
    stored = [one for one in await bob.history(chat_id) if one["body"] == "it was me"]
    assert [one["sender_id"] for one in stored] == [ada.user_id]
    assert (stored[0]["seq"], stored[0]["deleted"]) == (outcome["seq"], False)
