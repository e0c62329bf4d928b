"""R25: requests that are no HTTP, or that two readers could read differently, at the public port.

Each case states its statuses. A body or a tail that another reader might take for a request of its own is the canary:
a request that makes a chat. It must never run. One test sends it properly, to show that it would be noticed.
"""

import asyncio
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import People, required
from raw_http import talk

GET = b"GET /v1/users/me HTTP/1.1\r\nHost: %HOST%\r\nAuthorization: Bearer %TOKEN%\r\nConnection: close\r\n"
KEEP = b"GET /v1/users/me HTTP/1.1\r\nHost: %HOST%\r\nAuthorization: Bearer %TOKEN%\r\n"
POST = (
    b"POST /v1/chats/direct HTTP/1.1\r\nHost: %HOST%\r\nAuthorization: Bearer %TOKEN%\r\n"
    b"Content-Type: application/json\r\nConnection: close\r\n"
)
CANARY = b"%CANARY%"
OPEN = b"Host: %HOST%\r\nConnection: close\r\n\r\n"
KEYS = b"/.well-known/jwks.json"
BODY = b"%BODY%"  # is served when it is framed well
MADE = (200, 201)


@dataclass(frozen=True)
class Case:
    name: str
    request: bytes
    statuses: tuple  # of the first answer
    answers: int = 1  # how many come before the end


def refused(name, request, *statuses):
    return Case(name, request, statuses or (400,))


def served(name, request, *statuses, answers=1):
    return Case(name, request, statuses or (200,), answers)


def hung_up_on(name, request):
    """The request line is none: no answer at all."""
    return Case(name, request, (), 0)


def chunked(body, *fields):
    return POST + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body


TE = b"Transfer-Encoding: chunked"
LAST = b"0\r\n\r\n"
ONE_CHUNK = b"32\r\n" + BODY + b"\r\n"

