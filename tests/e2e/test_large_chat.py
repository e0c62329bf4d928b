"""A chat of 100,000 messages costs its readers what a short one costs: the same chat, asked the same at 1,000 messages
and at 100,000, has PostgreSQL (behind FerretDB) read as many rows, and scan neither the log nor the timeline.

CHAT_LARGE_CHAT=20000 makes a smaller one; how many it was is printed.
"""

import asyncio
import os
import statistics
import subprocess
import time
import uuid

import pytest
from client import fields_of

SHORT, LONG = 1000, int(os.environ.get("CHAT_LARGE_CHAT", "100000"))
WINDOW = 400  # unanswered sends
ROUNDS = 10  # of each question
QUIET_SECONDS = 11  # an idle backend tells its counters after 10 s
QUIET_DEADLINE_SECONDS = 90
# A page of 50 may touch a bucket of 64 more or less, depending on where it begins.
SLACK_ROWS, SLACK = 200, 1.5
TABLES = ("messages", "changes", "receipts", "chat_heads", "hidden", "reactions")
SCANNED = ("messages", "changes")  # what grows with the chat
COUNTERS = """
    SELECT split_part(relname, '_', 1), sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)), sum(seq_scan)
    FROM pg_stat_user_tables WHERE schemaname = 'message_service' GROUP BY 1
"""


def counters():
    """{collection: (rows read, sequential scans)} since the beginning."""
    uri, _, _ = os.environ["CHAT_TEST_POSTGRES_URI"].rpartition("/")
    command = ["psql", "-XAtq", "-F", " ", "-c", COUNTERS, f"{uri}/ferretdb"]
    rows = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.splitlines()
    names = {name.partition("_")[0]: name for name in TABLES}
    found = {names[row.split()[0]]: tuple(map(int, row.split()[1:])) for row in rows if row.split()[0] in names}
    assert set(SCANNED) <= set(found), f"FerretDB's tables are not found: {rows}"
    return found


async def quiet_counters():
    """When nothing has been counted for a while."""
    deadline, since, last = time.monotonic() + QUIET_DEADLINE_SECONDS, time.monotonic(), None
    while time.monotonic() - since < QUIET_SECONDS:
        assert time.monotonic() < deadline, "PostgreSQL's counters do not come to rest: somebody else works here"
        now = await asyncio.to_thread(counters)
        if now != last:
            since, last = time.monotonic(), now
        await asyncio.sleep(0.5)
    return last


class Cost:
    def __init__(self, before, after, seconds):
        self.rows = sum(after[name][0] - before[name][0] for name in after) / ROUNDS
        self.scans = {name: after[name][1] - before[name][1] for name in SCANNED if after[name][1] != before[name][1]}
        self.milliseconds = statistics.median(seconds) * 1000

    def __str__(self):
        return f"{self.rows:6.0f} rows, {self.milliseconds:5.1f} ms"


async def cost_of(person, path, params):
    before, seconds = await quiet_counters(), []
    for _ in range(ROUNDS):
        began = time.monotonic()
        await person.get(path, **params)
        seconds.append(time.monotonic() - began)
    return Cost(before, await quiet_counters(), seconds)


def questions(chat_id, head, message_id):
    """Where in the chat may make a difference: at its beginning, in the middle, at its end."""
    history, changes = f"/v1/chats/{chat_id}/messages", f"/v1/chats/{chat_id}/changes"
    return {
        "history, newest": (history, {}),
        "history, middle": (history, {"before_seq": head // 2}),
        "history, beginning": (history, {"after_seq": 0}),
        "history, around": (history, {"around_seq": head // 2}),
        "changes, beginning": (changes, {"after_rev": 0}),
        "changes, middle": (changes, {"after_rev": head // 2}),
        "changes, end": (changes, {"after_rev": head - 20}),
        "chat list with unread": ("/v1/chats", {}),
        "one message": (f"/v1/messages/{message_id}", {}),
        "receipts": (f"/v1/messages/{message_id}/receipts", {}),
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


async def measure(person, chat_id, message_id):
    head = (await person.get(f"/v1/chats/{chat_id}/messages", limit=1))["items"][0]["seq"]
    asked = questions(chat_id, head, message_id)
    return {name: await cost_of(person, *question) for name, question in asked.items()}


@pytest.mark.long(seconds=3600)
async def test_a_long_chat_costs_what_a_short_one_costs(people):
    ada, grace = await people.join("Ada", "Grace")
    chat_id = (await ada.make_group("A long story", grace))["chat_id"]
    fields_of(await grace.call("PUT", f"/v1/chats/{chat_id}/me", {"notify": "none"}), 200)  # rows of theirs are not counted here
    message_id = fields_of(await ada.say(chat_id, "it begins"), 201)["message_id"]
    socket = await people.connect(ada)

    await fill(socket, chat_id, SHORT)
    await ada.refresh()
    short = await measure(ada, chat_id, message_id)
    began = time.monotonic()
    for _ in range(0, LONG - SHORT, 20000):  # an access token lives 10 minutes
        await fill(socket, chat_id, min(20000, LONG - SHORT))
        await ada.refresh()
        assert (await socket.request("refresh", token=ada.token)).get("ok")
    print(f"\n{LONG} messages, the last {LONG - SHORT} in {time.monotonic() - began:.0f} s")
    long = await measure(ada, chat_id, message_id)

    for name in short:
        print(f"  {name:24} {short[name]} -> {long[name]} {long[name].scans or ''}")
    grown = [name for name in short if long[name].rows > short[name].rows * SLACK + SLACK_ROWS]
    assert not grown, f"these read more rows in a long chat: {grown}"
    scanned = {name: cost.scans for name, cost in long.items() if cost.scans}
    assert not scanned, f"these scan a whole table: {scanned}"
