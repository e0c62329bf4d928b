"""What is unread is told as it changes: to each device of a person, at most once a second of a chat, and what is told last
is what message-service counts."""

import copy
import uuid

from client import attempts, fields_of

BURST = 40
EVERY_SECONDS = 0.9  # a second, and what the way takes


async def another_device(person):
    device = copy.copy(person)
    device.device_id = f"device-{uuid.uuid4().hex[:10]}"
    await device.log_in()
    return device


class Room:
    """Ada, who writes, and Bob with two devices on two gateways."""

    @classmethod
    async def open(cls, people, gateways):
        room = cls()
        room.ada, room.bob = await people.join("Ada", "Bob")
        room.chat_id = (await room.ada.make_group("Unread", room.bob))["chat_id"]
        room.at_ada = await people.connect(room.ada, gateways[0])
        room.at_tablet = await people.connect(await another_device(room.ada), gateways[1])
        room.at_bob = await people.connect(room.bob, gateways[0])
        room.at_phone = await people.connect(await another_device(room.bob), gateways[1])
        return room

    async def say(self, body, **fields):
        """By Ada's socket; the seq."""
        _, outcome = await self.at_ada.say(self.chat_id, body)
        assert outcome["t"] == "persisted"
        return outcome

    async def both_are_told(self, **wanted):
        """Bob's two devices; and the list of chats says the same."""
        for socket in (self.at_bob, self.at_phone):
            await socket.expect(lambda frame: frame.get("t") == "unread" and fits(frame, self.chat_id, wanted))
        async for _ in attempts(f"a list with {wanted}"):
            lines = (await self.bob.get("/v1/chats"))["items"]
            if any(fits(line, self.chat_id, wanted) for line in lines):
                return


def fits(told, chat_id, wanted):
    return told["chat_id"] == chat_id and all(told.get(key) == value for key, value in wanted.items())


async def test_a_burst_is_told_once_a_second_and_its_end_always(people, gateways):
    room = await Room.open(people, gateways)
    for number in range(BURST):
        last = await room.say(f"message {number}")

    await room.both_are_told(unread=BURST, head_seq=last["seq"])
    told = room.at_bob.all("unread")
    assert all(later.at - earlier.at > EVERY_SECONDS for earlier, later in zip(told, told[1:]))
    assert len(told) <= 2 + (told[-1].at - room.at_ada.frames[0].at)


async def test_who_sends_has_nothing_unread_and_their_other_devices_hear_of_it(people, gateways):
    room = await Room.open(people, gateways)
    await room.bob.say(room.chat_id, "to Ada")
    told = lambda frame: frame.get("t") == "unread" and frame["unread"] == 1
    await room.at_tablet.expect(told)
    await room.at_ada.expect(told)
    answer = await room.say("from Ada")

    await room.at_tablet.expect(
        lambda frame: frame.get("t") == "unread" and frame["unread"] == 0 and frame["read_seq"] == answer["seq"]
    )
    await room.both_are_told(unread=1)


async def test_counts_follow_reading_mentions_edits_and_deletions(people, gateways):
    room = await Room.open(people, gateways)
    first = await room.say("one")
    second = await room.say("two")
    await room.both_are_told(unread=2, unread_mentions=0)

    answer = await room.at_bob.request("read", chat_id=room.chat_id, seq=first["seq"])
    assert answer["unread"] == 1
    await room.at_phone.expect(lambda frame: frame.get("t") == "unread" and frame["unread"] == 1)
    await room.at_ada.request(
        "send", chat_id=room.chat_id, client_msg_id=str(uuid.uuid4()), type="text", body="@bob", mentions=[room.bob.user_id]
    )
    await room.both_are_told(unread=2, unread_mentions=1)

    fields_of(await room.ada.call("DELETE", f"/v1/messages/{second['message_id']}"), 200)
    await room.both_are_told(unread=1, unread_mentions=1)
    fields_of(await room.ada.call("PATCH", f"/v1/messages/{first['message_id']}", {"body": "one, as read"}), 200)
    await room.say("four")
    await room.both_are_told(unread=2, unread_mentions=1)
