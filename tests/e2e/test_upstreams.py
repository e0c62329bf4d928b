"""A service that hangs or answers garbage costs the requests that need it, in bounded time, and nothing else."""

import asyncio
import json
import time
from contextlib import asynccontextmanager
from statistics import median

import pytest
from client import Api, attempts, fields_of
from fleet import slowness

TIMEOUT_MS = 1000  # the gateway's patience with an upstream in these tests
MARGIN_SECONDS = 1.0
AT_ONCE = 40
BREAKER_FAILURES = 5
REFUSED_SECONDS = 0.005  # by an open breaker
PROBE_SECONDS = 3.0  # the longest that it lasts until the next probe, and some more
HANGING = "user-service-1"
NEEDS_IT, NEEDS_IT_NOT = "/v1/users/me", "/v1/sessions"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


async def timed(asked):
    began = time.monotonic()
    answer = await asked
    return answer, time.monotonic() - began


@asynccontextmanager
async def a_gateway(fleet, invented=False, **settings):
    """A second api-gateway, and an Api that talks to it. invented: what its services answer is of no documented shape."""
    async with fleet.beside("api-gateway-1", upstream_timeout_ms=TIMEOUT_MS, **settings) as gateway:
        api = Api(gateway.url, invented)
        try:
            yield api
        finally:
            await api.close()


async def test_a_hanging_service_is_waited_for_so_long_and_holds_up_nobody_else(people, fleet):
    ada = await people.somebody()
    async with a_gateway(fleet) as api:
        ada.api = api
        fields_of(await ada.call("GET", NEEDS_IT), 200)
        with fleet.paused(HANGING):
            hanging = [asyncio.create_task(timed(ada.call("GET", NEEDS_IT))) for _ in range(AT_ONCE)]
            others = [await timed(ada.call("GET", NEEDS_IT_NOT)) for _ in range(5)]
            hung = await asyncio.gather(*hanging)
        async for _ in attempts("it is served again"):
            if (await ada.call("GET", NEEDS_IT)).status_code == 200:
                break

    assert {answer.status_code for answer, _ in hung} <= {503, 504}, "the fault has bitten all of them"
    assert max(seconds for _, seconds in hung) <= (TIMEOUT_MS / 1000 + MARGIN_SECONDS) * slowness()
    assert {answer.status_code for answer, _ in others} == {200}
    assert max(seconds for _, seconds in others) <= 0.5 * slowness()


async def test_one_hanging_instance_of_two_costs_a_few_readers_their_patience(people, fleet):
    """Whoever hits it has no time left for another try; after at most five failures its breaker is open."""
    ada = await people.join("Ada")
    chat_id = (await ada.make_group("Engines"))["chat_id"]
    async with a_gateway(fleet) as api:
        ada.api = api
        with fleet.paused("message-service-1"):
            asked = [await timed(ada.call("GET", f"/v1/chats/{chat_id}/messages")) for _ in range(30)]
    slow = [seconds for _, seconds in asked if seconds >= TIMEOUT_MS / 1000]
    assert {answer.status_code for answer, _ in asked} <= {200, 504}
    assert slow, "the fault has bitten nobody"
    assert len(slow) <= BREAKER_FAILURES
    assert {answer.status_code for answer, _ in asked[-10:]} == {200}, "it is passed over now"
    assert max(slow) <= (TIMEOUT_MS / 1000 + MARGIN_SECONDS) * slowness()


async def test_a_change_that_may_have_happened_is_not_repeated(people, fleet):
    ada = await people.join("Ada")
    headers = {"If-Match": '"1"', "Content-Type": "application/merge-patch+json"}
    async with a_gateway(fleet) as api:
        ada.api = api
        before = await ada.get(NEEDS_IT)
        headers["If-Match"] = f'"{before["version"]}"'
        with fleet.paused(HANGING):
            answer = await ada.call("PATCH", NEEDS_IT, {"bio": "once"}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (504, "outcome_unknown")
        async for _ in attempts("it is served again"):
            if (await ada.call("GET", NEEDS_IT)).status_code == 200:
                break
        after = await ada.get(NEEDS_IT)
    assert after["version"] <= before["version"] + 1


# ---- garbage


async def _nothing(writer):
    pass


def _bytes(data, *, stays=False):
    async def answer(writer):
        writer.write(data)
        await writer.drain()
        if stays:
            await asyncio.Event().wait()

    return answer


async def _endless_body(writer):
    writer.write(HEAD + b"\r\n")
    while True:
        writer.write(b"a" * 65536)
        await writer.drain()


async def _endless_head(writer):
    writer.write(HEAD)
    while True:
        writer.write(b"X: " + b"a" * 8000 + b"\r\n")
        await writer.drain()


async def _drop_by_drop(writer):
    for byte in HEAD + b"Content-Length: 1000\r\n\r\n" + b" " * 1000:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.05)


