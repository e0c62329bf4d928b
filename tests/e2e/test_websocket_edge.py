"""R26: frames that are none, break rules, or are meant to hurt. For each: the expected answer or close code; then the
gateway still lives, serves the next client, and the next message in that very chat arrives."""

import asyncio
import json
import time
import uuid
from dataclasses import dataclass

import pytest
from raw_websocket import ABRUPT, BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, RSV1, RSV2, RSV3, TEXT, RawSocket, frame, handshake

SCENE_SECONDS = 240  # shorter than a token lives
ID = "0199f0e2-6c1a-7b1c-8d2e-3f4a5b6c7d05"
CHAT = "@chat"  # stands for the scene's chat
FRAME_MAX, BODY_MAX = 65536, 16384

# ---- what each frame has, and what each kind of field must not be ----

GOOD = {
    "send": {"chat_id": CHAT, "client_msg_id": ID, "type": "text", "body": "x"},
    "edit": {"chat_id": CHAT, "client_msg_id": ID, "message_id": ID, "body": "x"},
    "delete": {"chat_id": CHAT, "client_msg_id": ID, "message_id": ID},
    "react": {"chat_id": CHAT, "client_msg_id": ID, "message_id": ID, "emoji": "👍"},
    "pin": {"chat_id": CHAT, "client_msg_id": ID, "message_id": ID},
    "read": {"chat_id": CHAT, "seq": 1},
    "delivered": {"chat_id": CHAT, "seq": 1},
    "typing": {"chat_id": CHAT},
    "watch": {"user_ids": [ID]},
    "unwatch": {"user_ids": [ID]},
    "presence": {"state": "online"},
    "sync": {"chat_id": CHAT, "after_rev": 0},
    "refresh": {"token": "x"},
}
OPERATION = {"chat_id": "id", "client_msg_id": "id"}
FIELDS = {
    "send": OPERATION
    | {"type": "choice", "body": "text", "reply_to": "id", "mentions": "ids", "mention_all": "bool"}
    | {"attachments": "objects", "ttl_s": "count", "silent": "bool"},
    "edit": OPERATION | {"message_id": "id", "body": "text", "expected_version": "count", "mentions": "ids"},
    "delete": OPERATION | {"message_id": "id", "scope": "choice"},
    "react": OPERATION | {"message_id": "id", "emoji": "text", "on": "bool"},
    "pin": OPERATION | {"message_id": "id", "on": "bool"},
    "read": {"chat_id": "id", "seq": "count"},
    "delivered": {"chat_id": "id", "seq": "count"},
    "typing": {"chat_id": "id", "on": "bool"},
    "watch": {"user_ids": "ids"},
    "unwatch": {"user_ids": "ids"},
    "presence": {"state": "choice"},
    "sync": {"chat_id": "id", "after_rev": "count", "limit": "count"},
    "refresh": {"token": "text"},
}
# As JSON text, so that it may hold what no writer would write.
WRONG = {
    "id": {"a number": "1", "an object": '{"$ne":null}', "no id": '"me"', "NUL": '"a\\u0000"', "longer": f'"{ID}0"'},
    "ids": {"an id": f'"{ID}"', "no ids": '["me"]', "numbers": "[1]", "an object": '{"$in":[]}', "lists": "[[]]"},
    "text": {"a number": "1", "an object": '{"$gt":""}', "NUL": '"a\\u0000b"', "half a pair": '"\\ud800"'},
    "choice": {"a number": "1", "another": '"other"', "a list": "[]"},
    "bool": {"a text": '"true"', "a number": "1", "a list": "[]"},
    "count": {"a text": '"1"', "a fraction": "1.5", "below 0": "-1", "beyond 64 bits": "18446744073709551616", "huge": "1e400"},
    "objects": {"a text": '"x"', "numbers": "[1]", "$": '[{"$set":1}]', "dotted": '[{"a.b":1}]', "no key": '[{"":1}]', "lists": "[[]]"},
}


