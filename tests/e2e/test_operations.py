"""What people do to messages that are there, seen from two gateways: reactions, pins, replies, mentions, deleting for
oneself, receipts, expiry. Edits and deletions are in test_story.py."""

import copy
import uuid
from urllib.parse import quote

import pytest
from client import attempts, fields_of

THUMB = "\N{THUMBS UP SIGN}"


@pytest.fixture
def gateways(fleet):
    urls = fleet.gateways()
    assert len(urls) >= 2, "what one does here is seen there"
    return urls


class Room:
    """Three people in a group; Ada and Bob with a socket each, on different gateways."""

    @classmethod
    async def open(cls, people, gateways):
        room = cls()
        room.ada, room.bob, room.cleo = await people.join("Ada", "Bob", "Cleo")
        chat = await room.ada.make_group("Engines", room.bob, room.cleo)
        room.chat_id = chat["chat_id"]
        room.at_ada = await people.connect(room.ada, gateways[0])
        room.at_bob = await people.connect(room.bob, gateways[1])
        return room

    async def say(self, body):
        """By Ada; its id, once Bob has it."""
        _, persisted = await self.at_ada.say(self.chat_id, body)
        await self.at_bob.expect(lambda frame: frame.get("t") == "message" and frame["message"]["body"] == body)
        return persisted["message_id"]

    async def operate(self, socket, kind, message_id, **fields):
        """(reply, outcome) of an operation on a message."""
        client_msg_id, seen = str(uuid.uuid4()), len(socket.frames)
        names = {"chat_id": self.chat_id, "client_msg_id": client_msg_id, "message_id": message_id}
        reply = await socket.request(kind, **names, **fields)
        if not reply["ok"]:
            return reply, None
        return reply, await socket.outcome(client_msg_id, since=seen)


def updated(message_id, **wanted):
    def fits(frame):
        if frame.get("t") != "message_updated" or frame["message"]["message_id"] != message_id:
            return False
        return all(frame["message"][name] == value for name, value in wanted.items())

    return fits


async def test_reactions_are_counted_and_told_with_who_gave_them(people, gateways):
    room = await Room.open(people, gateways)
    message_id = await room.say("What do you think?")

    _, first = await room.operate(room.at_bob, "react", message_id, emoji=THUMB, on=True)
    told = await room.at_ada.expect(updated(message_id, reactions={THUMB: {"count": 1}}))
    _, again = await room.operate(room.at_bob, "react", message_id, emoji=THUMB, on=True)
    path = f"/v1/messages/{message_id}/reactions/{quote(THUMB)}"
    fields_of(await room.cleo.call("PUT", path), 200)
    await room.at_ada.expect(updated(message_id, reactions={THUMB: {"count": 2}}))

    assert (first["t"], again["t"]) == ("persisted", "persisted")
    assert told["reaction"] == {"user_id": room.bob.user_id, "emoji": THUMB, "on": True}
    assert (await room.bob.get(f"/v1/messages/{message_id}"))["reactions"] == {THUMB: {"count": 2, "mine": True}}
    assert (await room.ada.get(f"/v1/messages/{message_id}"))["reactions"] == {THUMB: {"count": 2, "mine": False}}
    await room.operate(room.at_bob, "react", message_id, emoji=THUMB, on=False)
    assert [one["reactions"] for one in await room.bob.history(room.chat_id)][-1] == {
        THUMB: {"count": 1, "mine": False}
    }


async def test_a_reaction_that_could_be_a_command_is_refused(people, gateways):
    room = await Room.open(people, gateways)
    message_id = await room.say("What do you think?")
    for emoji in ("$set", "a.b", "a b", "", "x" * 65):
        reply, _ = await room.operate(room.at_bob, "react", message_id, emoji=emoji, on=True)
        assert (reply["ok"], reply["code"]) == (False, "invalid")


