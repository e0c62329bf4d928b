"""Many people who talk at once and do not give up: each resends what was not accepted, on another gateway if need be.

A talker behaves as the protocol asks of a client: its own client_msg_id, stored before sending; the same one again
after an error or a lost connection; a pause before it reconnects; resuming from the last rev it saw.
"""

import asyncio
import random
import time
import uuid
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field

import websockets
from client import PATIENCE, Socket, attempts, fields_of
from invariants import ACCEPTED, Evidence, check

WINDOW = 24  # unanswered sends of one talker
SLOWEST_RECONNECT = 1.0
SILENCE_SECONDS = 60  # message.timeout.ms is 10 s; the rest is for slow machines


@dataclass
class Line:
    chat_id: str
    body: str
    client_msg_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    asked_at: float = 0.0


class Member:
    """Somebody on a socket, whichever: reconnects and resumes by itself, and keeps what it heard, in order."""

    def __init__(self, person, urls):
        self.person, self.urls = person, deque(urls)
        self.heard = []
        self.revs = {}  # chat_id: the last one seen
        self.reconnected_after = []  # seconds from each loss to `ready`
        self.reloads = 0  # of a chat whose changes did not all come by themselves
        self._socket = None
        self._limited = False
        self._stopping = False
        self._task = None

    async def start(self):
        await self._connect()
        self._task = asyncio.create_task(self._live())

    async def stop(self):
        self._stopping = True
        await self._socket.close()
        await self._task

    def cut(self):
        """Loses the connection without a word, as a network does; it comes back by itself."""
        self._socket.connection.transport.abort()

    async def show_token(self):
        """Tells the gateway, on this socket, the token that the person has now."""
        assert (await self._socket.request("refresh", token=self.person.token)).get("ok")

    async def _connect(self):
        self._socket = await Socket.open(self.urls[0], self.person, resume=self.revs)

    async def _live(self):
        while True:
            lost_at = await self._listen()
            if self._stopping:
                return
            await self._reconnect(lost_at)

    async def _reconnect(self, lost_at):
        pause = 0.05
        while True:
            self.urls.rotate(-1)
            try:
                await self._connect()
                self.reconnected_after.append(time.monotonic() - lost_at)
                return await self.on_reconnected()
            except (OSError, AssertionError, websockets.WebSocketException):
                await asyncio.sleep(random.uniform(0, pause))
                pause = min(SLOWEST_RECONNECT, pause * 2)

    async def _listen(self):
        """Takes frames until the connection is lost; returns when that was."""
        place = 0
        while frames := await self._socket.frames_from(place):
            for frame in frames:
                await self._catch_up(frame)
                self._take(frame)
            place += len(frames)
        return time.monotonic()

    async def _catch_up(self, frame):
        """What a gateway can't replay now it names when a resume ends; the client then reads it from history."""
        if frame.get("t") == "ready":
            self._limited = frame["resume"] == "limited"
        if frame.get("t") == "sync_done":
            for chat_id in {*frame["reload"], *(frame["cursors"] if self._limited else ())}:
                await self._reload(chat_id)

    async def _reload(self, chat_id):
        self.reloads += 1
        more = True
        while more:
            async for _ in attempts(f"changes of {chat_id}"):
                path = f"/v1/chats/{chat_id}/changes?after_rev={self.revs.get(chat_id, 0)}&limit=200"
                answer = await self.person.call("GET", path)
                if answer.status_code not in (429, 503, 504):
                    break
            page = fields_of(answer)
            for change in page["items"]:
                self.revs[chat_id] = change["rev"]
                if change["op"] in ("create", "system") and change["seq"]:
                    self.heard.append(change["message"] | {"chat_id": chat_id, "seq": change["seq"]})
            more = page["more"] and page["items"]

    def _take(self, frame):
        if "rev" in frame.body and "chat_id" in frame.body and frame.get("t") != "persisted":
            self.revs[frame["chat_id"]] = max(self.revs.get(frame["chat_id"], 0), frame["rev"])
        if frame.get("t") == "message":
            self.heard.append(frame["message"] | {"chat_id": frame["chat_id"], "seq": frame["seq"]})
        self.on_frame(frame)

    def on_frame(self, frame):
        pass

    async def on_reconnected(self):
        pass


