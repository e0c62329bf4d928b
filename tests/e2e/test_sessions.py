"""R17, R18: refresh tokens that are rotated, repeated, raced for and stolen; and what the end of a session ends."""

import asyncio
import copy
import time

import pytest
from client import attempts, fields_of
from fleet import slowness

REFRESH = "/v1/auth/refresh"
REPEAT_SECONDS = 10  # so long the same successor comes again
REFUSED_SECONDS = 1  # from the end of a session to the refusal of its access tokens, on a quiet machine
CLOSED_SECONDS = 2
SESSION_ENDED = 4301
# Services that look at revocations themselves; the others rely on the edge, and on tokens that live ten minutes.
OWN_DOORS = {
    "auth-service-1": "/v1/sessions",
    "message-service-1": "/v1/chats/00000000-0000-4000-8000-000000000000/messages",
}


async def refresh(person, token):
    return await person.api.call("POST", REFRESH, {"refresh_token": token, "device_id": person.device_id})


async def rotated(person, token):
    return fields_of(await refresh(person, token), 200)


async def seconds_until_refused(person, path="/v1/users/me"):
    began = time.monotonic()
    async for _ in attempts("the access token is refused", pause=0.01):
        if (await person.call("GET", path)).status_code == 401:
            return time.monotonic() - began


async def seconds_until_closed(socket):
    began = time.monotonic()
    assert await socket.expect_close() == SESSION_ENDED
    return time.monotonic() - began


async def ends(person, *sockets):
    """The session's access token is refused within a second, its sockets are closed within two, on any gateway."""
    refused, *closed = await asyncio.gather(
        seconds_until_refused(person), *(seconds_until_closed(socket) for socket in sockets)
    )
    assert refused <= REFUSED_SECONDS * slowness()
    assert max(closed, default=0) <= CLOSED_SECONDS * slowness()


async def test_a_refresh_token_is_replaced_and_the_new_one_works(people):
    ada = await people.join("Ada")
    first = await rotated(ada, ada.refresh_token)
    second = await rotated(ada, first["refresh_token"])
    assert len({ada.refresh_token, first["refresh_token"], second["refresh_token"]}) == 3
    assert first["session_id"] == second["session_id"] == ada.session_id
    assert (await people.api.call("GET", "/v1/users/me", token=second["access_token"])).status_code == 200


async def test_a_lost_answer_is_given_again(people):
    ada = await people.join("Ada")
    first, again = await rotated(ada, ada.refresh_token), await rotated(ada, ada.refresh_token)
    assert first["refresh_token"] == again["refresh_token"]
    assert (await people.api.call("GET", "/v1/users/me", token=again["access_token"])).status_code == 200


async def test_twenty_uses_of_one_token_at_the_same_time_find_one_successor(people):
    ada = await people.join("Ada")
    answers = await asyncio.gather(*(refresh(ada, ada.refresh_token) for _ in range(20)))

    assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
    successors = {answer.json()["refresh_token"] for answer in answers}
    assert len(successors) == 1
    await rotated(ada, successors.pop())
    sessions = (await ada.get("/v1/sessions"))["items"]
    assert [one["session_id"] for one in sessions] == [ada.session_id]


async def test_a_stolen_refresh_token_ends_the_session_for_thief_and_victim(people, fleet):
    """The thief was first; the victim comes back later. Nobody knows who is who, so both are out."""
    victim = await people.join("Victim")
    sockets = [await people.connect(victim, url) for url in fleet.gateways()]
    stolen_at = time.monotonic()
    thief = await rotated(victim, victim.refresh_token)

    async for _ in attempts("the old token stops giving a successor", seconds=REPEAT_SECONDS * 3, pause=0.5):
        answer = await refresh(victim, victim.refresh_token)
        if answer.status_code != 200:
            break
        assert answer.json()["refresh_token"] == thief["refresh_token"]
    assert answer.status_code == 401
    assert time.monotonic() - stolen_at >= REPEAT_SECONDS

    await ends(victim, *sockets)
    assert (await people.api.call("GET", "/v1/users/me", token=thief["access_token"])).status_code == 401
    assert (await refresh(victim, thief["refresh_token"])).status_code == 401
    await victim.log_in()
    assert (await victim.get("/v1/users/me"))["user_id"] == victim.user_id


