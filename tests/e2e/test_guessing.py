"""R21, R22: codes are not guessed, not even in parallel, and no answer tells whether an address is known."""

import asyncio
import uuid

import pytest
from client import Person, attempts

REGISTER, VERIFY, RESEND, LOGIN = (f"/v1/auth/{word}" for word in ("register", "otp/verify", "otp/resend", "login"))
TRIES = 5  # of one code
MAILS = 4  # to one address in ten minutes, the first one included
OF_THE_REQUEST = {"x-request-id", "date", "traceparent", "ratelimit", "content-length"}


def somebody(people):
    person = Person(people.api, people.mailpit_url, "Guess")
    person.verification_id = "a" * 43  # nobody's
    return person


def registration(person, **changes):
    fields = {"email": person.email, "password": person.password, "handle": person.handle, "display_name": person.name}
    return fields | changes


async def registered(people):
    """Waiting for the code. (person, code)."""
    person = somebody(people)
    person.asked(await people.api.call("POST", REGISTER, registration(person)))
    return person, await person.mailed_code()


async def verify(people, person, code):
    return await people.api.call("POST", VERIFY, person.with_code(code))


async def resend(people, person):
    body = {"verification_id": person.verification_id, "email": person.email}
    return await people.api.call("POST", RESEND, body)


def other_codes(code, count):
    return [f"{(int(code) + step) % 1_000_000:06}" for step in range(1, count + 1)]


# ---- codes


async def test_five_wrong_tries_end_a_code(people):
    person, code = await registered(people)
    for wrong in other_codes(code, TRIES):
        assert (await verify(people, person, wrong)).status_code == 401
    assert (await verify(people, person, code)).status_code == 401


async def test_four_wrong_tries_do_not(people):
    person, code = await registered(people)
    for wrong in other_codes(code, TRIES - 1):
        assert (await verify(people, person, wrong)).status_code == 401
    assert (await verify(people, person, code)).status_code == 200


async def test_guesses_at_the_same_time_share_the_five_tries(people):
    """Sixty guesses, the right one last: whatever the order in which they arrive, no more than five were looked at."""
    person, code = await registered(people)
    wrong = await asyncio.gather(*(verify(people, person, guess) for guess in other_codes(code, 60)))
    assert {answer.status_code for answer in wrong} <= {401, 429}  # so many from one place are too many as well
    assert (await verify(people, person, code)).status_code in (401, 429)
    login = {"email": person.email, "password": person.password, "device_id": "d"}
    assert (await people.api.call("POST", LOGIN, login)).status_code == 401


async def test_a_used_code_is_used_up(people):
    person, code = await registered(people)
    assert (await verify(people, person, code)).status_code == 200
    assert (await verify(people, person, code)).status_code == 401


async def test_a_new_code_replaces_the_old_one_and_its_tries(people):
    person, first = await registered(people)
    for wrong in other_codes(first, TRIES):
        await verify(people, person, wrong)
    assert (await resend(people, person)).status_code == 202
    async for _ in attempts("another code"):
        second = await person.mailed_code()
        if second != first:
            break
    assert (await verify(people, person, first)).status_code == 401
    assert (await verify(people, person, second)).status_code == 200


async def test_a_code_is_of_one_address_only(people):
    (ada, _), (eve, code) = await asyncio.gather(registered(people), registered(people))
    assert (await verify(people, ada, code)).status_code == 401
    assert (await verify(people, eve, code)).status_code == 200


async def test_a_code_is_of_one_registration_only(people):
    """Whoever registers somebody else's address waits for nothing: her code makes her own password good."""
    eve = somebody(people)
    ada, code = await registered(people)
    eve.email = ada.email
    eve.asked(await people.api.call("POST", REGISTER, registration(eve)))
    for _ in range(TRIES + 1):
        assert (await verify(people, eve, code)).status_code == 401
    assert (await verify(people, ada, code)).status_code == 200
    await ada.log_in()
    login = {"email": ada.email, "password": eve.password, "device_id": "d"}
    assert (await people.api.call("POST", LOGIN, login)).status_code == 401


async def test_mails_to_one_address_are_counted_in_parallel_too(people):
    person = somebody(people)
    answers = await asyncio.gather(*(resend(people, person) for _ in range(20)))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(202) == MAILS and statuses.count(429) == 20 - MAILS
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers if answer.status_code == 429)


BAD_CODES = ["", "1", "12345", "1234567", "abcdef", "１２３４５６", "12 456", "-12345", "123456\n", "0x1234"]


@pytest.mark.parametrize("code", BAD_CODES, ids=ascii)
async def test_what_is_no_code_costs_no_try(people, code):
    person = somebody(people)
    assert (await verify(people, person, code)).status_code == 400


# ---- enumeration


def told(answer):
    """All of an answer that could differ, without what differs for each request."""
    body = answer.json() if answer.content else None
    if isinstance(body, dict):
        body = {key: value for key, value in body.items() if key not in ("trace_id", "verification_id")}
    headers = {name: value for name, value in answer.headers.items() if name not in OF_THE_REQUEST}
    return answer.status_code, body, headers


async def test_no_answer_tells_whether_an_address_is_known(people):
    known, pending, unknown = await people.join("Known"), (await registered(people))[0], somebody(people)
    asked = {
        "login": lambda one: (LOGIN, {"email": one.email, "password": "wrong words here", "device_id": "d"}),
        "resend": lambda one: (RESEND, {"verification_id": one.verification_id, "email": one.email}),
        "forgot": lambda one: ("/v1/auth/password/forgot", {"email": one.email}),
        "verify": lambda one: (VERIFY, one.with_code("000000")),
        "register": lambda one: (REGISTER, registration(one, handle=f"new_{uuid.uuid4().hex[:8]}")),
    }
    for name, request in asked.items():
        answers = [await people.api.call("POST", *request(one)) for one in (known, pending, unknown)]
        first, *others = [told(answer) for answer in answers]
        assert all(other == first for other in others), f"{name}: {first} {others}"


async def test_a_wrong_password_and_an_unverified_account_look_alike_without_the_password(people):
    pending, unknown = (await registered(people))[0], somebody(people)
    answers = [
        await people.api.call("POST", LOGIN, {"email": one.email, "password": "wrong words here", "device_id": "d"})
        for one in (pending, unknown)
    ]
    assert told(answers[0]) == told(answers[1])