async def test_a_pin_is_seen_by_all(people, gateways):
    room = await Room.open(people, gateways)
    message_id = await room.say("Read this first")

    await room.operate(room.at_bob, "pin", message_id, on=True)
    await room.at_ada.expect(updated(message_id, pinned=True))

    pinned = (await room.cleo.get(f"/v1/chats/{room.chat_id}/messages", pinned="true"))["items"]
    assert [one["message_id"] for one in pinned] == [message_id]
    fields_of(await room.ada.call("DELETE", f"/v1/messages/{message_id}/pin"), 200)
    await room.at_bob.expect(updated(message_id, pinned=False))
    assert not (await room.cleo.get(f"/v1/chats/{room.chat_id}/messages", pinned="true"))["items"]


async def test_a_reply_names_what_it_answers(people, gateways):
    room = await Room.open(people, gateways)
    question = await room.say("Which one?")
    fields = {"chat_id": room.chat_id, "type": "text", "body": "That one", "reply_to": question}

    client_msg_id = str(uuid.uuid4())
    await room.at_bob.request("send", client_msg_id=client_msg_id, **fields)
    await room.at_bob.outcome(client_msg_id)
    answer = await room.at_ada.expect(
        lambda frame: frame.get("t") == "message" and frame["message"]["body"] == "That one"
    )

    assert answer["message"]["reply_to"] == question
    client_msg_id = str(uuid.uuid4())
    await room.at_bob.request("send", client_msg_id=client_msg_id, **{**fields, "reply_to": str(uuid.uuid4())})
    assert (await room.at_bob.outcome(client_msg_id))["code"] == "unprocessable"


async def test_whoever_is_mentioned_is_told_so(people, gateways):
    room = await Room.open(people, gateways)
    path = f"/v1/chats/{room.chat_id}/messages"
    one = {"type": "text", "body": "Cleo?", "mentions": [room.cleo.user_id]}
    everybody = {"type": "text", "body": "All of you!", "mention_all": True}

    fields_of(await room.ada.call("POST", path, one, headers={"Idempotency-Key": "one"}), 201)
    fields_of(await room.ada.call("POST", path, everybody, headers={"Idempotency-Key": "all"}), 201)

    await room.at_bob.expect(lambda frame: frame.get("t") == "message" and frame["message"].get("mention_all"))
    async for _ in attempts("Cleo is told of both"):
        items = (await room.cleo.get("/v1/notifications"))["items"]
        told = {item["preview"] for item in items if item["kind"] == "mention"}
        if told == {"Cleo?", "All of you!"}:
            break


async def test_what_is_deleted_for_oneself_is_gone_on_all_ones_devices_and_nowhere_else(people, gateways):
    room = await Room.open(people, gateways)
    kept, unwanted = await room.say("to keep"), await room.say("to forget")
    tablet = copy.copy(room.bob)
    tablet.device_id = f"{room.bob.device_id}-tablet"
    elsewhere = await people.connect(tablet, gateways[0])

    reply = await room.at_bob.request(
        "delete", chat_id=room.chat_id, client_msg_id=str(uuid.uuid4()), message_id=unwanted, scope="me"
    )
    told = await elsewhere.expect(lambda frame: frame.get("t") == "message_hidden")
    page = await room.at_bob.request("sync", chat_id=room.chat_id, after_rev=0, limit=100)

    assert (reply["ok"], reply["state"]) == (True, "hidden")
    assert (told["chat_id"], told["message_id"]) == (room.chat_id, unwanted)
    assert kept in str(page.body) and unwanted not in str(page.body)
    assert [item["rev"] for item in page["items"]] == list(range(1, page["head_rev"] + 1)), "no hole"
    assert "to forget" not in str(await room.bob.history(room.chat_id))
    assert "to forget" in str(await room.ada.history(room.chat_id))
    assert not room.at_ada.all("message_hidden")


