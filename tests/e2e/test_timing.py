"""R22: how long an answer takes does not tell whether an address is known. Robust: medians of requests in turn."""

import statistics
import time
import uuid
from contextlib import asynccontextmanager

import pytest
from client import Api, Person

REGISTER, VERIFY, RESEND, LOGIN = (f"/v1/auth/{word}" for word in ("register", "otp/verify", "otp/resend", "login"))
FORGOT, RESET = (f"/v1/auth/password/{word}" for word in ("forgot", "reset"))
GAP = 0.10  # between medians
SAMPLES = 200
ROUNDS = 3  # a real difference shows in each of them, a busy machine hardly ever
USES = 10  # of one known account: so many mails may go to one address in ten minutes, whoever asks for them
ANSWERS = {"register": 202, "resend": 202, "forgot": 202, "login": 401, "verify": 401, "reset": 401}


def somebody(people):
    person = Person(people.api, people.mailpit_url, "Guess")
    person.verification_id = "a" * 43  # nobody's
    return person


def registration(person):
    body = {"email": person.email, "password": "a long pass phrase", "display_name": "Guess"}
    return REGISTER, body | {"handle": f"guess_{uuid.uuid4().hex[:10]}"}


REQUESTS = {
    "login": lambda one: (LOGIN, {"email": one.email, "password": f"wrong {uuid.uuid4()}", "device_id": "d"}),
    "register": registration,
    "resend": lambda one: (RESEND, {"verification_id": one.verification_id, "email": one.email}),
    "forgot": lambda one: (FORGOT, {"email": one.email}),
    "verify": lambda one: (VERIFY, one.with_code("000000")),
    "reset": lambda one: (RESET, one.with_code("000000") | {"password": "another pass phrase"}),
}


async def pending(people):
    person = somebody(people)
    person.asked(await people.api.call("POST", *registration(person)))
    return person


async def known_accounts(people, name):
    """Such as the request can do something for."""
    count = SAMPLES // USES
    if name in ("resend", "verify"):
        return [await pending(people) for _ in range(count)]
    return await people.join(*["Known"] * count)


class Stopwatch:
    """Two kinds of request, in turn, so that whatever slows the machine down slows both; each from a new place."""

    def __init__(self, api, status):
        self.api, self.status, self.seconds = api, status, ([], [])

    async def race(self, requests):
        for kind in (0, 1) if len(self.seconds[0]) % 2 else (1, 0):
            path, body = requests[kind]
            place = {"X-Forwarded-For": f"2001:db8:{uuid.uuid4().hex[:4]}:{uuid.uuid4().hex[:4]}::1"}
            began = time.perf_counter()
            answer = await self.api.call("POST", path, body, headers=place)
            self.seconds[kind].append(time.perf_counter() - began)
            assert answer.status_code == self.status, answer.text

    @property
    def medians(self):
        return [statistics.median(of_one_kind) for of_one_kind in self.seconds]

    @property
    def gap(self):
        return abs(self.medians[0] - self.medians[1]) / max(self.medians)

    def __str__(self):
        return f"medians {self.medians[0] * 1000:.2f} and {self.medians[1] * 1000:.2f} ms, {self.gap:.1%} apart"


@asynccontextmanager
async def a_door(fleet):
    """A gateway that believes where clients say they are: limits of one place are not what is measured."""
    limits = {"rate_auth_per_10s": 0, "rate_address_per_s": 0, "rate_global_per_s": 0}
    async with fleet.beside("api-gateway-1", trusted_proxies="127.0.0.1/32", **limits) as gateway:
        api = Api(gateway.url)
        try:
            yield api
        finally:
            await api.close()


@pytest.mark.long
@pytest.mark.parametrize("name", REQUESTS)
async def test_an_answer_takes_as_long_for_a_known_address(people, fleet, name):
    request = REQUESTS[name]
    async with a_door(fleet) as api:
        for _ in range(ROUNDS):
            watch = Stopwatch(api, ANSWERS[name])
            for account in await known_accounts(people, name):
                for _ in range(USES):
                    await watch.race((request(account), request(somebody(people))))
            print(f"\n{name}: {watch}")
            if watch.gap < GAP:
                return
    raise AssertionError(f"{name}: {watch}")
