"""The comparison with docs/openapi and docs/asyncapi finds each kind of difference; see documented.py."""

import documented
import httpx
import pytest

ID = "0199f0e2-6c1a-7b1c-8d2e-3f4a5b6c7d01"
PROBLEM = {"type": "about:blank", "title": "Not found", "status": 404, "code": "not_found"}
USER = {"user_id": ID, "handle": "ada", "display_name": "Ada"}
PLACES = {"items": [{"user_id": ID, "state": "online"}]}
PERSISTED = {"t": "persisted", "chat_id": ID, "message_id": ID, "seq": 1, "rev": 1, "version": 1, "duplicate": False}
ACCEPTED = {"re": 7, "ok": True, "state": "accepted", "message_id": ID, "client_msg_id": ID}


def complaints_about(method, path, status, body=None, media="application/json", headers=None):
    """What judge_answer says of it."""
    sent = {"X-Request-Id": "1", "Content-Type": media} | (headers or {})
    options = {} if body is None else {"json": body}
    request = httpx.Request(method, f"http://127.0.0.1{path}")
    documented.judge_answer(httpx.Response(status, headers=sent, request=request, **options))
    return documented.taken()


def problem(status, **fields):
    return PROBLEM | {"status": status} | fields


GOOD_ANSWERS = {
    "a profile": ("GET", f"/v1/users/{ID}", 200, USER),
    "a plain path before one with a name": ("GET", "/v1/users/presence?ids=x", 200, PLACES),
    "no body": ("PUT", f"/v1/users/me/blocks/{ID}", 204),
    "a refusal": ("GET", f"/v1/users/{ID}", 404, problem(404), "application/problem+json; charset=utf-8"),
    "the edge's own": ("GET", "/v1/nothing", 404, problem(404), "application/problem+json"),
}


@pytest.mark.parametrize("answer", GOOD_ANSWERS.values(), ids=GOOD_ANSWERS)
def test_a_documented_answer_is_let_be(answer):
    assert complaints_about(*answer) == []


BAD_ANSWERS = {
    "a status": (("GET", f"/v1/users/{ID}", 418, USER), "GET /v1/users/{user_id} (user-service.yaml): 418 is no documented"),
    "a path": (("GET", "/v1/secrets", 200, {}), "GET /v1/secrets, which is not documented,: 200"),
    "a method": (("PUT", "/v1/users/me", 200, {}), "PUT /v1/users/me, which is not documented,: 200"),
    "a field more": (("GET", f"/v1/users/{ID}", 200, USER | {"email": "a@example.org"}), "'email'"),
    "a field less": (("GET", f"/v1/users/{ID}", 200, {"user_id": ID, "handle": "ada"}), "display_name"),
    "a deep one": (("GET", "/v1/users/presence", 200, {"items": [{"user_id": ID, "state": "asleep"}]}), "/items/0/state"),
    "a format": (("GET", f"/v1/users/{ID}", 200, USER | {"user_id": "me"}), "uuid"),
    "a media type": (("GET", f"/v1/users/{ID}", 404, problem(404)), "application/json media type instead of"),
    "a body": (("PUT", f"/v1/users/me/blocks/{ID}", 204, {}), "a body that is not documented"),
    "two statuses": (("GET", f"/v1/users/{ID}", 404, problem(503), "application/problem+json"), "/status: 503"),
    "a header": (("GET", "/v1/users/me", 200, USER | {"email": "a@example.org", "version": 1}), "no ETag"),
}


@pytest.mark.parametrize("answer, said", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_another_answer_is_complained_of(answer, said):
    found = complaints_about(*answer)
    assert len(found) == 1 and said in found[0], found


def complaints_about_frame(frame, asked=None):
    documented.judge_frame(frame, asked)
    return documented.taken()


@pytest.mark.parametrize("frame, asked", [(PERSISTED, None), (ACCEPTED, "send"), (ACCEPTED, None), ({"t": "pong"}, "ping")])
def test_a_documented_frame_is_let_be(frame, asked):
    assert complaints_about_frame(frame, asked) == []


BAD_FRAMES = {
    "a type": ({"t": "shout"}, None, "frame shout is not documented"),
    "a field more": (PERSISTED | {"mood": 1}, None, "'mood'"),
    "a field less": ({key: value for key, value in PERSISTED.items() if key != "rev"}, None, '"rev"'),
    "another one's reply": (ACCEPTED, "watch", "reply to watch"),
    "a reply to what has none": (ACCEPTED, "typing", "reply to typing"),
}


@pytest.mark.parametrize("frame, asked, said", BAD_FRAMES.values(), ids=BAD_FRAMES)
def test_another_frame_is_complained_of(frame, asked, said):
    found = complaints_about_frame(frame, asked)
    assert len(found) == 1 and said in found[0], found
