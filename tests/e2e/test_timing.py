"""R22: how long an answer takes does not tell whether an address is known. Robust: medians of requests in turn."""

import statistics
import time
import uuid

import pytest
from client import Person

LOGIN = "/v1/auth/login"
GAP = 0.10  # between medians
SAMPLES = 200
ROUNDS = 3  # a real difference shows in each of them, a busy machine hardly ever


def somebody(people):
    return Person(people.api, people.mailpit_url, "Guess")


def logins(known, unknown):
    return [
        (LOGIN, {"email": one, "password": f"wrong {uuid.uuid4()}", "device_id": "d", "device_name": "x"})
        for one in (known, unknown)
    ]


class Stopwatch:
    """Two kinds of request, in turn, so that whatever slows the machine down slows both."""

    def __init__(self, api):
        self.api, self.seconds = api, ([], [])

    async def race(self, requests):
        for kind in (0, 1) if len(self.seconds[0]) % 2 else (1, 0):
            path, body = requests[kind]
            began = time.perf_counter()
            answer = await self.api.call("POST", path, body)
            self.seconds[kind].append(time.perf_counter() - began)
            assert answer.status_code not in (429, 503), answer.text

    @property
    def medians(self):
        return [statistics.median(of_one_kind) for of_one_kind in self.seconds]

    @property
    def gap(self):
        return abs(self.medians[0] - self.medians[1]) / max(self.medians)

    def __str__(self):
        return f"medians {self.medians[0] * 1000:.2f} and {self.medians[1] * 1000:.2f} ms, {self.gap:.1%} apart"


async def no_gap(people, name, pairs):
    """pairs(): SAMPLES pairs of requests. Good when one round shows no gap."""
    for _ in range(ROUNDS):
        watch = Stopwatch(people.api)
        for requests in await pairs():
            await watch.race(requests)
        print(f"\n{name}: {watch}")
        if watch.gap < GAP:
            return
    raise AssertionError(f"{name}: {watch}")


@pytest.mark.long
async def test_a_login_takes_as_long_for_a_known_address(people):
    known = await people.join("Known")

    async def pairs():
        return [logins(known.email, somebody(people).email) for _ in range(SAMPLES)]

    await no_gap(people, "login", pairs)
