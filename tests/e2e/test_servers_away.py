"""R7, R8: PostgreSQL or Redis is gone under traffic, and comes back: killed, so that Redis comes back empty; or silent,
as behind a network that swallows everything, where each question has to be given up.

What needs it is refused in time and with 503, all else goes on, nothing that was accepted is lost. FerretDB, which
stands in for MongoDB here, keeps its documents in the same PostgreSQL: without it, histories can't be read either.
"""

import asyncio
import time
import uuid

import pytest
from client import Person, attempts
from fleet import slowness
from outages import PER_SECOND, Traffic, ask_readiness, run_all, silent, without

SECONDS = [4, pytest.param(30, marks=pytest.mark.long)]
FAULTS = [pytest.param(without, id="killed"), pytest.param(silent, id="silent")]
NOT_DONE, NOT_KNOWN = 503, 504  # of a change that a silent server may have taken in, nobody knows
BACK_SECONDS = 15
LIVE_SECONDS = 5
REFUSED_SECONDS = 1
PRESENT_SECONDS = 30
NOBODY = {"verification_id": "a" * 43, "email": "nobody@example.org"}
UNEASY_SECONDS = 5  # in which what is away may hold things up
NEED_NO_REDIS = ("api-gateway", "auth-service", "user-service", "chat-service", "message-service", "notification-service")


def login(people, person):
    body = {"email": person.email, "password": person.password, "device_id": "another", "device_name": "x"}
    return people.api.call("POST", "/v1/auth/login", body)


def registration(person):
    fields = {"email": person.email, "password": person.password, "handle": person.handle, "display_name": person.name}
    return person.api.call("POST", "/v1/auth/register", fields)


def a_newcomer(people, newcomers):
    newcomers.append(Person(people.api, people.mailpit_url, "Newcomer"))
    return newcomers[-1]


def readiness(fleet, *services):
    """What each of their daemons' /readyz is to be asked for, by name."""
    found = {name: one for name, one in fleet.daemons().items() if name.rpartition("-")[0] in services}
    return {name: lambda one=one: ask_readiness(one) for name, one in found.items()}


async def is_refused_after_log_out(person):
    body = {"refresh_token": person.refresh_token}
    async for _ in attempts("the log-out is answered"):  # as a client does, after a 503
        if (await person.call("POST", "/v1/auth/logout", body)).status_code == 204:
            break
    began = time.monotonic()
    async for _ in attempts("the token is refused", pause=0.02):
        if (await person.call("GET", "/v1/users/me")).status_code == 401:
            break
    took = time.monotonic() - began
    print(f"\nrefused {took:.2f} s after the log-out")
    assert took <= REFUSED_SECONDS * slowness()


async def is_served_again(what, ask):
    began = time.monotonic()
    async for _ in attempts(f"{what} is served again", seconds=BACK_SECONDS * slowness()):
        if (answer := await ask()).status_code < 300:
            print(f"{what}: served again after {time.monotonic() - began:.1f} s")
            return answer


@pytest.mark.parametrize("seconds", SECONDS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_without_postgresql_tokens_go_on_working(people, fleet, fault, seconds):
    ada, bob = await people.join("Ada", "Bob")
    newcomers = []
    traffic = await Traffic.begin(people, fleet, seconds)
    refresh = {"refresh_token": ada.refresh_token, "device_id": ada.device_id}
    edges = readiness(fleet, "api-gateway")

    async with fault(fleet, "postgres", seconds) as until:
        accepted_before = traffic.crowd.count_accepted()
        probes = await run_all(
            until,
            **edges,
            login=lambda: login(people, bob),
            refresh=lambda: people.api.call("POST", "/v1/auth/refresh", refresh),
            register=lambda: registration(a_newcomer(people, newcomers)),
            profile=lambda: ada.call("GET", "/v1/users/me"),
            presence=lambda: ada.call("GET", "/v1/users/presence", params={"ids": bob.user_id}),
            forged=lambda: people.api.call("GET", "/v1/users/me", token=ada.token + "x"),
        )
        accepted_meanwhile = traffic.crowd.count_accepted() - accepted_before

    for name in ("profile", "presence"):  # who may see whom is in PostgreSQL
        probes[name].all_were(NOT_DONE)
    for name in ("login", "refresh", "register"):
        probes[name].all_were(*(NOT_DONE,) if fault is without else (NOT_DONE, NOT_KNOWN))
    probes["forged"].all_were(401)
    for name in edges:
        probes[name].all_were(200)
    assert accepted_meanwhile >= seconds * PER_SECOND / 3, "those who were in went on talking"
    await is_served_again("login", lambda: login(people, bob))
    await is_served_again("refresh", lambda: people.api.call("POST", "/v1/auth/refresh", refresh))
    await is_served_again("profile", lambda: ada.call("GET", "/v1/users/me"))
    await newcomers[0].join()
    await traffic.ends_well()


async def test_a_registration_that_was_confirmed_outlives_the_server(people, fleet):
    """202 means stored: the mail comes, even when PostgreSQL dies in the middle of many."""
    newcomers = [Person(people.api, people.mailpit_url, "Newcomer") for _ in range(6)]
    asked = [asyncio.create_task(registration(one)) for one in newcomers]
    await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    async with without(fleet, "postgres", 0):
        answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} <= {202, 503, 504}
    confirmed = [pair for pair in zip(newcomers, answers, strict=True) if pair[1].status_code == 202]
    assert confirmed
    for one, answer in confirmed:
        one.asked(answer)
        body = one.with_code(await one.mailed_code())
        await is_served_again("verify", lambda body=body: people.api.call("POST", "/v1/auth/otp/verify", body))


