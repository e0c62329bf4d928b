"""What pages cost a person with many chats, and readers of a very long chat: the REST API through the public port, one
request after the other on one connection. The same page of a chat with one page of messages stands beside it.
"""

import http.client
import json
import random
import time
import urllib.parse
import uuid

import setup
from chatdev import addresses
from chatdev.complaint import Complaint

CHATS = 500
LONG_CHAT, LONG_RATE = 100_000, 800  # messages, and how many of them a second
SHORT_CHAT = 50
REQUESTS, WARMUP_REQUESTS = 200, 20
GOAL = "p50 30"
SECONDS_LEFT = 600  # for what is not stored yet when the last message has been sent


class Reader:
    """One kept-alive connection of a person."""

    def __init__(self, url, person):
        where = urllib.parse.urlsplit(url)
        self._connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
        self._headers = {"Authorization": f"Bearer {person.token}"}

    def get(self, path):
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise Complaint(f"GET {path}: {answer.status} {text[:200]}")
        return json.loads(text)

    def milliseconds(self, path_of):
        """Sorted, of REQUESTS pages; path_of gives the path of the next one."""
        for _ in range(WARMUP_REQUESTS):
            self.get(path_of())
        spent = []
        for _ in range(REQUESTS):
            path, began = path_of(), time.perf_counter()
            self.get(path)
            spent.append((time.perf_counter() - began) * 1000)
        return sorted(spent)


def run(bench):
    api, mailpit = f"http://{bench.address('api-gateway-1')}", addresses.mailpit_url(bench.stack)
    people = ada, _ = setup.people_of(2, api, mailpit)
    (long_chat,) = setup.pair_up(people)
    many = [_short_chat(people, number) for number in range(CHATS - 1)]
    setup.write(bench.folder, "long", people, [long_chat])
    _fill(bench)
    reader = Reader(api, ada)
    _wait_until_stored(reader, long_chat["chat_id"])
    dice = random.Random(1)
    questions = {
        f"first page of {CHATS} chats": lambda: "/v1/chats?limit=50",
        f"newest page of {SHORT_CHAT} messages": lambda: _history(many[0]),
        f"newest page of {LONG_CHAT} messages": lambda: _history(long_chat["chat_id"]),
        f"any page of {LONG_CHAT} messages": lambda: _history(long_chat["chat_id"], dice.randrange(51, LONG_CHAT)),
    }
    for name, path_of in questions.items():
        spent = reader.milliseconds(path_of)
        bench.report.keep(f"page: {name}", spent)
        figures = f"{spent[len(spent) // 2]:.2f} / {spent[len(spent) * 99 // 100]:.2f}"
        bench.report.add(f"{name}, ms p50 / p99", figures, GOAL, bench.busy)


def _history(chat_id, before_seq=None):
    return f"/v1/chats/{chat_id}/messages?limit=50" + (f"&before_seq={before_seq}" if before_seq else "")


def _short_chat(people, number):
    (chat,) = setup.gather(people, len(people), number)
    for line in range(SHORT_CHAT if number == 0 else 1):
        _say(people[0], chat["chat_id"], f"line {line}")
    return chat["chat_id"]


def _say(person, chat_id, body):
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    setup.patiently(lambda: person.post(f"/v1/chats/{chat_id}/messages", {"type": "text", "body": body}, headers))


def _fill(bench):
    numbers = {"rate": LONG_RATE, "warmup": 0, "seconds": LONG_CHAT // LONG_RATE, "grace": 1}
    bench.load("delivery", people=bench.folder / "long.json", gateways=bench.gateways(), **numbers)


def _wait_until_stored(reader, chat_id):
    deadline = time.monotonic() + SECONDS_LEFT
    newest = f"/v1/chats/{chat_id}/messages?limit=1"
    while (stored := reader.get(newest)["items"][0]["seq"]) < LONG_CHAT:
        if time.monotonic() > deadline:
            raise Complaint(f"{stored} of {LONG_CHAT} messages were stored {SECONDS_LEFT} s after the last was sent")
        time.sleep(1)