async def test_what_was_deleted_for_oneself_does_not_come_back(people, gateways):
    room = await Room.open(people, gateways)
    unwanted = await room.say("to forget")
    fields = {"chat_id": room.chat_id, "message_id": unwanted}
    await room.at_bob.request("delete", client_msg_id=str(uuid.uuid4()), scope="me", **fields)
    later = await people.connect(copy.copy(room.bob), gateways[0])

    await room.at_ada.request("edit", client_msg_id=str(uuid.uuid4()), body="to forget, once more", **fields)
    for socket in (room.at_bob, later):
        told = await socket.expect(lambda frame: frame.get("t") == "message_updated")
        assert told.get("message") is None and told["rev"] > 0
    async for _ in attempts("Ada's list shows what was said last"):
        if "once more" in str((await room.ada.get("/v1/chats"))["items"]):
            break
    assert "to forget" not in str((await room.bob.get("/v1/chats"))["items"])
    assert "to forget" not in str(await room.bob.get("/v1/bootstrap"))


async def test_an_author_is_told_whom_a_message_has_reached(people, gateways):
    room = await Room.open(people, gateways)
    message_id = await room.say("Have you seen this?")
    head = (await room.ada.get(f"/v1/messages/{message_id}"))["seq"]

    await room.at_bob.request("read", chat_id=room.chat_id, seq=head)
    async for _ in attempts("Bob has read it"):
        items = (await room.ada.get(f"/v1/messages/{message_id}/receipts"))["items"]
        if {item["user_id"]: item["read"] for item in items} == {room.bob.user_id: True, room.cleo.user_id: False}:
            break
    assert (await room.bob.call("GET", f"/v1/messages/{message_id}/receipts")).status_code == 403


async def test_an_ephemeral_message_goes_everywhere_when_its_time_has_come(people, gateways):
    room = await Room.open(people, gateways)
    client_msg_id = str(uuid.uuid4())
    fields = {"chat_id": room.chat_id, "type": "text", "body": "burn after reading", "ttl_s": 2}
    await room.at_ada.request("send", client_msg_id=client_msg_id, **fields)
    message_id = (await room.at_ada.outcome(client_msg_id))["message_id"]

    gone = await room.at_bob.expect(
        lambda frame: frame.get("t") == "message_deleted" and frame["message"]["message_id"] == message_id
    )

    assert gone["message"]["body"] == ""
    assert "burn after reading" not in str(await room.bob.history(room.chat_id))
    log = await room.bob.get(f"/v1/chats/{room.chat_id}/changes", after_rev=0)
    assert "burn after reading" not in str(log)
    async for _ in attempts("the list of chats forgets it"):
        chats = (await room.bob.get("/v1/chats"))["items"]
        if "burn after reading" not in str(chats):
            break


async def test_a_deleted_message_is_forgotten_by_lists_and_notifications(people, gateways):
    ada, bob = await people.join("Ada", "Bob")
    chat = await ada.make_group("Engines", bob)
    message = fields_of(await ada.say(chat["chat_id"], "said in haste"), 201)
    async for _ in attempts("Bob's notification"):
        if "said in haste" in str(await bob.get("/v1/notifications")):
            break

    fields_of(await ada.call("DELETE", f"/v1/messages/{message['message_id']}"), 200)

    async for _ in attempts("lists and notifications forget it"):
        if "said in haste" not in str(await bob.get("/v1/notifications")) + str(await bob.get("/v1/chats")):
            break


async def test_operations_that_came_while_away_are_replayed(people, gateways):
    room = await Room.open(people, gateways)
    message_id = await room.say("mispelt")
    head = (await room.ada.get(f"/v1/messages/{message_id}"))["rev"]
    await room.at_bob.close()
    fields_of(await room.ada.call("PATCH", f"/v1/messages/{message_id}", {"body": "misspelt"}), 200)
    fields_of(await room.cleo.call("PUT", f"/v1/messages/{message_id}/reactions/ok"), 200)
    fields_of(await room.ada.call("DELETE", f"/v1/messages/{message_id}"), 200)

    back = await people.connect(room.bob, gateways[0], resume={room.chat_id: head})
    await back.expect(lambda frame: frame.get("t") == "sync_done")

    kinds = [frame["t"] for frame in back.frames if frame.get("chat_id") == room.chat_id]
    assert kinds == ["message_updated", "message_updated", "message_deleted"]
    assert back.all("message_updated")[1]["reaction"]["emoji"] == "ok"
    assert "misspelt" not in str([frame.body for frame in back.frames]), "what was deleted is not replayed either"
