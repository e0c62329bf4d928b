"""chat-service in two processes: who changes the same group over both at once. The log of the chat decides: versions
without a gap, every change in the timeline once, and never a group without an owner."""

import asyncio
import json
from contextlib import asynccontextmanager

from client import Api, attempts, fields_of
from topics import SECONDS, records_of

TOPIC = "chat.updated"
ROUNDS = 6
# Done, done and told later, not allowed (any more), gone (or no member any more), in this state of the chat not, too much at once.
OUTCOMES = {200, 201, 202, 204, 403, 404, 409, 503}


@asynccontextmanager
async def two_services(fleet):
    """Each with a connection of its own, past the edge: one request of a pair goes here, the other there."""
    async with fleet.beside("chat-service-1") as other:
        apis = [Api(fleet.daemons()["chat-service-1"].url), Api(other.url)]
        try:
            yield apis
        finally:
            for api in apis:
                await api.close()


async def announced_versions(chat_id):
    """In the order in which chat.updated tells them."""
    records = await asyncio.to_thread(records_of, TOPIC, chat_id)
    updates = [json.loads(value) for value, _ in records]
    return [one["chat_version"] for one in updates if one["change"] != "personal"]


async def is_consistent(reader, chat_id, changes):
    """`changes` happened besides the founding: the chat, its timeline and what was announced agree."""
    async for _ in attempts("all that happened is in the timeline", SECONDS, pause=0.5):
        systems = [one["system"]["event"] for one in await reader.history(chat_id) if one["type"] == "system"]
        if len(systems) == 1 + changes:
            break
        assert len(systems) < 1 + changes, f"told more than once: {systems}"
    chat = await reader.get(f"/v1/chats/{chat_id}")
    assert chat["version"] == 1 + changes
    # A change may be announced again, by whoever finds it unannounced: with the op_id that it has.
    assert list(dict.fromkeys(await announced_versions(chat_id))) == list(range(1, 2 + changes))
    roles = {one["user_id"]: one["role"] for one in (await reader.get(f"/v1/chats/{chat_id}/members"))["items"]}
    assert len(roles) == chat["member_count"]
    assert "owner" in roles.values()
    return roles


async def test_who_changes_a_group_over_two_services_at_once_finds_it_whole(people, fleet):
    ada, bob, cleo, dan, eve = await people.join("Ada", "Bob", "Cleo", "Dan", "Eve")
    async with two_services(fleet) as services:

        def at(service, actor, method, path, body=None):
            return services[service].call(method, f"/v1/chats/{chat_id}{path}", body, actor.token)

        for turn in range(ROUNDS):
            chat_id = (await ada.make_group(f"Turn {turn}", bob, cleo, dan, eve))["chat_id"]
            one, other = turn % 2, 1 - turn % 2
            answers = await asyncio.gather(
                at(one, ada, "POST", "/transfer", {"user_id": bob.user_id}),
                at(other, ada, "PATCH", f"/members/{dan.user_id}", {"role": "admin"}),
                at(one, ada, "PATCH", f"/members/{eve.user_id}", {"banned": True}),
                at(other, ada, "POST", "/leave"),
                at(one, cleo, "POST", "/leave"),
                at(other, ada, "PATCH", "", {"title": "All at once"}),
            )

            assert {answer.status_code for answer in answers} <= OUTCOMES
            done = sum(answer.is_success for answer in answers)
            roles = await is_consistent(bob, chat_id, done)
            assert ada.user_id not in roles or not answers[3].is_success
            assert cleo.user_id not in roles or not answers[4].is_success
            assert eve.user_id not in roles or not answers[2].is_success


async def test_of_two_edits_of_one_version_over_two_services_one_is_refused(people, fleet):
    ada, bob = await people.join("Ada", "Bob")
    async with two_services(fleet) as services:
        chat_id = (await ada.make_group("First", bob))["chat_id"]
        for turn in range(ROUNDS):
            etag = (await ada.call("GET", f"/v1/chats/{chat_id}")).headers["etag"]
            answers = await asyncio.gather(
                *(
                    one.call("PATCH", f"/v1/chats/{chat_id}", {"title": f"{turn}"}, ada.token, headers={"If-Match": etag})
                    for one in services
                )
            )
            assert sorted(answer.status_code for answer in answers) == [200, 412]
        await is_consistent(ada, chat_id, ROUNDS)


async def test_of_two_owners_who_step_down_over_two_services_one_stays(people, fleet):
    ada, bob, cleo = await people.join("Ada", "Bob", "Cleo")
    async with two_services(fleet) as services:
        for _ in range(ROUNDS):
            chat_id = (await ada.make_group("Ours", bob, cleo))["chat_id"]
            member = f"/v1/chats/{chat_id}/members"
            fields_of(await ada.call("PATCH", f"{member}/{bob.user_id}", {"role": "owner"}), 200)
            answers = await asyncio.gather(
                *(
                    service.call("PATCH", f"{member}/{who.user_id}", {"role": "admin"}, who.token)
                    for service, who in zip(services, (ada, bob), strict=True)
                )
            )
            assert sorted(answer.status_code for answer in answers) == [200, 409]
            roles = await is_consistent(cleo, chat_id, 2)
            assert sorted(roles.values()) == ["admin", "member", "owner"]
