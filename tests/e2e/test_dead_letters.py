"""`message-service dlq list|replay`, as an operator runs it beside the daemons: what could not be read of message.created is
put aside with its reason, is shown without a word of what it says, and what can be applied by now is, once."""

import asyncio
import json
import time
import uuid

from client import attempts, fields_of
from fleet import REPOSITORY, run_daemon
from topics import SECONDS, produce, records_of

TOPIC, DLQ = "message.created", "message.created.dlq"
GOLDEN = REPOSITORY / "docs" / "events" / "golden" / "message.created.create.json"
DAY_MS = 24 * 60 * 60 * 1000


async def dlq(fleet, word, about):
    """The lines of the command's report that are about this key."""
    daemon = fleet.daemons()["message-service-1"]
    done = await asyncio.to_thread(run_daemon, daemon, [*daemon.arguments, "dlq", word], daemon.environment, SECONDS)
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if f" key {about} " in line]


def a_send(chat_id, person, body):
    """What a gateway would have produced, with an op_id of its own."""
    event = json.loads(GOLDEN.read_text())
    for field in ("attachments", "reply_to", "mentions", "ttl_s", "request_hash"):
        del event[field]
    event |= {"key": chat_id, "chat_id": chat_id, "sender_id": person.user_id, "body": body, "op_id": str(uuid.uuid4())}
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    event |= {"event_id": str(uuid.uuid4()), "client_msg_id": str(uuid.uuid4()), "received_at": now, "occurred_at": now}
    return event


async def bodies(person, chat_id):
    return [one["body"] for one in await person.history(chat_id)]


async def a_chat(people):
    ada, bob = await people.join("Ada", "Bob")
    return ada, (await ada.make_group("Letters", bob))["chat_id"]


async def test_a_poison_record_is_put_aside_with_its_reason_and_the_chat_goes_on(people, fleet):
    ada, chat_id = await a_chat(people)
    poison = a_send(chat_id, ada, "a secret that nobody can read")
    del poison["message_type"], poison["sender_id"], poison["op_id"]
    payload = json.dumps(poison).encode()

    await asyncio.to_thread(produce, TOPIC, chat_id, payload)
    fields_of(await ada.say(chat_id, "the next one"), 201)

    async for _ in attempts("the dead letter is listed", SECONDS, pause=0.5):
        if lines := await dlq(fleet, "list", chat_id):
            break
    assert len(lines) == 1 and "unreadable" in lines[0] and "secret" not in lines[0]
    [(value, headers)] = await asyncio.to_thread(records_of, DLQ, chat_id)
    assert value == payload
    assert headers["reason"].decode() in lines[0]
    assert "the next one" in await bodies(ada, chat_id)


async def test_what_can_be_applied_by_now_is_replayed_and_applied_once(people, fleet):
    ada, chat_id = await a_chat(people)
    mended = json.dumps(a_send(chat_id, ada, "late, but there")).encode()
    reason = {"reason": "a fault that is mended"}
    await asyncio.to_thread(produce, DLQ, chat_id, mended, 6 * DAY_MS, reason)
    [listed] = await dlq(fleet, "list", chat_id)
    assert "a fault that is mended" in listed and "late" not in listed
    assert "late, but there" not in await bodies(ada, chat_id)

    [replayed] = await dlq(fleet, "replay", chat_id)
    again = await dlq(fleet, "replay", chat_id)

    assert "replayed" in replayed and again == []
    async for _ in attempts("it is applied", SECONDS, pause=0.2):
        if "late, but there" in await bodies(ada, chat_id):
            break
    await asyncio.to_thread(produce, TOPIC, chat_id, mended)  # as by an operator who replays it by hand besides
    fields_of(await ada.say(chat_id, "afterwards"), 201)
    assert (await bodies(ada, chat_id))[-2:] == ["late, but there", "afterwards"]


async def test_what_is_older_than_seven_days_is_left_where_it_is(people, fleet):
    ada, chat_id = await a_chat(people)
    old = json.dumps(a_send(chat_id, ada, "too late")).encode()
    await asyncio.to_thread(produce, DLQ, chat_id, old, 7 * DAY_MS + 60_000, {"reason": "long ago"})

    [line] = await dlq(fleet, "replay", chat_id)

    assert "too old" in line
    fields_of(await ada.say(chat_id, "the next one"), 201)
    assert "too late" not in await bodies(ada, chat_id)