def text_of(kind, **replaced):
    """JSON of a good frame, its number 7, with some members as raw JSON in place of theirs."""
    members = {"id": "7", "t": json.dumps(kind)} | {name: json.dumps(value) for name, value in GOOD[kind].items()}
    members |= replaced
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in members.items()) + "}"


@dataclass(frozen=True)
class Refused:
    """A text frame that gets an error, and nothing else happens."""

    text: str
    codes: tuple = ("invalid",)
    re: bool = True  # the error names the frame


UNREADABLE = ("NUL", "half a pair", "beyond 64 bits", "huge")  # no JSON that anybody reads on


def wrong_fields():
    for kind, fields in FIELDS.items():
        for name, sort in fields.items():
            for what, value in WRONG[sort].items():
                yield f"{kind}.{name}: {what}", Refused(text_of(kind, **{name: value}), re=what not in UNREADABLE)


def missing_fields():
    for kind, members in GOOD.items():
        for name in members:
            if (kind, name) not in (("send", "type"),):
                rest = {key: json.dumps(value) for key, value in members.items() if key != name}
                body = ",".join(f'"{key}":{value}' for key, value in rest.items())
                yield f"{kind} without {name}", Refused(f'{{"id":7,"t":"{kind}"{"," if body else ""}{body}}}')


DEEP = '{"a":' * 40 + "1" + "}" * 40
STRANGE = {
    "nothing": Refused("", re=False),
    "not JSON": Refused("hello", re=False),
    "half of it": Refused('{"id":7,"t":"send"', re=False),
    "two of it": Refused('{"id":7,"t":"ping"}{}', re=False),
    "a list": Refused("[]", re=False),
    "a number": Refused("1", re=False),
    "null": Refused("null", re=False),
    "NaN": Refused('{"id":7,"t":"read","seq":NaN}', re=False),
    "Infinity": Refused('{"id":7,"t":"read","seq":Infinity}', re=False),
    "too deep": Refused(DEEP, re=False),
    "deep lists": Refused("[" * 60000, re=False),
    "a key twice": Refused('{"id":7,"t":"ping","t":"send"}', re=False),
    "a BOM": Refused('\ufeff{"id":7,"t":"ping"}', re=False),
    "single quotes": Refused("{'id':7,'t':'ping'}", re=False),
    "a comment": Refused('{"id":7,/* */"t":"ping"}', re=False),
    "a comma too much": Refused('{"id":7,"t":"ping",}', re=False),
    "a control character": Refused('{"id":7,"t":"pi\nng"}', re=False),
    "no type": Refused('{"id":7}'),
    "an empty type": Refused('{"id":7,"t":""}'),
    "a type that is none": Refused('{"id":7,"t":"sned"}'),
    "a type of the server": Refused('{"id":7,"t":"message"}'),
    "a type in capitals": Refused('{"id":7,"t":"SEND"}'),
    "a long type": Refused(f'{{"id":7,"t":"{"s" * 5000}"}}'),
    "a type with NUL": Refused('{"id":7,"t":"send\\u0000"}', re=False),
    "a type that is a number": Refused('{"id":7,"t":1}'),
    "a number that is a text": Refused('{"id":"7","t":"ping"}', re=False),
    "a number below 0": Refused('{"id":-1,"t":"ping"}', re=False),
    "a number with a fraction": Refused('{"id":7.5,"t":"ping"}', re=False),
    "a number beyond 64 bits": Refused('{"id":99999999999999999999,"t":"ping"}', re=False),
    "a list as number": Refused('{"id":[7],"t":"ping"}', re=False),
    "a body too long": Refused(text_of("send", body=json.dumps("x" * (BODY_MAX + 1)))),
    "an empty body": Refused(text_of("send", body='""')),
    "51 mentions": Refused(text_of("send", mentions=json.dumps([ID] * 51))),
    "11 attachments": Refused(text_of("send", attachments=json.dumps([{}] * 11))),
    "deep attachments": Refused(text_of("send", attachments=f"[{DEEP}]"), re=False),
    "an attachment with a key twice": Refused(text_of("send", attachments='[{"a":1,"a":2}]'), re=False),
    "an attachment that holds a function": Refused(text_of("send", attachments='[{"$where":"sleep(1)"}]')),
    "a message that lives for ever": Refused(text_of("send", ttl_s="9223372036854775807")),
    "another chat": Refused(text_of("send", chat_id=f'"{ID}"'), ("not_found",)),
    "reading another chat": Refused(text_of("read", chat_id=f'"{ID}"'), ("not_found",)),
    "typing in another chat": Refused(text_of("typing", chat_id=f'"{ID}"'), ("not_found",)),
    "changes of another chat": Refused(text_of("sync", chat_id=f'"{ID}"'), ("not_found",)),
    "a page of 0": Refused(text_of("sync", limit="0")),
    "a page of 201": Refused(text_of("sync", limit="201")),
    "a reaction that is an operator": Refused(text_of("react", emoji='"$set"')),
    "a reaction with a dot": Refused(text_of("react", emoji='"a.b"')),
    "a reaction of two words": Refused(text_of("react", emoji='"a b"')),
    "a reaction that is long": Refused(text_of("react", emoji=json.dumps("👍" * 50))),
    "501 people": Refused(text_of("watch", user_ids=json.dumps([str(uuid.uuid4()) for _ in range(501)])), ("invalid", "too_large")),
}
REFUSED = dict(wrong_fields()) | dict(missing_fields()) | STRANGE