class Talker(Member):
    def __init__(self, person, urls, ledger, lines, pause):
        super().__init__(person, urls)
        self.ledger, self.lines, self.pause = ledger, deque(lines), pause
        self.waiting = {}  # client_msg_id: Line without `accepted`
        self.stored_at = {}  # client_msg_id: when its outcome came
        self.accepted_at = {}
        self.waits = []  # seconds from each send to its `accepted`
        self.resent = 0
        self.refusals = Counter()  # code of an error reply: how often
        self.refused_at = []
        self._again = deque()
        self._asked = {}  # frame id on this socket: Line

    async def talk(self):
        """Says every line; returns when each of them was accepted."""
        while self.lines or self.waiting:
            await self._retry()
            if self.lines and len(self.waiting) < WINDOW:
                await self._say(self.lines.popleft())
                await asyncio.sleep(self.pause)
            else:
                self._complain_of_silence()
                await asyncio.sleep(0.02)

    async def settle(self, seconds=PATIENCE):
        """Until each accepted line has its outcome."""
        deadline = time.monotonic() + seconds
        while missing := set(self.accepted_at) - set(self.stored_at):
            assert time.monotonic() < deadline, f"{self.person} waits for the outcome of {len(missing)} messages"
            await asyncio.sleep(0.05)

    def _complain_of_silence(self):
        """Every send is answered within Kafka's message timeout, with `accepted` or an error."""
        before = time.monotonic() - SILENCE_SECONDS
        silent = [line for line in self._asked.values() if line.client_msg_id in self.waiting and line.asked_at < before]
        state = f"its socket is closed ({self._socket.close_code})" if self._socket.close_code else "its socket is open"
        assert not silent, f"{self.person}: {len(silent)} sends have no answer after {SILENCE_SECONDS} s; {state}"

    async def _say(self, line):
        self.waiting[line.client_msg_id] = line
        self.ledger.sent(self.person.user_id, line.chat_id, line.client_msg_id, line.body)
        line.asked_at = time.monotonic()
        message = {"chat_id": line.chat_id, "client_msg_id": line.client_msg_id, "type": "text", "body": line.body}
        number = self._socket.new_id()
        self._asked[number] = line
        try:
            await self._socket.send("send", number, **message)
        except websockets.ConnectionClosed:
            pass  # on_reconnected sends it again

    async def _retry(self):
        while self._again and time.monotonic() >= self._again[0][0]:
            _, line = self._again.popleft()
            self.resent += 1
            await self._say(line)

    async def on_reconnected(self):
        self._again.clear()
        self._asked.clear()
        for line in list(self.waiting.values()):
            self.resent += 1
            await self._say(line)

    def on_frame(self, frame):
        if frame.get("re") is not None:
            self._answered(frame)
        elif frame.get("t") in ("persisted", "rejected"):
            self.stored_at.setdefault(frame["client_msg_id"], frame.at)
            if frame["t"] == "rejected":
                self.ledger.rejected(self.person.user_id, frame["client_msg_id"])

    def _answered(self, frame):
        line = self._asked.pop(frame["re"], None)
        if line is None or line.client_msg_id not in self.waiting:
            return
        if frame.get("ok"):
            del self.waiting[line.client_msg_id]
            self.accepted_at[line.client_msg_id] = frame.at
            self.waits.append(frame.at - line.asked_at)
            self.ledger.accepted(self.person.user_id, line.client_msg_id, frame["message_id"])
        else:
            assert frame.get("retryable"), f"{self.person}: {frame.body}"
            self.refusals[frame.get("code")] += 1
            self.refused_at.append(line.asked_at)
            self.ledger.refused(self.person.user_id, line.client_msg_id)
            self._again.append((time.monotonic() + frame.get("retry_after_ms", 100) / 1000, line))


