"""What breaks a rule is refused with the right answer, and the next good request is served."""

import asyncio
import contextlib
import json

import httpx
import pytest
import websockets
from client import SUBPROTOCOL, fields_of
from websockets.asyncio.client import connect

DEEP = '{"a":' * 40 + "1" + "}" * 40
REGISTER = "/v1/auth/register"


def is_problem(answer, *statuses):
    assert answer.status_code in statuses, f"{answer.status_code} {answer.text[:300]}"
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["code"] and problem["title"]
    return problem


BAD_BODIES = {
    "not JSON": b"{",
    "trailing bytes": b'{"title":"x","member_ids":[]} x',
    "an array": b"[]",
    "a number": b"1",
    "a missing field": b'{"member_ids":[]}',
    "a wrong type": b'{"title":1,"member_ids":[]}',
    "null where a text is needed": b'{"title":null,"member_ids":[]}',
    "an unknown key": b'{"title":"x","member_ids":[],"owner":"me"}',
    "a key twice": b'{"title":"x","title":"y","member_ids":[]}',
    "NUL in a text": b'{"title":"a\\u0000b","member_ids":[]}',
    "invalid UTF-8": b'{"title":"\xff\xfe","member_ids":[]}',
    "a lone surrogate": b'{"title":"\\ud800","member_ids":[]}',
    "too deep": DEEP.encode(),
    "a list of texts that are no ids": b'{"title":"x","member_ids":["me"]}',
    "an empty title": b'{"title":"","member_ids":[]}',
    "a long title": json.dumps({"title": "x" * 101, "member_ids": []}).encode(),
    "Infinity": b'{"title":Infinity,"member_ids":[]}',
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES.keys())
async def test_a_bad_body_is_refused(people, body):
    ada = await people.somebody()
    answer = await ada.call("POST", "/v1/chats", content=body, headers={"Content-Type": "application/json"})
    is_problem(answer, 400)
    await ada.make_group("still served")


async def test_the_field_at_fault_is_named(people):
    ada = await people.somebody()
    problem = is_problem(await ada.call("POST", "/v1/chats", {"title": 1, "member_ids": []}), 400)
    assert [one["pointer"] for one in problem["errors"]] == ["/title"]


async def test_other_media_are_refused(people):
    ada = await people.somebody()
    headers = {"Content-Type": "text/plain"}
    is_problem(await ada.call("POST", "/v1/chats", content=b"{}", headers=headers), 415)


async def test_an_oversize_body_is_refused(people):
    ada = await people.somebody()
    is_problem(await ada.call("POST", "/v1/chats", {"title": "x" * 1_000_000, "member_ids": []}), 413)
    await ada.make_group("still served")