@dataclass(frozen=True)
class Ended:
    """Bytes that end the connection with one of these codes. ABRUPT: libwebsockets 4.1.6 ends without a close frame."""

    data: bytes
    codes: tuple


def close_payload(code, reason=b""):
    return code.to_bytes(2, "big") + reason


PING_FRAME = frame('{"id":7,"t":"ping"}')
ENDED = {
    "a binary frame": Ended(frame(b"\0\1", BINARY), (4303,)),
    "an empty binary frame": Ended(frame(b"", BINARY), (4303,)),
    "binary in pieces": Ended(frame(b"\0", BINARY, 0) + frame(b"\1", CONTINUATION), (4303,)),
    "RSV1": Ended(frame("{}", TEXT, FIN | RSV1), (1002,)),
    "RSV2": Ended(frame("{}", TEXT, FIN | RSV2), (1002,)),
    "RSV3": Ended(frame("{}", TEXT, FIN | RSV3), (1002,)),
    "all reserved bits": Ended(frame("{}", TEXT, FIN | RSV1 | RSV2 | RSV3), (1002,)),
    "RSV1 in a ping": Ended(frame(b"", PING, FIN | RSV1), (1002,)),
    **{f"opcode {number}": Ended(frame("{}", number), (1002,)) for number in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "a long ping": Ended(frame(b"x" * 126, PING), (ABRUPT,)),
    "a ping in pieces": Ended(frame(b"x", PING, 0), (1002,)),
    "a pong in pieces": Ended(frame(b"x", PONG, 0), (1002,)),
    "a close in pieces": Ended(frame(close_payload(1000), CLOSE, 0), (1002,)),
    "a continuation of nothing": Ended(frame("{}", CONTINUATION), (1002,)),
    "text within text": Ended(frame("{", TEXT, 0) + frame("}", TEXT), (1002,)),
    "invalid UTF-8": Ended(frame(b'{"t":"\xff\xfe"}'), (1007,)),
    "an overlong form": Ended(frame(b'{"t":"\xc0\xaf"}'), (1007,)),
    "a surrogate in UTF-8": Ended(frame(b'{"t":"\xed\xa0\x80"}'), (1007,)),
    "beyond Unicode": Ended(frame(b'{"t":"\xf4\x90\x80\x80"}'), (1007,)),
    "UTF-8 that ends early": Ended(frame(b'{"t":"\xe2\x82'), (1007,)),
    "invalid UTF-8 in pieces": Ended(frame(b'{"t":"\xe2', TEXT, 0) + frame(b'\x28\xa1"}', CONTINUATION), (1007,)),
    "one byte too much": Ended(frame("x" * (FRAME_MAX + 1)), (1009,)),
    "a megabyte": Ended(frame("x" * 1_000_000), (1009,)),
    "one byte too much in pieces": Ended(
        frame("x" * FRAME_MAX, TEXT, 0) + frame("x", CONTINUATION), (1009,)
    ),
    "many small pieces": Ended(frame("x", TEXT, 0) + frame("x" * 1000, CONTINUATION, 0) * 70, (1009,)),
    "a frame that claims 2^62 bytes": Ended(frame(b"x" * (FRAME_MAX + 10), length=2**62), (1009, 1002)),
    "a frame that claims 2^63 bytes": Ended(frame(b"x" * (FRAME_MAX + 10), length=2**63), (ABRUPT,)),
    "a close of 1 byte": Ended(frame(b"x", CLOSE), (1005,)),  # an empty close, where 1002 would be right
    "a close with bad UTF-8": Ended(frame(close_payload(1000, b"\xff"), CLOSE), (ABRUPT,)),
    "a long close": Ended(frame(close_payload(1000, b"x" * 124), CLOSE), (ABRUPT,)),
    **{f"close code {code}": Ended(frame(close_payload(code), CLOSE), (1002,)) for code in (0, 999, 1004, 1005, 1006, 1015, 1100, 2999)},
    **{f"close code {code}": Ended(frame(close_payload(code), CLOSE), (code,)) for code in (1000, 1001, 1003, 1011, 3000, 4000, 4999, 5000)},
    "an empty close": Ended(frame(b"", CLOSE), (1005,)),
    "frames after a close": Ended(frame(close_payload(1000), CLOSE) + PING_FRAME * 5, (1000,)),
    "a second auth": Ended(frame('{"id":7,"t":"auth","token":"x"}'), (4303,)),
    "a new token that is none": Ended(frame('{"id":7,"t":"refresh","token":"a.b.c"}'), (4300,)),
    "HTTP after the upgrade": Ended(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 3, (1002, ABRUPT)),
}
BEFORE_AUTH = {
    **{f"{kind} before auth": Ended(frame(text_of(kind)), (4303,)) for kind in GOOD},
    "auth with a token that is none": Ended(frame('{"id":1,"t":"auth","token":"x"}'), (4300,)),
    "auth with three parts that are none": Ended(frame('{"id":1,"t":"auth","token":"a.b.c"}'), (4300,)),
    "auth with a token of 60 KB": Ended(frame(f'{{"id":1,"t":"auth","token":"{"a" * 60000}"}}'), (4300,)),
    "a binary frame before auth": Ended(frame(b"\0", BINARY), (4303,)),
    "a large frame before auth": Ended(frame("x" * (FRAME_MAX + 1)), (1009,)),
    "silence": Ended(b"", (4300,)),
    "half a frame and silence": Ended(PING_FRAME[:5], (4300,)),
}
FINE = {
    "pieces of one byte": b"".join(
        frame(byte, TEXT if place == 0 else CONTINUATION, FIN if place == 18 else 0)
        for place, byte in enumerate('{"id":7,"t":"ping"}')
    ),
    "pieces with pings between": frame('{"id":7,', TEXT, 0) + frame(b"a", PING) + frame('"t":"ping"}', CONTINUATION),
    "empty pieces": frame("", TEXT, 0) + frame("", CONTINUATION, 0) + frame('{"id":7,"t":"ping"}', CONTINUATION),
    "pongs that nobody asked for": frame(b"x", PONG) * 20 + PING_FRAME,
    "many pings": frame(b"x", PING) * 500 + PING_FRAME,
    "a ping of 125 bytes": frame(b"x" * 125, PING) + PING_FRAME,
    "members that nobody knows": frame('{"id":7,"t":"ping","$where":"1","a.b":{"c":[]},"__proto__":{}}'),
    "a character cut by pieces": frame(b'{"id":7,"t":"ping","x":"\xe2', TEXT, 0) + frame(b'\x82\xac"}', CONTINUATION),
    "as large as may be": frame('{"id":7,"t":"ping","x":"' + "x" * (FRAME_MAX - 26) + '"}'),
    "the largest number": frame('{"id":7,"t":"ping","x":9223372036854775807}'),
    "spaces": frame(' \t\r\n{ "id" : 7 , "t" : "ping" } '),
    "an escaped type": frame('{"id":7,"t":"\\u0070ing"}'),
}
NO_UPGRADE = {
    "another path": handshake("/v1/wss"),
    "the root": handshake("/"),
    "a longer path": handshake("/v1/ws/"),
    "POST": handshake(method="POST"),
    "no Upgrade": handshake(without=("Upgrade",)),
    "another Upgrade": handshake(Upgrade="h2c"),
    "no key": handshake(without=("Sec-WebSocket-Key",)),
    "version 8": handshake(Sec_WebSocket_Version="8"),
    "no version": handshake(without=("Sec-WebSocket-Version",)),
    "another subprotocol": handshake(Sec_WebSocket_Protocol="chat.v9"),
    "20 KB of header": handshake(X_Padding="x" * 20000),
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}
KEPT = {
    "keys of stores": '{"$where":"sleep(1)","a.b":1}',
    "operators": '$ne $gt {"$regex":".*"}',
    "SQL": "'; DROP TABLE users; --",
    "HTML": "<script>alert(1)</script>",
    "control characters": "\u0001\u001b[31m\u007f\u0085",
    "line ends": "a\r\nb\u2028c\u2029d",
    "other directions": "\u202eabc\u202c \u200f\u061c",
    "no width": "\u200b\u200d\ufeff\u2060",
    "beyond the BMP": "😀🏳️‍🌈𝒳\U0010ffff",
    "non-characters": "\ufffe\uffff\ufdd0",
    "combining": "Z" + "\u0301" * 1000,
    "the longest": "ä" * (BODY_MAX // 2),
    "backslashes": '\\u0000 \\" \\\\ \\/',
    "format strings": "%s%n%x %(x)s {0} ${jndi:ldap://x} #{x}",
    "spaces alone": " \t ",
}


# ---- the scene: two people and a chat, for as long as their tokens live ----


class Scene:
    _now, _since = None, 0.0

    def __init__(self, ada, bob, chat_id):
        self.ada, self.bob, self.chat_id = ada, bob, chat_id

    @classmethod
    async def of(cls, people):
        if cls._now is None or time.monotonic() - cls._since > SCENE_SECONDS:
            ada, bob = await people.join("Ada", "Bob")
            chat = await ada.make_group("Edge", bob)
            cls._now, cls._since = cls(ada, bob, chat["chat_id"]), time.monotonic()
        scene = cls._now
        scene.ada.api = scene.bob.api = people.api
        return scene

    def bytes_of(self, data):
        return frame(data.replace(CHAT, self.chat_id)) if isinstance(data, str) else data

    async def signed_in(self, url):
        """A new client of the gateway, served."""
        socket = await RawSocket.open(url)
        await socket.say(id=1, t="auth", token=self.ada.token)
        await socket.expect(lambda one: one.get("re") == 1 and one["ok"])
        return socket

    async def listen(self, people, url):
        self.listener, self.speaker = await people.connect(self.bob, url), await people.connect(self.ada, url)

    async def still_delivers(self):
        """The next message in the chat is the next one that its other member gets."""
        seen, text = len(self.listener.frames), f"still here {uuid.uuid4()}"
        reply, outcome = await self.speaker.say(self.chat_id, text)
        assert reply["ok"] and outcome["t"] == "persisted", reply.body
        heard = await self.listener.expect(lambda one: one.get("t") == "message", since=seen)
        assert heard["message"]["body"] == text


async def play(people, url, cases, act):
    """act(scene, case) for each; all that go wrong are told, not only the first."""
    scene, wrong = await Scene.of(people), []
    await scene.listen(people, url)
    for name, case in cases.items():
        try:
            await act(scene, case)
            await scene.still_delivers()
        except Exception as fault:
            wrong.append(f"{name}: {fault!r}")
    assert not wrong, "\n".join(wrong)


async def play_at_once(people, url, cases, act):
    """The same for what has to be waited for: all wait at the same time."""
    scene = await Scene.of(people)
    await scene.listen(people, url)
    ends = await asyncio.gather(*(act(scene, case) for case in cases.values()), return_exceptions=True)
    await scene.still_delivers()
    wrong = [f"{name}: {end!r}" for name, end in zip(cases, ends) if end is not None]
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def url(gateways):
    return gateways[0]


def kind_of(name):
    return name.replace(".", " ").replace(" without", "").split(" ")[0]


REFUSED_BY_KIND = {kind: {name: case for name, case in REFUSED.items() if name not in STRANGE and kind_of(name) == kind} for kind in GOOD}


@pytest.mark.parametrize("cases", [*REFUSED_BY_KIND.values(), STRANGE], ids=[*REFUSED_BY_KIND, "strange"])
async def test_a_frame_that_breaks_a_rule_gets_an_error_and_changes_nothing(people, url, cases):
    async def act(scene, case):
        socket = await scene.signed_in(url)
        await socket.write(scene.bytes_of(case.text))
        answer = await socket.expect(lambda one: one.get("t") in ("error", "accepted") or one.get("re") == 7)
        assert answer.get("t") == "error" and answer["code"] in case.codes, answer
        assert answer["retryable"] is False
        assert not case.re or (answer["re"] == 7 and answer["ok"] is False)
        await socket.write(frame('{"id":8,"t":"ping"}'))
        await socket.expect(lambda one: one.get("t") == "pong" and one["re"] == 8)
        await socket.close()

    await play(people, url, cases, act)


async def test_what_breaks_the_protocol_ends_the_connection(people, url):
    async def act(scene, case):
        socket = await scene.signed_in(url)
        await socket.write(case.data)
        assert await socket.expect_close() in case.codes, f"closed with {socket.close_code}"
        await socket.close()

    await play(people, url, ENDED, act)


async def test_nothing_is_done_for_strangers(people, url):
    async def act(scene, case):
        socket = await RawSocket.open(url)
        await socket.write(case.data.replace(CHAT.encode(), scene.chat_id.encode()))
        assert await socket.expect_close() in case.codes, f"closed with {socket.close_code}"
        await socket.close()

    await play_at_once(people, url, BEFORE_AUTH, act)


async def test_what_is_odd_but_allowed_is_served(people, url):
    async def act(scene, data):
        socket = await scene.signed_in(url)
        await socket.write(data)
        await socket.expect(lambda one: one.get("t") == "pong" and one["re"] == 7)
        await socket.write(frame(b"still here", PING))
        await socket.expect_pong(b"still here")
        await socket.close()

    await play(people, url, FINE, act)


async def test_what_is_no_handshake_is_not_upgraded(people, url):
    async def act(scene, request):
        socket = await RawSocket.connect(url)
        status = await socket.upgrade(request)
        assert status is None or 400 <= status < 500 or status == 505, status
        await socket.close()

    await play(people, url, NO_UPGRADE, act)


async def test_there_is_no_echo_unless_it_is_asked_for(fleet):
    with fleet.another("websocket-gateway-1", echo_endpoint="false") as gateway:
        socket = await RawSocket.connect(f"ws://127.0.0.1:{gateway.port}/v1/echo")
        assert await socket.upgrade(handshake("/v1/echo")) != 101
        await socket.close()


async def test_text_that_is_allowed_comes_back_as_it_was(people, url):
    async def act(scene, body):
        seen = len(scene.listener.frames)
        _, outcome = await scene.speaker.say(scene.chat_id, body)
        heard = await scene.listener.expect(lambda one: one.get("t") == "message", since=seen)
        assert heard["message"]["body"] == body
        stored = await scene.bob.get(f"/v1/messages/{outcome['message_id']}")
        assert stored["body"] == body

    await play(people, url, KEPT, act)


def test_there_are_enough_cases():
    assert sum(len(cases) for cases in REFUSED_BY_KIND.values()) + len(STRANGE) == len(REFUSED)
    assert len(REFUSED) + len(ENDED) + len(BEFORE_AUTH) + len(FINE) + len(NO_UPGRADE) + len(KEPT) >= 200