async def test_a_refresh_token_is_of_one_device(people, fleet):
    """A thief who is at once at work on a device of his own gets nothing, and the session ends."""
    victim = await people.join("Victim")
    sockets = [await people.connect(victim, url) for url in fleet.gateways()]
    await rotated(victim, victim.refresh_token)
    thief = copy.copy(victim)
    thief.device_id = "stolen"

    assert (await refresh(thief, victim.refresh_token)).status_code == 401

    await ends(victim, *sockets)


async def test_a_thief_can_not_leave_the_device_out(people, fleet):
    """Once the device has been named; a client that never names it is served too."""
    nameless, victim = await people.join("Nameless", "Victim")
    sockets = [await people.connect(victim, url) for url in fleet.gateways()]
    await rotated(victim, victim.refresh_token)

    for _ in range(2):
        answer = fields_of(await people.api.call("POST", REFRESH, {"refresh_token": nameless.refresh_token}), 200)
        nameless.refresh_token = answer["refresh_token"]
    body = {"refresh_token": victim.refresh_token}
    assert (await people.api.call("POST", REFRESH, body)).status_code == 401
    await ends(victim, *sockets)


@pytest.mark.parametrize("token", ["", "x", "a" * 43, "a" * 4000, "' OR ''='", "\x00"])
async def test_refresh_tokens_that_are_none_are_refused(people, token):
    body = {"refresh_token": token, "device_id": "d"}
    assert (await people.api.call("POST", REFRESH, body)).status_code in (400, 401)


async def test_an_access_token_is_no_refresh_token(people):
    ada = await people.somebody()
    assert (await refresh(ada, ada.token)).status_code in (400, 401)


async def test_logging_out_ends_everything_of_that_session_and_nothing_else(people, fleet):
    phone = await people.join("Ada")
    laptop = await another_device(phone)
    at_phone = [await people.connect(phone, url) for url in fleet.gateways()]
    at_laptop = await people.connect(laptop)

    await phone.log_out()

    await ends(phone, *at_phone)
    assert (await refresh(phone, phone.refresh_token)).status_code == 401
    assert (await laptop.get("/v1/users/me"))["user_id"] == phone.user_id
    assert (await at_laptop.request("ping"))["t"] == "pong"


async def test_another_device_can_be_logged_out(people, fleet):
    phone = await people.join("Ada")
    laptop = await another_device(phone)
    at_laptop = [await people.connect(laptop, url) for url in fleet.gateways()]

    assert (await phone.call("DELETE", f"/v1/sessions/{laptop.session_id}")).status_code == 204

    await ends(laptop, *at_laptop)
    assert (await refresh(laptop, laptop.refresh_token)).status_code == 401
    assert (await phone.get("/v1/users/me"))["user_id"] == phone.user_id


async def test_all_other_devices_can_be_logged_out_at_once(people):
    phone = await people.join("Ada")
    others = [await another_device(phone) for _ in range(3)]
    sockets = [await people.connect(one) for one in others]

    assert (await phone.call("DELETE", "/v1/sessions?others=true")).status_code == 204

    await asyncio.gather(*(ends(one, socket) for one, socket in zip(others, sockets, strict=True)))
    assert [one["session_id"] for one in (await phone.get("/v1/sessions"))["items"]] == [phone.session_id]


async def test_every_service_refuses_what_the_edge_refuses(people, fleet):
    """An access token of an ended session is refused behind the edge too."""
    ada = await people.join("Ada")
    await ada.log_out()
    await seconds_until_refused(ada)
    daemons = fleet.daemons()
    for name, path in OWN_DOORS.items():
        url = daemons[name].url + path
        async for _ in attempts(f"{name} refuses it"):
            if (await people.api.call("GET", url, token=ada.token)).status_code == 401:
                break


async def another_device(person):
    """The same person, logged in a second time."""
    other = copy.copy(person)
    other.device_id = f"{person.device_id}-{time.monotonic_ns()}"
    await other.log_in()
    return other
