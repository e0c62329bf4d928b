"""A client of the public API: REST, and a WebSocket that remembers every frame and when it came."""

import asyncio
import json
import re
import time
import uuid
from dataclasses import dataclass

import httpx
import websockets
from documented import judge_answer, judge_frame
from secrecy import USED
from websockets.asyncio.client import connect

SUBPROTOCOL = "chat.v1"
CODE = re.compile(r"\b(\d{6})\b")
PATIENCE = 30  # seconds until a test gives up waiting; sanitizers make everything slow


async def _read_and_judge(answer):
    await answer.aread()
    judge_answer(answer)


def http_client(base_url="", invented=False):
    """For requests to the API: each answer is compared with docs/openapi, unless it is invented by the test."""
    hooks = {"response": [] if invented else [_read_and_judge]}
    return httpx.AsyncClient(base_url=base_url, timeout=PATIENCE, trust_env=False, event_hooks=hooks)


class Api:
    """HTTP without any interpretation: an answer is an answer, whatever its status. `invented`: the test itself stands
    in for a service, and makes up what is answered."""

    def __init__(self, base_url, invented=False):
        self.base_url = base_url
        self._http = http_client(base_url, invented=invented)

    async def call(self, method, path, body=None, token=None, headers=None, **options):
        sent = dict(headers or {})
        if token:
            sent["Authorization"] = f"Bearer {token}"
            USED.note("token", token)
        if body is not None:
            options["json"] = body
            USED.note_all(body)
        answer = await self._http.request(method, path, headers=sent, **options)
        USED.note_json(answer.content)
        return answer

    async def close(self):
        await self._http.aclose()


def fields_of(answer, *statuses):
    """The JSON of an answer that must have one of these statuses (any 2xx when none is given)."""
    good = answer.status_code in statuses if statuses else answer.is_success
    assert good, f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:400]}"
    return answer.json() if answer.content else None


class Person:
    """Somebody with an account and one device."""

    def __init__(self, api, mailpit_url, name):
        unique = uuid.uuid4().hex[:10]
        self.api, self.name, self._mailpit = api, name, mailpit_url
        self.handle = f"{name.lower()}_{unique}"
        self.email = f"{self.handle}@example.org"
        self.password = f"a long pass phrase {unique}"
        self.device_id = f"device-{unique}"
        self.user_id = self.token = self.refresh_token = self.session_id = None
        self.verification_id = self.device_token = None

    def __repr__(self):
        return self.handle

    async def join(self):
        """Register, get the code by mail, verify, log in."""
        body = {"email": self.email, "password": self.password, "handle": self.handle, "display_name": self.name}
        self.asked(await self._patiently("/v1/auth/register", body))
        fields_of(await self._patiently("/v1/auth/otp/verify", self.with_code(await self.mailed_code())))
        await self.log_in()
        return self

    def asked(self, answer):
        """Remembers by which id the code that was asked for is good."""
        self.verification_id = fields_of(answer, 202)["verification_id"]

    def with_code(self, code):
        return {"verification_id": self.verification_id, "email": self.email, "code": code}

    async def log_in(self):
        body = {"email": self.email, "password": self.password, "device_id": self.device_id, "device_name": "test"}
        if self.device_token:
            body["device_token"] = self.device_token
        tokens = fields_of(await self._patiently("/v1/auth/login", body), 200)
        self.device_token = tokens["device_token"]
        self.token, self.refresh_token = tokens["access_token"], tokens["refresh_token"]
        self.user_id, self.session_id = tokens["user_id"], tokens["session_id"]

    async def refresh(self):
        body = {"refresh_token": self.refresh_token, "device_id": self.device_id}
        tokens = fields_of(await self._patiently("/v1/auth/refresh", body), 200)
        self.token, self.refresh_token = tokens["access_token"], tokens["refresh_token"]

    async def log_out(self):
        body = {"refresh_token": self.refresh_token}
        fields_of(await self.api.call("POST", "/v1/auth/logout", body, self.token), 204)

    async def mailed_code(self):
        async with httpx.AsyncClient(base_url=self._mailpit, timeout=PATIENCE, trust_env=False) as mailpit:
            async for _ in attempts(f"a mail to {self.email}"):
                found = (await mailpit.get("/api/v1/search", params={"query": f"to:{self.email}"})).json()
                if found["messages"]:
                    mail = (await mailpit.get(f"/api/v1/message/{found['messages'][0]['ID']}")).json()
                    code = CODE.search(mail["Text"]).group(1)
                    USED.note("code", code)
                    return code

    async def get(self, path, **params):
        return fields_of(await self.call("GET", path, params=params))

    async def post(self, path, body, *statuses, headers=None):
        return fields_of(await self.call("POST", path, body, headers=headers), *statuses)

    async def call(self, method, path, body=None, **options):
        return await self.api.call(method, path, body, self.token, **options)

    async def make_group(self, title, *others):
        body = {"title": title, "member_ids": [one.user_id for one in others]}
        return await self.post("/v1/chats", body, 201)

    async def say(self, chat_id, body, key=None):
        """Over REST. The answer, for its status."""
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        message = {"type": "text", "body": body}
        return await self.call("POST", f"/v1/chats/{chat_id}/messages", message, headers=headers)

    async def history(self, chat_id, limit=200):
        """The whole of it, ascending, page by page."""
        messages, after = [], 0
        while True:
            page = (await self.get(f"/v1/chats/{chat_id}/messages", after_seq=after, limit=limit))["items"]
            messages += page
            if len(page) < limit:
                return messages
            after = page[-1]["seq"]

    async def _patiently(self, path, body):
        """As a well-behaved client: told to come back later, or not told in time, it asks again."""
        async for _ in attempts(f"POST {path}", seconds=120, pause=0):
            answer = await self.api.call("POST", path, body)
            if answer.status_code not in (429, 503, 504):
                return answer
            await asyncio.sleep(float(answer.headers.get("Retry-After", 1)))