@pytest.mark.parametrize("seconds", SECONDS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_without_redis_messages_go_on(people, fleet, fault, seconds):
    ada, bob, gone = await people.join("Ada", "Bob", "Gone")
    chat_id = (await ada.make_group("Engines", bob))["chat_id"]
    traffic = await Traffic.begin(people, fleet, seconds)
    daemons = readiness(fleet, *NEED_NO_REDIS)

    async with fault(fleet, "redis", seconds) as until:
        accepted_before = traffic.crowd.count_accepted()
        probes = await run_all(
            until,
            **daemons,
            profile=lambda: ada.call("GET", "/v1/users/me"),
            history=lambda: ada.call("GET", f"/v1/chats/{chat_id}/messages"),
            presence=lambda: ada.call("GET", "/v1/users/presence", params={"ids": bob.user_id}),
            code=lambda: people.api.call("POST", "/v1/auth/otp/resend", NOBODY),
            forged=lambda: people.api.call("GET", "/v1/users/me", token=ada.token + "x"),
        )
        accepted_meanwhile = traffic.crowd.count_accepted() - accepted_before
        await is_refused_after_log_out(gone)

    probes["profile"].all_were(200)
    probes["history"].all_were(200)
    probes["presence"].all_were(NOT_DONE)
    probes["code"].all_were(*(NOT_DONE,) if fault is without else (NOT_DONE, NOT_KNOWN))
    probes["forged"].all_were(401)
    for name in daemons:
        probes[name].all_were(200)
    assert accepted_meanwhile >= (seconds - UNEASY_SECONDS) * PER_SECOND / 3, "they went on talking"
    await is_served_again("presence", lambda: ada.call("GET", "/v1/users/presence", params={"ids": bob.user_id}))
    await traffic.ends_well()


async def test_an_empty_redis_is_filled_again(people, fleet):
    """Live delivery, presence, revocations: what was only there comes back from those who know it."""
    gateways = fleet.gateways()
    ada, bob, gone = await people.join("Ada", "Bob", "Gone")
    chat_id = (await ada.make_group("Engines", bob))["chat_id"]
    at_ada, at_bob = await people.connect(ada, gateways[0]), await people.connect(bob, gateways[1])
    newcomer = Person(people.api, people.mailpit_url, "Newcomer")
    newcomer.asked(await registration(newcomer))
    lost = await newcomer.mailed_code()
    await gone.log_out()
    async for _ in attempts("the token is refused"):
        if (await gone.call("GET", "/v1/users/me")).status_code == 401:
            break

    async with without(fleet, "redis", 0):
        pass
    back_at = time.monotonic()

    await heard_live(at_ada, at_bob, chat_id)
    assert time.monotonic() - back_at <= LIVE_SECONDS * slowness()
    async for _ in attempts("presence is rebuilt", seconds=PRESENT_SECONDS * slowness()):
        answer = await ada.call("GET", "/v1/users/presence", params={"ids": bob.user_id})
        if answer.status_code == 200 and answer.json()["items"][0]["state"] == "online":
            break
    print(f"\npresence was there again {time.monotonic() - back_at:.1f} s after Redis")
    assert (await gone.call("GET", "/v1/users/me")).status_code == 401
    await another_code_is_good(newcomer, lost)


async def another_code_is_good(newcomer, lost):
    """The registration is still there; the code that was only in Redis is not."""
    verify = "/v1/auth/otp/verify"
    assert (await newcomer.api.call("POST", verify, newcomer.with_code(lost))).status_code == 401
    resend = {"verification_id": newcomer.verification_id, "email": newcomer.email}
    newcomer.asked(await newcomer.api.call("POST", "/v1/auth/otp/resend", resend))
    async for _ in attempts("another code"):
        code = await newcomer.mailed_code()
        if code != lost:
            break
    assert (await newcomer.api.call("POST", verify, newcomer.with_code(code))).status_code == 200
    await newcomer.log_in()


async def heard_live(sender, receiver, chat_id):
    """One of the lines said from now on arrives by itself; the first ones may need the repair that is due later."""
    number = 0
    async for _ in attempts("a live message", pause=0.1):
        number += 1
        line, client_msg_id = f"line {number} after the fault", str(uuid.uuid4())
        reply = await sender.request("send", chat_id=chat_id, client_msg_id=client_msg_id, type="text", body=line)
        if not reply.get("ok"):
            continue
        try:
            return await receiver.expect(
                lambda frame: frame.get("t") == "message" and frame["message"]["body"] == line, seconds=0.5
            )
        except AssertionError:
            continue


async def test_revocations_outlive_redis_and_the_gateway(people, fleet):
    """R7: a gateway that starts with an empty Redis knows who was logged out before it says that it is ready."""
    gone = await people.join("Gone")
    await gone.log_out()
    async with without(fleet, "redis", 0):
        pass
    await asyncio.to_thread(fleet.restart, "api-gateway-1")
    assert (await gone.call("GET", "/v1/users/me")).status_code == 401
    for url in fleet.gateways():
        socket = await people.connect(url=url)
        await socket.send("auth", token=gone.token, device_id=gone.device_id)
        assert await socket.expect_close() in (4300, 4301)
