"""What must hold, whatever happened: compares what clients were told with what history and live subscribers show.

A test writes down what it sent and what it was answered (`Ledger`) and what it read (`Evidence`); `check` raises with
every violation of the seven invariants, each in a line that names who, where and what:

1. each message that was accepted, and not rejected afterwards, is in history exactly once;
2. history holds nothing that was never sent;
3. each chat's `seq` is 1..n without gap or repeat, and all readers see the same;
4. of one sender's messages in one chat, those that were answered keep the order of sending (a retry may take the place
   of any of its attempts);
5. each live subscriber sees, after dropping repeats, the whole tail in order (its own messages come as answers);
6. who is not a member sees nothing;
7. of several edits the last version holds, and what was deleted stays deleted.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

MOST_LINES = 25  # a broken build violates thousands; the first ones tell

UNANSWERED, ACCEPTED, REFUSED, REJECTED = "unanswered", "accepted", "refused", "rejected"


class InvariantViolation(AssertionError):
    def __init__(self, lines):
        self.lines = lines
        shown = lines[:MOST_LINES] + ([f"... and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else [])
        super().__init__("\n  ".join([f"{len(lines)} violations", *shown]))


@dataclass
class Sent:
    """One message, however often its sender tried."""

    sender: str
    chat_id: str
    client_msg_id: str
    body: str
    first_turn: int
    last_turn: int
    outcome: str = UNANSWERED
    message_id: str | None = None


@dataclass
class Ledger:
    """What was asked, in which order, and what was answered."""

    sends: dict = field(default_factory=dict)  # (sender, client_msg_id): Sent
    versions: dict = field(default_factory=dict)  # message_id: {version: body; None = deleted}
    _turns: Counter = field(default_factory=Counter)

    def sent(self, sender, chat_id, client_msg_id, body):
        """Called before each attempt."""
        self._turns[sender, chat_id] += 1
        turn = self._turns[sender, chat_id]
        one = self.sends.setdefault(
            (sender, client_msg_id), Sent(sender, chat_id, client_msg_id, body, first_turn=turn, last_turn=turn)
        )
        one.last_turn = turn
        return one

    def accepted(self, sender, client_msg_id, message_id):
        one = self.sends[sender, client_msg_id]
        one.outcome, one.message_id = ACCEPTED, message_id

    def refused(self, sender, client_msg_id):
        """Answered with an error instead of being accepted."""
        one = self.sends[sender, client_msg_id]
        if one.outcome == UNANSWERED:
            one.outcome = REFUSED

    def rejected(self, sender, client_msg_id):
        """Accepted, and refused by a rule afterwards."""
        self.sends[sender, client_msg_id].outcome = REJECTED

    def edited(self, message_id, version, body):
        self.versions.setdefault(message_id, {})[version] = body

    def deleted(self, message_id, version):
        self.edited(message_id, version, None)

    def count(self, outcome):
        return sum(one.outcome == outcome for one in self.sends.values())


@dataclass
class Evidence:
    """What was seen. Messages are dictionaries as the API gives them."""

    members: dict  # chat_id: set of user ids
    histories: dict = field(default_factory=dict)  # (reader, chat_id): [message, ...] by seq
    live: dict = field(default_factory=lambda: defaultdict(list))  # subscriber: [message, ...] as they came
    listening_from: dict = field(default_factory=dict)  # (subscriber, chat_id): head when it began; absent = 0


def check(ledger, evidence):
    lines = []
    for invariant in (
        _accepted_once,
        _nothing_unsent,
        _sequence,
        _sender_order,
        _live_tail,
        _members_only,
        _last_version,
    ):
        lines += invariant(ledger, evidence)
    if lines:
        raise InvariantViolation(lines)


def _reference(evidence):
    """{chat_id: history}: the longest that any reader got."""
    chosen = {}
    for (_, chat_id), messages in evidence.histories.items():
        if len(messages) >= len(chosen.get(chat_id, ())):
            chosen[chat_id] = messages
    return chosen


def _accepted_once(ledger, evidence):
    histories = _reference(evidence)
    counts = {chat_id: Counter(one["message_id"] for one in messages) for chat_id, messages in histories.items()}
    for one in ledger.sends.values():
        if one.outcome != ACCEPTED:
            continue
        found = counts.get(one.chat_id, {}).get(one.message_id, 0)
        if found != 1:
            yield f"(1) {one.body!r} by {one.sender} was accepted as {one.message_id}, history has it {found} times"


def _nothing_unsent(ledger, evidence):
    known_ids = {one.message_id for one in ledger.sends.values() if one.message_id}
    known_texts = {(one.chat_id, one.sender, one.body) for one in ledger.sends.values()}
    for chat_id, messages in _reference(evidence).items():
        for message in messages:
            text = (chat_id, message["sender_id"], message["body"])
            if message["type"] != "system" and message["message_id"] not in known_ids and text not in known_texts:
                yield f"(2) {message['message_id']} {message['body']!r} in {chat_id} was never sent"


def _sequence(ledger, evidence):
    reference = _reference(evidence)
    for (reader, chat_id), messages in evidence.histories.items():
        seqs = [message["seq"] for message in messages]
        if seqs != list(range(1, len(seqs) + 1)):
            yield f"(3) {reader} reads {chat_id} with {_first_break(seqs)}"
        ids, expected = ([one["message_id"] for one in some] for some in (messages, reference[chat_id]))
        if ids != expected:
            place = _first_difference(ids, expected) + 1
            yield f"(3) {reader} reads {chat_id} otherwise than others from place {place} ({len(ids)}, {len(expected)})"


def _first_break(seqs):
    for place, seq in enumerate(seqs, 1):
        if seq != place:
            return f"seq {seq} where {place} is expected"
    return "a fault"


def _sender_order(ledger, evidence):
    by_id = {one.message_id: one for one in ledger.sends.values() if one.outcome == ACCEPTED}
    for chat_id, messages in _reference(evidence).items():
        latest = {}  # sender: the message sent latest of those that came so far
        for message in sorted(messages, key=lambda one: one["seq"]):
            one = by_id.get(message["message_id"])
            if one is None:
                continue
            before = latest.get(one.sender)
            if before and one.last_turn < before.first_turn:
                yield f"(4) {one.sender} sent {one.body!r} before {before.body!r}, {chat_id} has it behind"
            if not before or one.first_turn > before.first_turn:
                latest[one.sender] = one


def _live_tail(ledger, evidence):
    reference = _reference(evidence)
    for subscriber, messages in evidence.live.items():
        seen = _first_occurrences(subscriber, messages)
        for chat_id, history in reference.items():
            if subscriber not in evidence.members.get(chat_id, ()):
                continue
            start = evidence.listening_from.get((subscriber, chat_id), 0)
            expected = [one["seq"] for one in history if one["seq"] > start and one["sender_id"] != subscriber]
            got = [seq for seq in seen[chat_id] if seq > start]
            if got != expected:
                yield f"(5) {subscriber} live in {chat_id}: {_difference(got, expected)}"


def _first_occurrences(subscriber, messages):
    seqs, known = defaultdict(list), set()
    for message in messages:
        if message["message_id"] not in known and message["sender_id"] != subscriber:
            known.add(message["message_id"])
            seqs[message["chat_id"]].append(message["seq"])
    return seqs


def _difference(got, expected):
    missing = sorted(set(expected) - set(got))
    if missing:
        return f"{len(missing)} missing, first seq {missing[0]} (got {len(got)} of {len(expected)})"
    strange = sorted(set(got) - set(expected))
    if strange:
        return f"seq {strange[0]} is not in history"
    if len(got) != len(expected):
        return "the same seq under several ids"
    place = _first_difference(got, expected)
    return f"out of order: seq {got[place]} where {expected[place]} is expected"


def _first_difference(some, others):
    """The first place where they differ; the end of the shorter one when it begins the other."""
    pairs = enumerate(zip(some, others, strict=False))
    return next((place for place, (one, other) in pairs if one != other), min(len(some), len(others)))


def _members_only(ledger, evidence):
    for subscriber, messages in evidence.live.items():
        strange = {one["chat_id"] for one in messages if subscriber not in evidence.members.get(one["chat_id"], ())}
        for chat_id in sorted(strange):
            yield f"(6) {subscriber} is no member of {chat_id} and got its messages live"
    for (reader, chat_id), messages in evidence.histories.items():
        if messages and reader not in evidence.members.get(chat_id, ()):
            yield f"(6) {reader} is no member of {chat_id} and read its history"


def _last_version(ledger, evidence):
    stored = {one["message_id"]: one for messages in _reference(evidence).values() for one in messages}
    for message_id, versions in ledger.versions.items():
        message = stored.get(message_id)
        if message is None:
            continue
        last = max(versions)
        if versions[last] is None and not message["deleted"]:
            yield f"(7) {message_id} was deleted and is there: {message['body']!r}"
        elif versions[last] is not None and (message["version"], message["body"]) != (last, versions[last]):
            got = f"version {message['version']} {message['body']!r}"
            yield f"(7) {message_id} shows {got}, version {last} is {versions[last]!r}"