@dataclass(frozen=True)
class Frame:
    at: float  # monotonic seconds
    body: dict

    def __getitem__(self, key):
        return self.body[key]

    def get(self, key, other=None):
        return self.body.get(key, other)


class Socket:
    """One WebSocket. A task of its own reads and records; waiting looks at the record."""

    def __init__(self, connection):
        self.connection = connection
        self.frames = []
        self.close_code = None
        self._ids, self._asked = 0, {}  # the last id; the type of each request
        self._news = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, url, person=None, resume=None, **options):
        """Connected, greeted, and, with a person, authenticated."""
        options = {"proxy": None, "open_timeout": PATIENCE, "max_size": 2**24} | options
        connection = await connect(url, subprotocols=[SUBPROTOCOL], **options)
        socket = cls(connection)
        await socket.expect(lambda frame: frame.get("t") == "hello")
        if person:
            await socket.authenticate(person, resume)
        return socket

    async def authenticate(self, person, resume=None):
        cursors = {"resume": {"cursors": resume}} if resume else {}
        await self.send("auth", token=person.token, device_id=person.device_id, **cursors)
        return await self.expect(lambda frame: frame.get("t") == "ready")

    @property
    def node(self):
        return self.frames[0]["node"]

    def new_id(self):
        self._ids += 1
        return self._ids

    async def send(self, kind, number=None, **fields):
        """Sends a frame with an id of its own, which is returned."""
        number = number or self.new_id()
        self._asked[number] = kind
        USED.note_all(fields)
        await self.connection.send(json.dumps({"id": number, "t": kind, **fields}))
        return number

    async def request(self, kind, **fields):
        """The reply to it."""
        number = await self.send(kind, **fields)
        return await self.expect(lambda frame: frame.get("re") == number)

    async def say(self, chat_id, body, client_msg_id=None):
        """(reply, outcome): the outcome is None when the reply was an error."""
        client_msg_id = client_msg_id or str(uuid.uuid4())
        seen = len(self.frames)
        reply = await self.request("send", chat_id=chat_id, client_msg_id=client_msg_id, type="text", body=body)
        if not reply.get("ok"):
            return reply, None
        return reply, await self.outcome(client_msg_id, since=seen)

    async def outcome(self, client_msg_id, since=0):
        return await self.expect(
            lambda frame: frame.get("t") in ("persisted", "rejected") and frame["client_msg_id"] == client_msg_id,
            since=since,
        )

    async def expect(self, wanted, seconds=PATIENCE, since=0):
        """The first frame from place `since` on for which wanted(frame); waits for it."""
        deadline = time.monotonic() + seconds
        async with self._news:
            while True:
                for frame in self.frames[since:]:
                    if wanted(frame):
                        return frame
                since = len(self.frames)
                if self.close_code is not None:
                    raise AssertionError(f"closed with {self.close_code} before the awaited frame; {self._last()}")
                await self._news_until(deadline)

    async def expect_close(self, seconds=PATIENCE):
        deadline = time.monotonic() + seconds
        async with self._news:
            while self.close_code is None:
                await self._news_until(deadline)
        return self.close_code

    async def frames_from(self, place):
        """What came from this place on, at least one frame; none once it is closed and all are read."""
        async with self._news:
            while place == len(self.frames) and self.close_code is None:
                await self._news.wait()
            return self.frames[place:]

    def all(self, kind):
        return [frame for frame in self.frames if frame.get("t") == kind]

    async def close(self):
        await self.connection.close()
        await self._reader

    async def _news_until(self, deadline):
        try:
            await asyncio.wait_for(self._news.wait(), max(0.001, deadline - time.monotonic()))
        except TimeoutError:
            raise AssertionError(f"the awaited frame did not come; {self._last()}") from None

    def _last(self):
        return "the last ones: " + "; ".join(json.dumps(frame.body)[:160] for frame in self.frames[-4:])

    async def _read(self):
        try:
            async for text in self.connection:
                frame = Frame(time.monotonic(), json.loads(text))
                judge_frame(frame.body, self._asked.get(frame.get("re")))
                await self._record(frame)
        except websockets.ConnectionClosed:
            pass
        async with self._news:
            self.close_code = self.connection.close_code or 1006
            self._news.notify_all()

    async def _record(self, frame):
        async with self._news:
            self.frames.append(frame)
            self._news.notify_all()


async def attempts(what, seconds=PATIENCE, pause=0.05):
    """`async for _ in attempts("..."):` polls until the body returns; fails at the deadline."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        await asyncio.sleep(pause)
    raise AssertionError(f"{what}: not within {seconds} s")
