"""A chat of 100,000 messages costs its people what a short one costs: the same chat, asked and written to in the same ways at
1,000 messages and at 100,000, has PostgreSQL (behind FerretDB) read as many rows, scan no collection that is large, and
answer no query slowly.

CHAT_LARGE_CHAT=20000 makes a smaller one; how many it was is printed.
"""

import asyncio
import os
import re
import statistics
import subprocess
import time
import uuid
from dataclasses import dataclass

import pytest
from client import fields_of
from fleet import slowness
from stores import SCHEMAS, ferretdb

SHORT, LONG = 1000, int(os.environ.get("CHAT_LARGE_CHAT", "100000"))
WINDOW = 400  # unanswered sends
ROUNDS = 10  # of each question
QUIET_SECONDS = 11  # an idle backend tells its counters after 10 s
QUIET_DEADLINE_SECONDS = 90
# A page of 50 may touch a bucket of 64 more or less, depending on where it begins.
SLACK_ROWS, SLACK = 200, 1.5
# What is read for one question. Not what sweeps look at all the time: that never comes to rest.
COUNTED = (
    *("message_service." + name for name in ("messages", "changes", "receipts", "chat_heads", "hidden", "reactions", "mentions")),
    *("chat_service." + name for name in ("chats", "memberships", "chat_activity")),
    *("notification_service." + name for name in ("notifications", "delivery_log")),
)
LARGE_ROWS = 900  # fewer than SHORT; what is smaller PostgreSQL scans rather than use an index
SLOW_MS = 100  # for one statement, on a machine that is not busy
COUNTERS = """
    SELECT schemaname || '.' || regexp_replace(relname, '_[0-9a-f]{8}$', ''),
           coalesce(idx_tup_fetch, 0), coalesce(seq_tup_read, 0), seq_scan, n_live_tup
    FROM pg_stat_user_tables WHERE schemaname = ANY (string_to_array('%s', ','))
""" % ",".join(SCHEMAS)
DURATION = re.compile(r"duration: ([0-9.]+) ms +(.*)")


def sql(*statements):
    words = [word for statement in statements for word in ("-c", statement)]
    command = ["psql", "-XAtq", "-F", " ", *words, ferretdb()]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.splitlines()


@dataclass(frozen=True)
class Counted:
    """Of one collection, since the beginning; the last one: how many rows there are."""

    fetched: int
    scanned: int
    scans: int
    rows: int


def counters():
    """{collection: Counted}"""
    rows = [row.split() for row in sql(COUNTERS)]
    found = {name: Counted(*map(int, numbers)) for name, *numbers in rows}
    assert set(COUNTED) <= set(found), f"FerretDB's tables are not found: {sorted(found)}"
    return found


def counted():
    return {name: value for name, value in counters().items() if name in COUNTED}


async def quiet_counters():
    """When nothing has been counted for a while."""
    deadline, since, last = time.monotonic() + QUIET_DEADLINE_SECONDS, time.monotonic(), None
    while time.monotonic() - since < QUIET_SECONDS:
        assert time.monotonic() < deadline, "PostgreSQL's counters do not come to rest: somebody else works here"
        now = await asyncio.to_thread(counted)
        if now != last:
            since, last = time.monotonic(), now
        await asyncio.sleep(0.5)
    return last


def slow_statements(fleet):
    """A function that tells what took PostgreSQL longer than SLOW_MS from now on: [(milliseconds, statement)]."""
    assert sql("SHOW log_min_duration_statement") == [f"{SLOW_MS}ms"]
    log = fleet.logs / "postgres.log"
    begin = log.stat().st_size

    def slow():
        with open(log, "rb") as file:
            file.seek(begin)
            lines = DURATION.findall(file.read().decode(errors="replace"))
        return [(float(ms), text) for ms, text in lines if any(f'"{schema}".' in text for schema in SCHEMAS)]

    return slow


def rows_read(before, after):
    """What scans of a small collection read depends on nothing that is asked here."""
    scanned = after.scanned - before.scanned if after.rows > LARGE_ROWS else 0
    return after.fetched - before.fetched + scanned


class Cost:
    def __init__(self, before, after, seconds):
        self.rows = sum(rows_read(before[name], after[name]) for name in after) / ROUNDS
        self.milliseconds = statistics.median(seconds) * 1000

    def __str__(self):
        return f"{self.rows:6.0f} rows, {self.milliseconds:5.1f} ms"


async def cost_of(ask, before):
    """The cost, and the counters afterwards."""
    seconds = []
    for turn in range(ROUNDS):
        began = time.monotonic()
        await ask(turn)
        seconds.append(time.monotonic() - began)
    after = await quiet_counters()
    return Cost(before, after, seconds), after


