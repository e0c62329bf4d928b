"""R10: message-service's groups are set back, and everything is applied once more: sends, edits, deletions, reactions,
pins, reads. Nothing that anybody can see changes, and nobody is told anything twice."""

import asyncio
import time

import pytest
from client import PATIENCE, attempts, fields_of
from fleet import slowness
from groups import Group

OWNERS = ("message-service-1", "message-service-2")
SET_BACK = (("message-service", "message.created"), ("message-service-read", "message.read"))
DOWNSTREAM = (
    ("notification-service", "message.persisted"),
    ("chat-service", "message.persisted"),
    ("websocket-gateway", "message.persisted"),
    ("notification-delivery", "notification.new"),
    ("websocket-gateway-notifications", "notification.new"),
)
REPLAY_SECONDS = 20
REPLAY_ALL_SECONDS = 400


async def everything_that_can_be_done(ada, bob, chat_id, at_ada):
    """Returns the outcome of the last message: the others have theirs."""
    said = []
    for number in range(30):
        _, outcome = await at_ada.say(chat_id, f"line {number}")
        said.append(outcome["message_id"])
    edited, deleted, expiring, pinned, _ = said[:5]
    fields_of(await ada.call("PATCH", f"/v1/messages/{edited}", {"body": "otherwise"}))
    fields_of(await ada.call("PATCH", f"/v1/messages/{edited}", {"body": "otherwise again"}))
    fields_of(await ada.call("DELETE", f"/v1/messages/{deleted}"))
    fields_of(await ada.call("PATCH", f"/v1/messages/{expiring}", {"body": "will not last"}))
    fields_of(await ada.call("DELETE", f"/v1/messages/{expiring}"))
    for one in (pinned, said[6]):
        fields_of(await ada.call("PUT", f"/v1/messages/{one}/pin"))
        fields_of(await bob.call("PUT", f"/v1/messages/{one}/reactions/👍"))
    fields_of(await ada.call("DELETE", f"/v1/messages/{said[6]}/pin"))
    fields_of(await bob.call("DELETE", f"/v1/messages/{said[6]}/reactions/👍"))
    fields_of(await bob.call("DELETE", f"/v1/messages/{said[7]}", params={"scope": "me"}))
    fields_of(await bob.call("POST", f"/v1/chats/{chat_id}/read", {"seq": 12}))


async def what_they_see(people_inside, chat_id):
    """Bytes, so that nothing is overlooked: histories, changes, unread counts, read marks, notifications."""
    seen = {}
    for one in people_inside:
        for path in (
            f"/v1/chats/{chat_id}/messages?limit=200",
            f"/v1/chats/{chat_id}/messages?pinned=true",
            f"/v1/chats/{chat_id}/changes?after_rev=0&limit=200",
            "/v1/chats",
            "/v1/notifications",
        ):
            answer = await one.call("GET", path)
            fields_of(answer, 200)
            seen[one.name, path] = answer.content
    return seen


async def stop(fleet, names):
    await asyncio.gather(*(asyncio.to_thread(fleet.stop, name) for name in names))


def from_the_very_beginning(group, places):
    """Of those partitions in which something has happened since then: what the other tests did there comes along."""
    ends = group.ends()
    return {one: 0 if ends[one] > place else place for one, place in places.items()}


async def set_back(fleet, groups, places):
    """Their members stop, and come back to apply everything from there on."""
    await stop(fleet, OWNERS)
    ends = {group: group.ends() for group in groups}
    try:
        for group in groups:
            await group.set_back(places[group])
            assert group.places() == places[group], "the fault has not bitten"
    finally:
        await asyncio.gather(*(asyncio.to_thread(fleet.restart, name) for name in OWNERS))
    return ends


async def until_all_is_applied(seconds):
    """Also by those who are told: whatever a replay has announced has arrived."""
    for name, topic in DOWNSTREAM:
        group = Group(name, topic)
        await group.until_at(group.ends(), seconds)
        group.close()


@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.long)], ids=["since", "from-0"])
async def test_applying_everything_once_more_changes_nothing(people, fleet, whole):
    ada, bob, eve = await people.join("Ada", "Bob", "Eve")
    groups = [Group(*names) for names in SET_BACK]
    places = {group: group.places() for group in groups}
    seconds = (REPLAY_ALL_SECONDS if whole else REPLAY_SECONDS) * slowness()
    chat_id = (await ada.make_group("Engines", bob, eve))["chat_id"]
    at_ada, at_bob = await people.connect(ada, fleet.gateways()[0]), await people.connect(bob, fleet.gateways()[1])
    await everything_that_can_be_done(ada, bob, chat_id, at_ada)
    for group in groups:
        await group.until_at(group.ends(), PATIENCE)  # how far Ada has read herself is saved some seconds later
    await until_all_is_applied(PATIENCE)  # Eve, who is away, has her notifications
    before = await what_they_see((ada, bob, eve), chat_id)
    heard = [len(socket.frames) for socket in (at_ada, at_bob)]
    assert b"line 29" in before["Eve", "/v1/notifications"]

    if whole:
        places = {group: from_the_very_beginning(group, places[group]) for group in groups}
    ends, began = await set_back(fleet, groups, places), time.monotonic()
    for group in groups:
        await group.until_at(ends[group], seconds)
    await until_all_is_applied(seconds)
    count = sum(ends[groups[0]][one] - places[groups[0]][one] for one in ends[groups[0]])
    print(f"\n{count} records of message.created applied again within {time.monotonic() - began:.1f} s")

    after = await what_they_see((ada, bob, eve), chat_id)
    changed = [(*key, before[key].decode(), after[key].decode()) for key in before if before[key] != after[key]]
    assert not changed, "\n".join(changed[0])
    for socket, place in zip((at_ada, at_bob), heard, strict=True):
        told = [one.body for one in socket.frames[place:]]
        assert not told, f"told again: {told[:3]}"
    async for _ in attempts("the chat goes on"):
        _, outcome = await at_ada.say(chat_id, "and on")
        if outcome:
            break
    assert outcome["seq"] == max(one["seq"] for one in await ada.history(chat_id))