@dataclass
class Crowd:
    """Twenty people in fifty chats, and two who only listen, one on each gateway."""

    ledger: object
    talkers: list
    listeners: list
    members: dict  # chat_id: set of user ids

    @classmethod
    async def gather(cls, people, urls, ledger, person_count, chat_count, line_count, per_second):
        talkers = await people.join(*(f"Talker{number}" for number in range(person_count)))
        listeners = await people.join(*(f"Listener{number}" for number in range(len(urls))))
        members = await _make_chats(talkers, listeners, chat_count)
        lines = _lines(talkers, members, line_count)
        pause = person_count / per_second
        rotated = [urls[number % len(urls) :] + urls[: number % len(urls)] for number in range(person_count)]
        crowd = cls(
            ledger,
            [Talker(one, rotated[i], ledger, lines[one.user_id], pause) for i, one in enumerate(talkers)],
            [Member(one, rotated[i]) for i, one in enumerate(listeners)],
            members,
        )
        await asyncio.gather(*(one.start() for one in [*crowd.talkers, *crowd.listeners]))
        return crowd

    async def talk(self):
        await asyncio.gather(*(one.talk() for one in self.talkers))

    async def renew_tokens(self, per_second):
        """One person after the other: a new token by REST, told to the gateway on the open socket; yields each."""
        while True:
            for one in [*self.talkers, *self.listeners]:
                await asyncio.sleep(1 / per_second)
                await one.person.refresh()
                try:
                    await one.show_token()
                    yield one
                except (AssertionError, websockets.ConnectionClosed):
                    pass  # just cut: it signs in with the new one

    def hush(self):
        """Nobody begins another line."""
        for one in self.talkers:
            one.lines.clear()

    async def until_all_chats_were_heard(self):
        """From then on everybody has a rev of each chat to resume from, and may lose the connection."""
        async for _ in attempts("a message of each chat", seconds=120):
            if all(
                set(one.revs) >= {chat_id for chat_id, inside in self.members.items() if one.person.user_id in inside}
                for one in [*self.talkers, *self.listeners]
            ):
                return

    def count_accepted(self):
        return self.ledger.count(ACCEPTED)

    def refusals(self):
        """{code: how often}: error replies to sends that were then tried again."""
        return dict(sum((one.refusals for one in self.talkers), Counter()))

    def waiting_for_outcome(self):
        return sum(len(set(one.accepted_at) - set(one.stored_at)) for one in self.talkers)

    def stalled(self, moment):
        """[(talker, client_msg_id)] of what was accepted before that moment and has no outcome yet."""
        return [
            (one, key)
            for one in self.talkers
            for key, at in one.accepted_at.items()
            if at < moment and key not in one.stored_at
        ]

    async def until_stored(self, count, seconds):
        """Outcomes that were on their way through what died have nobody to go to; history tells: until it is still."""
        reader = self.listeners[0].person
        deadline, before, total = time.monotonic() + seconds, -1, 0
        while total != before or total < count:
            assert time.monotonic() < deadline, f"history has {total} of {count} messages"
            await asyncio.sleep(0.5)
            before, total = total, 0
            for chat_id in self.members:
                answer = await reader.call("GET", f"/v1/chats/{chat_id}/messages", params={"limit": 1})
                page = answer.json()["items"] if answer.status_code == 200 else []
                total += page[0]["seq"] - self.starts[chat_id] if page else 0

    async def evidence(self):
        """Reads every history as two people see it, and waits for the listeners to have heard it all."""
        evidence = Evidence(members=self.members)
        readers = [self.talkers[0].person, *(one.person for one in self.listeners[:1])]
        for chat_id, members in self.members.items():
            for reader in readers:
                if reader.user_id in members:
                    evidence.histories[reader.user_id, chat_id] = await reader.history(chat_id)
        total = sum(len(found) for (reader, _), found in evidence.histories.items() if reader == readers[1].user_id)
        await self._until_heard(total)
        for one in [*self.listeners, *self.talkers]:
            evidence.live[one.person.user_id] = one.heard
            for chat_id in self.members:  # what came before it listened is history to it
                evidence.listening_from[one.person.user_id, chat_id] = self.starts[chat_id]
        return evidence

    async def check(self):
        check(self.ledger, await self.evidence())

    async def remember_heads(self):
        """From here on everybody listens."""
        self.starts = {}
        reader = self.listeners[0].person
        for chat_id in self.members:
            page = (await reader.get(f"/v1/chats/{chat_id}/messages", limit=1))["items"]
            self.starts[chat_id] = page[0]["seq"] if page else 0

    async def _until_heard(self, total):
        deadline = time.monotonic() + PATIENCE
        wanted = total - sum(self.starts.values())
        while any(len({one["message_id"] for one in listener.heard}) < wanted for listener in self.listeners):
            if time.monotonic() > deadline:
                return  # the checker says what is missing
            await asyncio.sleep(0.1)

    async def leave(self):
        await asyncio.gather(*(one.stop() for one in [*self.talkers, *self.listeners]))


async def _make_chats(talkers, listeners, chat_count):
    """Each chat has four talkers, in turn, and all listeners."""
    members = {}
    for number in range(chat_count):
        inside = [talkers[(number + step * 5) % len(talkers)] for step in range(4)]
        chat = await inside[0].make_group(f"Chat {number}", *inside[1:], *listeners)
        members[chat["chat_id"]] = {one.user_id for one in [*inside, *listeners]}
    return members


def _lines(talkers, members, line_count):
    """{user_id: [Line, ...]}: everybody goes round their own chats."""
    chats = defaultdict(list)
    for chat_id, inside in members.items():
        for user_id in inside:
            chats[user_id].append(chat_id)
    lines = defaultdict(list)
    for number in range(line_count):
        person = talkers[number % len(talkers)]
        mine = chats[person.user_id]
        turn = len(lines[person.user_id])
        lines[person.user_id].append(Line(mine[turn % len(mine)], f"{person.name} says {turn}"))
    return lines