async def test_a_body_without_end_is_not_read_to_its_end(people):
    """The server stops reading; its answer may be lost with the connection, other connections are not."""
    ada = await people.somebody()
    with contextlib.suppress(httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
        is_problem(await ada.call("POST", "/v1/chats", {"title": "x" * 20_000_000, "member_ids": []}), 413)
    await ada.make_group("still served")


async def test_unknown_paths_and_methods(people):
    ada = await people.somebody()
    is_problem(await ada.call("GET", "/v1/nothing"), 404)
    is_problem(await ada.call("GET", "/internal/users/x/chats"), 404)
    refused = await ada.call("DELETE", "/v1/chats")
    is_problem(refused, 405)
    assert {"GET", "POST"} <= {word.strip() for word in refused.headers["Allow"].split(",")}


@pytest.mark.parametrize("chat_id", ["x", "1", "%00", "..%2f..", "a" * 300])
async def test_ids_that_are_none_look_like_missing_ones(people, chat_id):
    ada = await people.somebody()
    answer = await ada.call("GET", f"/v1/chats/{chat_id}")
    assert answer.status_code in (400, 404), answer.text


BAD_QUERIES = ["limit=0", "limit=201", "limit=x", "limit=-1", "limit=9999999999999999999", "cursor=%21"]


@pytest.mark.parametrize("query", BAD_QUERIES)
async def test_bad_queries_are_refused(people, query):
    ada = await people.somebody()
    is_problem(await ada.call("GET", f"/v1/chats?{query}"), 400)


BAD_TOKENS = {
    "none": {},
    "no scheme": {"Authorization": "x"},
    "no token": {"Authorization": "Bearer"},
    "another scheme": {"Authorization": "Basic YTpi"},
    "nonsense": {"Authorization": "Bearer x"},
    "three parts": {"Authorization": "Bearer a.b.c"},
    "a megabyte": {"Authorization": "Bearer " + "a" * 1_000_000},
}


@pytest.mark.parametrize("headers", BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
async def test_bad_tokens_open_nothing(people, headers):
    answer = await people.api.call("GET", "/v1/chats", headers=headers)
    assert answer.status_code in (401, 431), answer.text[:200]


async def test_a_changed_token_opens_nothing(people):
    ada = await people.somebody()
    head, payload, signature = ada.token.split(".")
    for token in (f"{head}.{payload}.", f"{head}.{payload}", f"{head}.{payload[:-2]}AA.{signature}"):
        answer = await people.api.call("GET", "/v1/chats", token=token)
        is_problem(answer, 401)


@pytest.mark.parametrize("change", [{"email": "no"}, {"password": "short"}, {"handle": "Ö!"}, {"handle": ""}])
async def test_registering_needs_sound_fields(people, change):
    body = {"email": "a@example.org", "password": "long enough words", "handle": "somebody", "display_name": "S"}
    problem = is_problem(await people.api.call("POST", REGISTER, body | change), 400, 422)
    assert [one["pointer"] for one in problem["errors"]] == [f"/{next(iter(change))}"]


async def test_messages_have_limits(people):
    ada, bob = await people.join("Ada", "Bob")
    chat_id = (await ada.post("/v1/chats/direct", {"user_id": bob.user_id}, 201))["chat_id"]
    path, key = f"/v1/chats/{chat_id}/messages", {"Idempotency-Key": "k"}

    is_problem(await ada.call("POST", path, {"type": "text", "body": "x" * 16385}, headers=key), 400, 413)
    is_problem(await ada.call("POST", path, {"type": "text", "body": ""}, headers=key), 400)
    is_problem(await ada.call("POST", path, {"type": "song", "body": "x"}, headers=key), 400)
    is_problem(await ada.call("POST", path, {"type": "text", "body": "without a key"}), 400)
    fields_of(await ada.say(chat_id, "x" * 16384), 201, 202)


async def raw_socket(people, url):
    connection = await connect(url, subprotocols=[SUBPROTOCOL], proxy=None, max_size=2**24)
    assert json.loads(await connection.recv())["t"] == "hello"
    return connection


async def close_code_of(connection):
    """Reads on until it is closed."""
    async with asyncio.timeout(20):
        while True:
            try:
                await connection.recv()
            except websockets.ConnectionClosed:
                return connection.close_code


async def test_a_frame_before_auth_closes(people, fleet):
    for url in fleet.gateways():
        connection = await raw_socket(people, url)
        await connection.send('{"id":1,"t":"typing","chat_id":"x","on":true}')
        assert await close_code_of(connection) == 4303


async def test_a_bad_token_in_auth_closes(people, fleet):
    connection = await raw_socket(people, fleet.gateways()[0])
    await connection.send('{"id":1,"t":"auth","token":"a.b.c","device_id":"d"}')
    assert await close_code_of(connection) == 4300


async def test_a_second_auth_closes(people):
    ada = await people.somebody()
    socket = await people.connect(ada)
    await socket.send("auth", token=ada.token, device_id=ada.device_id)
    assert await socket.expect_close() == 4303


BAD_FRAMES = {
    "binary": (b"\x01\x02", 4303),
    "oversize": ('{"id":1,"t":"send","body":"' + "x" * 70_000 + '"}', 1009),
}


@pytest.mark.parametrize("frame, code", BAD_FRAMES.values(), ids=BAD_FRAMES.keys())
async def test_frames_that_end_the_connection(people, frame, code):
    ada = await people.somebody()
    socket = await people.connect(ada)
    await socket.connection.send(frame)
    assert await socket.expect_close() == code


async def test_invalid_utf8_ends_the_connection(people):
    ada = await people.somebody()
    socket = await people.connect(ada)
    await socket.connection.send(b'{"id":1,"t":"ping","x":"\xff"}', text=True)
    assert await socket.expect_close() == 1007


BAD_REQUESTS = {
    "an unknown type": ({"id": 7, "t": "sing"}, "invalid"),
    "no fields": ({"id": 7, "t": "send"}, "invalid"),
    "an id that is none": ({"id": 7, "t": "send", "chat_id": "x", "client_msg_id": "y", "body": "z"}, "invalid"),
    "a wrong type": ({"id": 7, "t": "typing", "chat_id": 5}, "invalid"),
    "a limit above the limit": ({"id": 7, "t": "sync", "chat_id": "x", "after_rev": 0, "limit": 201}, "invalid"),
}


@pytest.mark.parametrize("request_frame, code", BAD_REQUESTS.values(), ids=BAD_REQUESTS.keys())
async def test_bad_requests_are_answered_and_the_connection_stays(people, request_frame, code):
    ada = await people.somebody()
    socket = await people.connect(ada)
    await socket.connection.send(json.dumps(request_frame))
    answer = await socket.expect(lambda frame: frame.get("re") == 7)
    assert (answer.get("ok"), answer["code"]) == (False, code)
    pong = await socket.request("ping")
    assert pong["t"] == "pong"


@pytest.mark.parametrize("text", ["", "{", "[]", "1", '{"id":1}', DEEP, '{"id":1,"t":"ping","t":"auth"}'])
async def test_text_that_is_no_frame_is_answered_or_closes_with_a_reason(people, text):
    ada, bob = await people.join("Ada", "Bob")
    socket = await people.connect(ada)
    seen = len(socket.frames)
    await socket.connection.send(text)
    try:
        answer = await socket.expect(lambda frame: frame.get("t") == "error" or frame.get("ok") is False, since=seen)
        assert answer["code"] == "invalid"
    except AssertionError:
        assert socket.close_code == 4303
    await people.connect(bob)