def reads(person, chat_id, head, message_id, cursor):
    """Where in the chat may make a difference: at its beginning, in the middle, at its end."""
    history, changes = f"/v1/chats/{chat_id}/messages", f"/v1/chats/{chat_id}/changes"
    paths = {
        "history, newest": (history, {}),
        "history, middle": (history, {"before_seq": head // 2}),
        "history, beginning": (history, {"after_seq": 0}),
        "history, around": (history, {"around_seq": head // 2}),
        "pinned": (history, {"pinned": "true"}),
        "changes, beginning": (changes, {"after_rev": 0}),
        "changes, middle": (changes, {"after_rev": head // 2}),
        "changes, end": (changes, {"after_rev": head - 20}),
        "chat list with unread": ("/v1/chats", {}),
        "changes of the chat list": ("/v1/chats/changes", {"cursor": cursor}),
        "one message": (f"/v1/messages/{message_id}", {}),
        "its versions": (f"/v1/messages/{message_id}/history", {}),
        "receipts": (f"/v1/messages/{message_id}/receipts", {}),
        "notifications": ("/v1/notifications", {}),
    }
    return {name: lambda _, path=path, params=params: person.get(path, **params) for name, (path, params) in paths.items()}


def writes(person, other, chat_id, ids):
    """ids: of messages of that person, one for each round."""

    async def must(method, path, body=None, **headers):
        fields_of(await person.call(method, path, body, headers=headers))

    async def send(turn, **fields):
        body = {"type": "text", "body": f"round {turn}"} | fields
        await must("POST", f"/v1/chats/{chat_id}/messages", body, **{"Idempotency-Key": str(uuid.uuid4())})

    async def read(_):
        head = (await person.get(f"/v1/chats/{chat_id}/messages", limit=1))["items"][0]["seq"]
        fields_of(await other.call("POST", f"/v1/chats/{chat_id}/read", {"seq": head}))

    return {
        "send": send,
        "send, mentioning": lambda turn: send(turn, mentions=[other.user_id]),
        "send, expiring": lambda turn: send(turn, ttl_s=86400),
        "edit": lambda turn: must("PATCH", f"/v1/messages/{ids[turn]}", {"body": f"edited {turn}"}),
        "react": lambda turn: must("PUT", f"/v1/messages/{ids[turn]}/reactions/ok"),
        "pin": lambda turn: must("PUT", f"/v1/messages/{ids[turn]}/pin"),
        "unpin": lambda turn: must("DELETE", f"/v1/messages/{ids[turn]}/pin"),
        "read": read,
        "delete": lambda turn: must("DELETE", f"/v1/messages/{ids[turn]}"),
        "delete for oneself": lambda turn: must("DELETE", f"/v1/messages/{ids[turn]}?scope=me"),
    }


async def fill(socket, chat_id, count):
    """So many messages more, as fast as they are stored."""
    seen = len(socket.frames)
    for start in range(0, count, WINDOW):
        part = min(WINDOW, count - start)
        for index in range(part):
            body = f"line {start + index} of many, as long as people's lines are"
            await socket.send("send", chat_id=chat_id, client_msg_id=str(uuid.uuid4()), body=body)
        stored = 0
        while stored < part:
            frames = await asyncio.wait_for(socket.frames_from(seen), 60)
            assert frames, "the socket was closed"
            assert not [one for one in frames if one.get("ok") is False or one.get("t") == "rejected"]
            seen, stored = seen + len(frames), stored + sum(one.get("t") == "persisted" for one in frames)
        del socket.frames[:]
        seen = 0


async def measure(person, other, chat_id, message_id):
    newest = (await person.get(f"/v1/chats/{chat_id}/messages", limit=ROUNDS + 5))["items"]
    ids = [one["message_id"] for one in newest if one["type"] == "text" and not one["deleted"]][:ROUNDS]
    cursor = (await person.get("/v1/chats"))["changes_cursor"]
    asked = reads(person, chat_id, newest[0]["seq"], message_id, cursor) | writes(person, other, chat_id, ids)
    costs, counters_now = {}, await quiet_counters()
    for name, ask in asked.items():
        for one in (person, other):  # an access token lives 10 minutes
            await one.refresh()
        costs[name], counters_now = await cost_of(ask, counters_now)
    return costs


def large_scans(before, after):
    """{collection: full scans} of those that are large."""
    scans = {name: value.scans - before[name].scans for name, value in after.items() if value.rows > LARGE_ROWS}
    return {name: count for name, count in scans.items() if count}


@pytest.mark.long(seconds=5400)
async def test_a_long_chat_costs_what_a_short_one_costs(people, fleet):
    ada, grace = await people.join("Ada", "Grace")
    chat_id = (await ada.make_group("A long story", grace))["chat_id"]
    # Those that Grace gets are no part of what a send costs; that there are some is.
    fields_of(await grace.call("PUT", f"/v1/chats/{chat_id}/me", {"notify": "mentions"}), 200)
    message_id = fields_of(await ada.say(chat_id, "it begins"), 201)["message_id"]
    socket = await people.connect(ada)

    await fill(socket, chat_id, SHORT)
    short = await measure(ada, grace, chat_id, message_id)
    began = time.monotonic()
    assert (await socket.request("refresh", token=ada.token)).get("ok")
    for _ in range(0, LONG - SHORT, 20000):
        await fill(socket, chat_id, min(20000, LONG - SHORT))
        await ada.refresh()
        assert (await socket.request("refresh", token=ada.token)).get("ok")
    print(f"\n{LONG} messages, the last {LONG - SHORT} in {time.monotonic() - began:.0f} s")
    await quiet_counters()
    before = await asyncio.to_thread(counters)
    slow_since = slow_statements(fleet)
    long = await measure(ada, grace, chat_id, message_id)
    slow, after = slow_since(), await asyncio.to_thread(counters)

    for name in short:
        print(f"  {name:24} {short[name]} -> {long[name]}")
    print(f"  large: {sorted(name for name, value in after.items() if value.rows > LARGE_ROWS)}; slower than {SLOW_MS} ms: {slow}")
    assert after["message_service.messages"].rows > LARGE_ROWS, "the chat is not long"
    limit = SLOW_MS * slowness()
    problems = {
        "these read more rows in a long chat": [n for n in short if long[n].rows > short[n].rows * SLACK + SLACK_ROWS],
        "these are scanned as a whole": large_scans(before, after),
        f"these took longer than {limit:.0f} ms": [one for one in slow if one[0] > limit],
    }
    assert not any(problems.values()), problems