async def _flood_of_interim_answers(writer):
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 100)
        await writer.drain()


BAD = (502, 503, 504)
GARBAGE = {
    "nothing": (_nothing, BAD),
    "nonsense": (_bytes(b"\x00\x01\x02 what?\r\n\r\n"), BAD),
    "another protocol": (_bytes(b"-ERR unknown command\r\n"), BAD),
    "no HTTP head": (_bytes(b'{"user_id":"x"}'), BAD),
    "no status": (_bytes(b"HTTP/1.1 banana\r\n\r\n{}"), BAD),
    "status 99": (_bytes(b"HTTP/1.1 099 X\r\nContent-Length: 2\r\n\r\n{}"), BAD),
    "status 999": (_bytes(b"HTTP/1.1 999 X\r\nContent-Length: 2\r\n\r\n{}"), BAD),
    "status 101": (_bytes(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", stays=True), BAD),
    "interim answers only": (_flood_of_interim_answers, BAD),
    "half a head": (_bytes(HEAD), BAD),
    "an endless head": (_endless_head, BAD),
    "an endless body": (_endless_body, BAD),
    "a body that is too short": (_bytes(HEAD + b"Content-Length: 100\r\n\r\n{}"), BAD),
    "a body that never comes": (_bytes(HEAD + b"Content-Length: 100\r\n\r\n", stays=True), BAD),
    "ten gigabytes announced": (_bytes(HEAD + b"Content-Length: 10000000000\r\n\r\n{}", stays=True), BAD),
    "a negative length": (_bytes(HEAD + b"Content-Length: -1\r\n\r\n{}", stays=True), BAD),
    "two lengths": (_bytes(HEAD + b"Content-Length: 2\r\nContent-Length: 100\r\n\r\n{}"), BAD),
    "chunks that are none": (_bytes(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"), BAD),
    "chunks without an end": (_bytes(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"), BAD),
    "an unknown coding": (_bytes(HEAD + b"Transfer-Encoding: magic\r\n\r\n{}"), BAD),
    "drop by drop": (_drop_by_drop, BAD),
}


class GarbageServer:
    """Takes whole requests, counts them, and answers each on a connection of its own with the same garbage."""

    def __init__(self):
        self.garbage, self.requests = _nothing, 0
        self._handlers = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)

    async def _serve(self, reader, writer):
        self._handlers.add(asyncio.current_task())
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.requests += 1
            await self.garbage(writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # a probe of its health, or hung up on us, or the end of the test
        finally:
            writer.close()


async def test_garbage_becomes_a_gateway_error_in_time(people, fleet):
    ada = await people.somebody()
    wrong = []
    async with GarbageServer() as server, a_gateway(fleet, user_service_urls=server.url, ready_port_distance=0) as api:
        ada.api = api
        for name, (garbage, statuses) in GARBAGE.items():
            server.garbage = garbage
            answer, seconds = await timed(ada.call("GET", NEEDS_IT))
            if answer.status_code not in statuses or answer.headers["Content-Type"] != "application/problem+json":
                wrong.append(f"{name}: {answer.status_code} {answer.text[:100]}")
            if seconds > (TIMEOUT_MS / 1000 + MARGIN_SECONDS) * slowness():
                wrong.append(f"{name}: {seconds:.1f} s")
            fields_of(await ada.call("GET", NEEDS_IT_NOT), 200)
    assert not wrong, "\n".join(wrong)


async def test_a_request_that_was_sent_is_sent_once(people, fleet):
    """The connection ends without an answer: a change may have been made."""
    ada = await people.somebody()
    headers = {"If-Match": '"1"', "Content-Type": "application/merge-patch+json"}
    async with GarbageServer() as server, a_gateway(fleet, user_service_urls=server.url, ready_port_distance=0) as api:
        ada.api = api
        answer = await ada.call("PATCH", NEEDS_IT, {"bio": "once"}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (504, "outcome_unknown")
        assert server.requests == 1


async def test_an_instance_that_only_fails_is_left_alone_until_a_probe_finds_it_well(people, fleet):
    """R16. While the breaker is open the answer comes at once and the service hears of nothing but probes."""
    ada = await people.somebody()
    answers = []
    async with GarbageServer() as server, a_gateway(fleet, True, user_service_urls=server.url, ready_port_distance=0) as api:
        ada.api = api
        server.garbage = _bytes(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\n{}")
        ends = time.monotonic() + PROBE_SECONDS
        while time.monotonic() < ends:
            heard, (answer, seconds) = server.requests, await timed(ada.call("GET", NEEDS_IT))
            answers.append((answer.status_code, seconds, server.requests - heard))
        server.garbage = _bytes(HEAD + b"Content-Length: 2\r\n\r\n{}")
        async for _ in attempts("it is served again"):
            if (await ada.call("GET", NEEDS_IT)).status_code == 200:
                break
    refused = [seconds for _, seconds, heard in answers if not heard]
    assert all(heard for _, _, heard in answers[:BREAKER_FAILURES]), "it opened before its time"
    assert not answers[BREAKER_FAILURES][2], f"open after {BREAKER_FAILURES} failures"
    assert max(heard for _, _, heard in answers) == 1, "a request was repeated"
    assert {status for status, _, heard in answers if not heard} == {503}
    probes = sum(heard for _, _, heard in answers) - BREAKER_FAILURES
    assert 1 <= probes <= PROBE_SECONDS / 0.25
    print(f"\n{len(refused)} refused, median {median(refused) * 1000:.2f} ms, {probes} probes")
    assert median(refused) <= REFUSED_SECONDS * slowness()


async def test_a_redirection_is_not_followed_and_foreign_fields_end_at_the_edge(people, fleet):
    ada = await people.somebody()
    fields = b"Set-Cookie: a=b\r\nServer: garbage\r\nX-Powered-By: x\r\nAccess-Control-Allow-Origin: *\r\n"
    async with GarbageServer() as elsewhere, GarbageServer() as server:
        async with a_gateway(fleet, True, user_service_urls=server.url, ready_port_distance=0) as api:
            ada.api = api
            location = b"Location: " + elsewhere.url.encode() + b"/internal/heads\r\n"
            server.garbage = _bytes(b"HTTP/1.1 302 Found\r\n" + location + fields + b"Content-Length: 0\r\n\r\n")
            answer = await ada.call("GET", NEEDS_IT)
        assert elsewhere.requests == 0
        assert not {"set-cookie", "x-powered-by", "access-control-allow-origin"} & set(answer.headers)
        assert answer.headers.get("Server") != "garbage"


@pytest.mark.parametrize("path", ["/v1/bootstrap", "/v1/chats"])
async def test_a_composed_answer_leaves_out_what_is_garbage(people, fleet, path):
    ada = await people.somebody()
    await ada.make_group("Engines")
    async with GarbageServer() as server, a_gateway(fleet, message_service_internal_urls=server.url) as api:
        ada.api = api
        server.garbage = _bytes(HEAD + b"Content-Length: 9\r\n\r\n{\"a\":[[]}")
        answer = fields_of(await ada.call("GET", path), 200)
        assert server.requests, "nobody asked the garbage"
        assert answer["partial"] == ["unread"]


def _when_all_are_asked(barrier, document):
    body = json.dumps(document).encode()

    async def answer(writer):
        await barrier.wait()
        writer.write(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()

    return answer


async def test_a_bootstrap_asks_its_services_at_the_same_time(people, fleet):
    """Neither answers before the other was asked."""
    ada = await people.somebody()
    barrier = asyncio.Barrier(2)
    async with GarbageServer() as users, GarbageServer() as chats:
        users.garbage = _when_all_are_asked(barrier, {"user_id": ada.user_id})
        chats.garbage = _when_all_are_asked(barrier, {"items": [], "next_cursor": None})
        urls = {"user_service_urls": users.url, "chat_service_urls": chats.url, "ready_port_distance": 0}
        async with a_gateway(fleet, invented=True, **urls) as api:
            ada.api = api
            answer = fields_of(await ada.call("GET", "/v1/bootstrap"), 200)
    assert answer["me"]["user_id"] == ada.user_id and "partial" not in answer


async def test_a_bootstrap_without_the_chats_says_so_in_time(people, fleet):
    ada = await people.somebody()
    async with a_gateway(fleet) as api:
        ada.api = api
        with fleet.paused("chat-service-1"):
            answer, seconds = await timed(ada.call("GET", "/v1/bootstrap"))
            refused = await ada.call("GET", "/v1/chats")
    document = fields_of(answer, 200)
    assert seconds <= (TIMEOUT_MS / 1000 + MARGIN_SECONDS) * slowness()
    assert document["me"]["user_id"] == ada.user_id
    assert (document["partial"], document["chats"]["items"]) == (["chats"], [])
    assert refused.status_code in BAD


# ---- limits at the door


async def test_addresses_that_a_client_makes_up_do_not_lift_the_limit_on_logging_in(people, fleet):
    limit = 10
    async with a_gateway(fleet, rate_auth_per_10s=limit) as api:
        began = time.monotonic()
        answers = []
        for number in range(limit * 3):
            invented = {name: f"198.51.100.{number}" for name in ("X-Forwarded-For", "X-Real-IP", "True-Client-IP")}
            invented["Forwarded"] = f"for=198.51.100.{number}"
            answers.append(await api.call("POST", "/v1/auth/login", {}, headers=invented))
        refilled = (time.monotonic() - began) / 10 * limit
    admitted = [answer for answer in answers if answer.status_code != 429]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(admitted) <= limit + refilled + 1
    assert refused and all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