BOTH_FRAMINGS = [
    refused("CL then TE", chunked(LAST + CANARY, b"Content-Length: 5", TE)),
    refused("TE then CL", chunked(LAST + CANARY, TE, b"Content-Length: 5")),
    refused("CL 0 and TE", chunked(LAST + CANARY, b"Content-Length: 0", TE)),
    refused("TE folded beside CL", chunked(LAST + CANARY, b"Content-Length: 5\r\nTransfer-Encoding:\r\n chunked")),
    refused("TE on HTTP/1.0", chunked(LAST + CANARY, TE).replace(b"HTTP/1.1", b"HTTP/1.0", 1)),
]
CODINGS = [
    b"identity", b"gzip", b"gzip, chunked", b"chunked, identity", b"chunked, chunked", b"chunked,", b", chunked",
    b"xchunked", b"chunkedx", b'"chunked"', b"chunked;q=1", b"\x0bchunked", b"chunked\x0b", b"",
]  # fmt: skip
OTHER_CODINGS = [
    refused(f"TE {coding.decode('latin-1')!r}", chunked(LAST + CANARY, b"Transfer-Encoding: " + coding))
    for coding in CODINGS
]
CODING_FIELDS = [
    refused("TE twice", chunked(LAST + CANARY, TE, TE)),
    refused("TE twice, one unknown", chunked(LAST + CANARY, TE, b"Transfer-Encoding: x")),
    refused("a space before TE's colon", chunked(LAST + CANARY, b"Transfer-Encoding : chunked")),
    refused("a tab before TE's colon", chunked(LAST + CANARY, b"Transfer-Encoding\t: chunked")),
    served("TE in capitals", chunked(ONE_CHUNK + LAST, b"TRANSFER-ENCODING: CHUNKED"), *MADE),
]
LENGTHS = [b"+5", b"-1", b"0x5", b"5 5", b"5, 5", b"5,6", b"5.0", b"5;x", b"", b"five", b"9" * 20, b"9" * 400]
BAD_LENGTHS = [
    refused(f"CL {length.decode()[:24]!r}", POST + b"Content-Length: " + length + b"\r\n\r\n" + CANARY, 400, 413)
    for length in LENGTHS
]
LENGTH_FIELDS = [
    refused("two different CL", POST + b"Content-Length: 0\r\nContent-Length: 40\r\n\r\n" + CANARY),
    refused("two equal CL", POST + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n" + CANARY),
    refused("CL in two spellings", POST + b"Content-Length: 0\r\ncontent-length: 40\r\n\r\n" + CANARY),
    refused("a space before CL's colon", POST + b"Content-Length : 0\r\n\r\n" + CANARY),
    refused("CL with an underscore is another field", POST + b"Content_Length: 500\r\n\r\n", 400),
    refused("a CL larger than may be", POST + b"Content-Length: 99999999\r\n\r\n", 413),
    served("the canary inside a body", POST + b"Content-Length: %SIZE%\r\n\r\n" + CANARY, 400),
    served("the canary inside a GET's body", GET + b"Content-Length: %SIZE%\r\n\r\n" + CANARY, 200, 400, 413, 415),
]
SIZES = [
    b"0x32", b"+32", b"-32", b" 32", b"F" * 17, b"1" + b"0" * 14 + b"32", b"", b"g", b"32g", b"\xef\xbc\x93", b"32\x00",
]  # fmt: skip
CHUNKS = [
    *(
        Case(f"chunk size {size.decode('latin-1')!r}", chunked(size + b"\r\n" + BODY + b"\r\n" + LAST, TE), (400, 413))
        for size in SIZES
    ),
    refused("a chunk longer than its size", chunked(b"3\r\n" + BODY + b"\r\n" + LAST + CANARY, TE)),
    refused("a chunk ended by other bytes", chunked(b"32\r\n" + BODY + b"XX" + LAST, TE)),
    refused("a chunk ended by CR alone", chunked(b"32\r" + BODY + b"\r\n" + LAST, TE)),
    refused("a canary behind a size that is none", chunked(b"zz\r\n" + CANARY, TE)),
    served("a good chunk", chunked(ONE_CHUNK + LAST, TE), *MADE),
    served("chunks of one byte", chunked(b"1\r\n{\r\n1\r\n}\r\n" + LAST, TE), 400),
    served("a chunk extension", chunked(b"32;a=b\r\n" + BODY + b"\r\n" + LAST, TE), *MADE),
    served("the canary in a chunk", chunked(b"%HEXSIZE%\r\n" + CANARY + b"\r\n" + LAST, TE), 400),
    served("trailers", chunked(ONE_CHUNK + b"0\r\nContent-Length: 5\r\nX: y\r\n\r\n", TE), *MADE),
]
FIELDS = [
    refused("a space in a name", GET + b"X Y: 1\r\n\r\n"),
    refused("a control character in a name", GET + b"X\x01: 1\r\n\r\n"),
    refused("a bracket in a name", GET + b"X(): 1\r\n\r\n"),
    refused("8 bit in a name", GET + b"X\xe9: 1\r\n\r\n"),
    refused("a control character in a value", GET + b"X: a\x01b\r\n\r\n"),
    refused("DEL in a value", GET + b"X: a\x7fb\r\n\r\n"),
    refused("a bare CR in a value", GET + b"X: a\rHost: b\r\n\r\n"),
    refused("a line without a colon", GET + b"nonsense\r\n\r\n"),
    refused("a space before the first field", b"GET / HTTP/1.1\r\n Host: %HOST%\r\n\r\n"),
    refused("Authorization twice", GET + b"Authorization: Bearer x\r\n\r\n"),
    refused("Content-Type twice", POST + b"Content-Type: text/plain\r\nContent-Length: 0\r\n\r\n"),
    refused("Idempotency-Key twice", POST + b"Idempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: 0\r\n\r\n"),
    refused("an unknown Expect", POST + b"Expect: wonders\r\nContent-Length: 50\r\n\r\n" + BODY, 400, 417),
    refused("a head of 40 KiB", GET + b"X: " + b"a" * 40_000 + b"\r\n\r\n", 431),
    refused("two thousand fields", GET + b"X: a\r\n" * 8_000 + b"\r\n", 400, 431),
    served("8 bit in a value", GET + b"X: \xe9\xff\r\n\r\n", 200, 400),
    served("tabs around a value", GET + b"X:\t a \t\r\n\r\n"),
    served("an empty value", GET + b"X:\r\n\r\n"),
    served("hop by hop names", GET.replace(b"close", b"close, Authorization") + b"\r\n"),
    served("another method in a field", GET + b"X-HTTP-Method-Override: DELETE\r\nX-Method: POST\r\n\r\n"),
    served("h2c is not taken up", GET.replace(b"close", b"close, Upgrade") + b"Upgrade: h2c\r\n\r\n"),
    served("Expect is answered", POST + b"Expect: 100-continue\r\nContent-Length: 50\r\n\r\n" + BODY, 100, answers=2),
]
HOSTS = [
    refused("no Host", b"GET " + KEYS + b" HTTP/1.1\r\nConnection: close\r\n\r\n"),
    refused("two Hosts", b"GET " + KEYS + b" HTTP/1.1\r\nHost: a\r\n" + OPEN),
    refused("an empty Host", b"GET " + KEYS + b" HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n"),
    refused("a Host with a user", b"GET " + KEYS + b" HTTP/1.1\r\nHost: a@b\r\n\r\n"),
    refused("a Host with a path", b"GET " + KEYS + b" HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    refused("a Host with a space", b"GET " + KEYS + b" HTTP/1.1\r\nHost: a b\r\n\r\n"),
    refused("a list of Hosts", b"GET " + KEYS + b" HTTP/1.1\r\nHost: a,b\r\n\r\n"),
    refused("absolute form, another host", b"GET http://other" + KEYS + b" HTTP/1.1\r\n" + OPEN),
    refused("absolute form, a user", b"GET http://a@%HOST%" + KEYS + b" HTTP/1.1\r\n" + OPEN),
    refused("absolute form, another scheme", b"GET ftp://%HOST%" + KEYS + b" HTTP/1.1\r\n" + OPEN),
    served("absolute form, this host", b"GET http://%HOST%" + KEYS + b" HTTP/1.1\r\n" + OPEN),
]
LINES = [
    refused("HTTP/1.9", b"GET " + KEYS + b" HTTP/1.9\r\n" + OPEN, 400, 505),
    refused("HTTP/2.0", b"GET " + KEYS + b" HTTP/2.0\r\n" + OPEN, 400, 505),
    refused("HTTP/0.9", b"GET " + KEYS + b"\r\n\r\n", 400, 505),
    refused("http/1.1", b"GET " + KEYS + b" http/1.1\r\n" + OPEN, 400, 505),
    refused("HTTP/1.1x", b"GET " + KEYS + b" HTTP/1.1x\r\n" + OPEN, 400, 505),
    refused("HTTP/1.01", b"GET " + KEYS + b" HTTP/1.01\r\n" + OPEN, 400, 505),
    refused("HTTP/2's preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 505),
    hung_up_on("TLS", bytes.fromhex("16030100 7a010000 76030300") + b"\r\n\r\n"),
    hung_up_on("a space in the target", b"GET /v1/users/me HTTP/1.1 HTTP/1.1\r\n" + OPEN),
    hung_up_on("a tab", b"GET\t" + KEYS + b"\tHTTP/1.1\r\n" + OPEN),
    refused("a small method", b"get " + KEYS + b" HTTP/1.1\r\n" + OPEN, 405),
    hung_up_on("no method", b" " + KEYS + b" HTTP/1.1\r\n" + OPEN),
    refused("a method that is no token", b"G@T " + KEYS + b" HTTP/1.1\r\n" + OPEN, 400, 405),
    refused("TRACE", b"TRACE " + KEYS + b" HTTP/1.1\r\n" + OPEN, 405),
    refused("CONNECT", b"CONNECT %HOST% HTTP/1.1\r\n" + OPEN, 400, 405),
    refused("OPTIONS *", b"OPTIONS * HTTP/1.1\r\n" + OPEN, 400, 405),
    served("empty lines before it", b"\r\n\r\nGET " + KEYS + b" HTTP/1.1\r\n" + OPEN),
]
TARGETS = [
    (b"*", 400), (b"v1/users/me", 400), (b"/v1/users/me#x", 400), (b"/v1/%00", 400),
    (b"/v1/%zz", 400), (b"/v1/%e", 400), (b"/v1/%c0%af", 400), (b"/v1/%ff", 400), (b"/v1/\xff", 400),
    (b"/v1/../internal/heads", 400), (b"/v1/%2e%2e/internal/heads", 400), (b"/v1/%2E/users/me", 400),
    (b"/internal/heads", 404), (b"//internal/heads", 404), (b"/v1//users/me", 404), (b"/v1%2fusers%2fme", 404),
    (b"/V1/users/me", 404), (b"/v1/users/me/", 404), (b"/v1\\users\\me", 404), (b"/metrics", 404), (b"/readyz", 404),
    (b"/" + b"a" * 20_000, 404), (b"/" + b"a" * 40_000, 414), (b"/" + b"a/" * 200, 400),
]  # fmt: skip
BAD_TARGETS = [
    refused(f"target {target.decode('latin-1')[:28]!r}", b"GET " + target + b" HTTP/1.1\r\n" + OPEN, status, 431, 401)
    for target, status in TARGETS
]
PIPELINES = [
    served("three requests at once", KEEP + b"\r\n" + KEEP + b"\r\n" + GET + b"\r\n", 200, answers=3),
    refused("nothing runs after a bad one", GET + b"X Y: 1\r\n\r\n" + CANARY),
    refused("nothing runs after `close`", GET + b"\r\n" + CANARY, 200),
    refused(
        "a handshake that fails opens no tunnel",
        b"GET /v1/ws HTTP/1.1\r\nHost: %HOST%\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 7\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" + CANARY,
        400,
        426,
    ),
]
CASES = [
    *BOTH_FRAMINGS, *OTHER_CODINGS, *CODING_FIELDS, *BAD_LENGTHS, *LENGTH_FIELDS, *CHUNKS, *FIELDS, *HOSTS, *LINES,
    *BAD_TARGETS, *PIPELINES,
]  # fmt: skip

# libmicrohttpd joins these lines before our code sees them. They are read as one request, and travel on as that one,
# serialised anew; no second reader sees the bytes. (RFC 9112 section 2.2 allows bare LF.)
TOLERATED = [
    served("two spaces in the first line", b"GET  " + KEYS + b" HTTP/1.1\r\n" + OPEN, 200, 400),
    served("NUL in the target", b"GET /v1/\x00 HTTP/1.1\r\n" + OPEN, 400, 404),
    served("bare LF", (GET + b"\r\n").replace(b"\r\n", b"\n"), 200, 400),
    served("a folded field", GET + b"X: a\r\n b\r\n\r\n", 200, 400),
    served("NUL in a value", GET + b"X: a\x00b\r\n\r\n", 200, 400),
    served("a field without a name", GET + b": v\r\n\r\n", 200, 400),
    served("chunks ended by bare LF", chunked(b"32\n" + BODY + b"\n0\n\n", TE), 400, *MADE),
    served("a blank behind a chunk's size", chunked(b"32 \r\n" + BODY + b"\r\n" + LAST, TE), 400, *MADE),
    served("an empty chunk extension", chunked(b"32;\r\n" + BODY + b"\r\n" + LAST, TE), 400, *MADE),
]


class Edge:
    """A person, the canary and the gateway's process, for all cases."""

    def __init__(self, fleet):
        self.url = required("CHAT_E2E_URL")
        self.pid = fleet.daemons()["api-gateway-1"].pid
        self.title = f"canary {uuid.uuid4()}"
        self.person, self.other = asyncio.run(self._join())

    async def _join(self):
        people = People()
        try:
            return await people.join("Edna", "Otto")
        finally:
            await people.close()

    def filled(self, text):
        host, token = self.url.removeprefix("http://").encode(), self.person.token.encode()
        canary = self.canary() if CANARY in text else b""
        text = text.replace(BODY, b'{"user_id":"%s"}' % self.other.user_id.encode())
        text = text.replace(b"%SIZE%", str(len(canary)).encode()).replace(b"%HEXSIZE%", b"%x" % len(canary))
        return text.replace(CANARY, canary).replace(b"%HOST%", host).replace(b"%TOKEN%", token)

    def canary(self):
        body = b'{"title":"' + self.title.encode() + b'","member_ids":[]}'
        head = POST.replace(b"/v1/chats/direct", b"/v1/chats") + b"Content-Length: %d\r\n\r\n" % len(body)
        return self.filled(head) + body

    def canary_has_run(self):
        """Asked by the next good client, who is served."""
        answers, ended = talk(self.url, self.filled(GET.replace(b"/v1/users/me", b"/v1/chats?limit=200") + b"\r\n"))
        assert ended and [one.status for one in answers] == [200], answers
        return self.title.encode() in answers[0].body

    def is_unharmed(self):
        return Path(f"/proc/{self.pid}/cmdline").read_bytes() != b"" and not self.canary_has_run()


@pytest.fixture(scope="module")
def edge(fleet):
    return Edge(fleet)


@pytest.mark.parametrize("case", CASES + TOLERATED, ids=lambda case: case.name)
def test_it_is_read_in_one_way_or_not_at_all(edge, case):
    answers, ended = talk(edge.url, edge.filled(case.request))

    statuses = [one.status for one in answers]
    assert ended, f"{statuses}, and the connection was left open"
    assert len(statuses) == case.answers, statuses
    assert not statuses or statuses[0] in case.statuses, f"{statuses} {answers[0].body[:200]}"
    assert not [one for one in answers if one.status >= 500 and one.status != 505]
    assert edge.is_unharmed()


def test_a_slow_head_is_served_and_an_endless_one_ended(edge):
    request = edge.filled(GET + b"\r\n")
    answers, _ = talk(edge.url, *(request[at : at + 40] for at in range(0, len(request), 40)), pause=0.01)
    assert [one.status for one in answers] == [200]


def test_a_client_that_leaves_in_the_middle_of_a_body_has_asked_for_nothing(edge):
    half = edge.filled(CANARY)[:-5]
    answers, _ = talk(edge.url, half, half_close=True, seconds=1)
    assert not [one for one in answers if one.status < 400]
    assert edge.is_unharmed()


@pytest.mark.long
def test_a_head_that_trickles_in_for_ever_is_cut_off(edge):
    """Each byte is in time for an inactivity timeout; the head as a whole is not."""
    answers, ended = talk(edge.url, GET.split(b"\r\n")[0] + b"\r\n", *[b"X: a\r\n"] * 60, pause=0.5, seconds=35)
    assert ended and not [one for one in answers if one.status < 400]
    assert edge.is_unharmed()


def test_the_canary_sings_when_it_is_asked_properly(edge):
    """Last of this file: the others have proved something only if this can be seen."""
    assert not edge.canary_has_run()
    answers, _ = talk(edge.url, edge.filled(KEEP + b"\r\n" + CANARY))
    assert [one.status for one in answers] == [200, 201]
    assert edge.canary_has_run()
