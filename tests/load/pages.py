"""What pages cost a person with many chats, and readers of a very long chat: the REST API through the public port, one
request after the other on one connection, the questions in turns. The same page of a chat with one page of messages stands
beside it, and the bare finds of the same documents: of the chat list the person's memberships and settings, though all but the
settings is taken from what the services keep in Redis.
"""

import http.client
import json
import random
import time
import urllib.parse
import uuid

import generator
import measure
import rules
import setup
from chatdev import addresses
from chatdev.complaint import Complaint

CHATS = 500
LONG_CHAT, LONG_RATE = 100_000, 800  # messages, and how many of them a second
SHORT_CHAT = 96  # as many buckets and documents of the store hold its newest page as that of the long one
PAGE = 50
BUCKET_BITS = 6  # message-service keeps 64 messages a bucket
REQUESTS, WARMUP_REQUESTS = 200, 20
GOAL = "p50 30"
GROWTH_GOAL = "1.1: it does not grow"
SHORT, LONG = f"newest page of {SHORT_CHAT} messages", f"newest page of {LONG_CHAT} messages"
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

    def milliseconds(self, path):
        began = time.perf_counter()
        self.get(path)
        return (time.perf_counter() - began) * 1000


def run(bench):
    api, mailpit = f"http://{bench.address('api-gateway-1')}", addresses.mailpit_url(bench.stack)
    people = ada, _ = setup.people_of(2, api, mailpit)
    (long_chat,) = setup.pair_up(people)
    many = [_short_chat(people, number) for number in range(CHATS - 1)]
    setup.write(bench.folder, "long", people, [long_chat])
    _fill(bench)
    reader = Reader(api, ada)
    _wait_until_stored(reader, long_chat["chat_id"])
    asked = _questions(ada.user_id, many[0], long_chat["chat_id"])
    watch = measure.Watch(bench.stack)
    bench.begin(watch)
    spent = _ask_in_turns(reader, asked)
    bench.end(watch, "pages")
    void = bench.busy or rules.why_noisy(watch.interval())
    medians = {name: _add(bench, name, spent[name], asked[name][1], void) for name in asked}
    ratio = medians[LONG] / medians[SHORT]
    bench.report.add(f"newest page of {LONG_CHAT} messages / of {SHORT_CHAT}", f"{ratio:.2f}", GROWTH_GOAL, void)


def _questions(user_id, short_chat, long_chat):
    """{name: (paths, the finds that each page can't do without)}; a find: (database, collection, field, value)."""
    dice = random.Random(1)
    mine = [("chat_service", name, "user_id", user_id) for name in ("memberships", "chat_personal")]
    anywhere = [dice.randrange(PAGE + 1, LONG_CHAT) for _ in range(WARMUP_REQUESTS + REQUESTS)]
    count = len(anywhere)
    return {
        f"first page of {CHATS} chats": ([f"/v1/chats?limit={PAGE}"] * count, [mine] * count),
        SHORT: ([_history(short_chat)] * count, [_buckets(short_chat, SHORT_CHAT + 1)] * count),
        LONG: ([_history(long_chat)] * count, [_buckets(long_chat, LONG_CHAT + 1)] * count),
        f"any page of {LONG_CHAT} messages": (
            [_history(long_chat, before) for before in anywhere],
            [_buckets(long_chat, before) for before in anywhere],
        ),
    }


def _buckets(chat_id, before_seq):
    """Where the page of messages before that seq lies: one bucket, or two."""
    first, last = max(1, before_seq - PAGE), before_seq - 1
    return [("message_service", "messages", "bucket", f"{chat_id}/{at}") for at in range(first >> BUCKET_BITS, (last >> BUCKET_BITS) + 1)]


def _ask_in_turns(reader, asked):
    """{name: milliseconds of each}: a bad moment of the machine meets all questions alike."""
    spent = {name: [] for name in asked}
    for number in range(WARMUP_REQUESTS + REQUESTS):
        for name, (paths, _) in asked.items():
            spent[name].append(reader.milliseconds(paths[number]))
    return {name: found[WARMUP_REQUESTS:] for name, found in spent.items()}


def _add(bench, name, spent, finds, void):
    """The median."""
    p50, p99 = (rules.quantile(spent, share) for share in (0.5, 0.99))
    bare, between = _bare(bench, finds[WARMUP_REQUESTS:])
    void = void or rules.why_noisy(between)
    bench.report.keep(f"page: {name}", {"ms": spent, "bare": bare})
    bench.report.add(f"{name}, ms p50 / p99", f"{p50:.2f} / {p99:.2f}", GOAL, void)
    series = bare["page"]
    figures = f"{series['p50_ms']:.2f} / {series['p99_ms']:.2f}, {p50 / series['p50_ms']:.2f}"
    bench.report.add(f"  bare finds of its {bare['documents'] / len(spent):.0f} documents, and ratio of p50", figures, "reported", void)
    return p50


def _bare(bench, finds):
    """The same documents from the store alone."""
    file = bench.folder / "finds"
    file.write_text("\n\n".join("\n".join(" ".join(find) for find in page) for page in finds) + "\n\n")
    result, between = bench.measured_load("finds", mongo=addresses.mongo_uri(bench.stack), finds=file)
    if not result["documents"]:
        raise Complaint("the bare finds found nothing")
    return result, between


def _history(chat_id, before_seq=None):
    return f"/v1/chats/{chat_id}/messages?limit={PAGE}" + (f"&before_seq={before_seq}" if before_seq else "")


def _short_chat(people, number):
    (chat,) = setup.gather(people, len(people), number)
    for line in range(SHORT_CHAT - 1 if number == 0 else 1):  # the first of a group says that it was made
        _say(people[0], chat["chat_id"], f"line {line}")
    return chat["chat_id"]


def _say(person, chat_id, body):
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    setup.patiently(lambda: person.post(f"/v1/chats/{chat_id}/messages", {"type": "text", "body": body}, headers))


def _fill(bench):
    numbers = {"rate": LONG_RATE, "warmup": 0, "seconds": LONG_CHAT // LONG_RATE, "grace": 1}
    generator.run("delivery", people=bench.folder / "long.json", gateways=bench.gateways(), **numbers)


def _wait_until_stored(reader, chat_id):
    deadline = time.monotonic() + SECONDS_LEFT
    newest = f"/v1/chats/{chat_id}/messages?limit=1"
    while (stored := reader.get(newest)["items"][0]["seq"]) < LONG_CHAT:
        if time.monotonic() > deadline:
            raise Complaint(f"{stored} of {LONG_CHAT} messages were stored {SECONDS_LEFT} s after the last was sent")
        time.sleep(1)
