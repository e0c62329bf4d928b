"""R15: two gateways share every limit and keep it within five percent; the fields say what it is; it ends on time."""

import asyncio
import math
import re
import time
import uuid
from contextlib import asynccontextmanager

import pytest
from client import Api, attempts
from fleet import slowness

ASKED = "/v1/users/me"  # needs no Redis
RATE, BURST = 5, 10  # a fraction of what even a busy machine can be asked
SECONDS = 12
AT_ONCE = 6  # requests under way at each gateway
TOLERANCE = 0.05
UNLIMITED = dict.fromkeys(("rate_read_per_s", "rate_write_per_s", "rate_address_per_s", "rate_global_per_s"), 0)
FIELD = re.compile(r'^"(\w+)";r=(\d+);t=(\d+)$')
POLICY = re.compile(r'^"(\w+)";q=(\d+);w=(\d+)$')


def limit(name, rate=RATE, burst=BURST):
    return {f"rate_{name}_per_s": rate, f"rate_{name}_burst": burst}


@asynccontextmanager
async def two_gateways(fleet, **limits):
    """Processes beside the fleet's own; each an Api. Clients may say where they come from."""
    settings = UNLIMITED | limits | {"trusted_proxies": "127.0.0.1/32"}
    async with fleet.beside("api-gateway-1", **settings) as one, fleet.beside("api-gateway-1", **settings) as two:
        apis = [Api(one.url), Api(two.url)]
        try:
            yield apis
        finally:
            await asyncio.gather(*(api.close() for api in apis))


def an_address():
    number = uuid.uuid4().int
    return f"2001:db8:{number >> 16 & 0xFFFF:x}:{number & 0xFFFF:x}::1"


class Count:
    """What was admitted between the first answer and the last: a bucket that is full gains nothing."""

    def __init__(self):
        self.admitted = self.refused = 0
        self.names = set()
        self.began = self.ended = None

    def note(self, answer):
        assert answer.status_code in (200, 429), answer.text
        self.ended = time.monotonic()
        self.began = self.began or self.ended
        if answer.status_code == 200:
            self.admitted += 1
            return
        self.refused += 1
        self.names.add(FIELD.match(answer.headers["RateLimit"]).group(1))
        assert int(answer.headers["Retry-After"]) >= 1

    def of_policy(self, buckets=1):
        return self.admitted / (buckets * (BURST + RATE * (self.ended - self.began)))


async def press(apis, people, address=None):
    """More requests than the limit admits, at all gateways at once, for SECONDS."""
    count, until = Count(), time.monotonic() + SECONDS

    async def ask(api, turn):
        while time.monotonic() < until:
            turn += 1
            person = people[turn % len(people)]
            headers = {"X-Forwarded-For": address or an_address()}
            count.note(await api.call("GET", ASKED, token=person.token, headers=headers))

    await asyncio.gather(*(ask(api, turn) for turn in range(AT_ONCE) for api in apis))
    return count


@pytest.mark.parametrize("name", ["read", *(pytest.param(name, marks=pytest.mark.long) for name in ("address", "global"))])
async def test_two_gateways_admit_what_the_policy_says(people, fleet, name):
    """One person, two people at one address, two people anywhere: each limit alone."""
    crowd = await people.join("Ada", "Bob")
    crowd = crowd[:1] if name == "read" else crowd
    address = an_address() if name == "address" else None
    async with two_gateways(fleet, **limit(name)) as apis:
        count = await press(apis, crowd, address)
    share = count.of_policy()
    print(f"\n{name}: {count.admitted} admitted, {count.refused} refused, {share:.3f} of the policy")
    assert count.refused, "there was no pressure"
    assert count.names == {name}
    assert abs(share - 1) <= TOLERANCE


async def test_a_person_has_one_limit_and_another_person_their_own(people, fleet):
    ada, bob = await people.join("Ada", "Bob")
    async with two_gateways(fleet, **limit("read", rate=1, burst=3)) as apis:
        async for _ in attempts("Ada is refused", pause=0):
            if (await apis[0].call("GET", ASKED, token=ada.token)).status_code == 429:
                break
        for api in apis:
            assert (await api.call("GET", ASKED, token=bob.token)).status_code == 200


async def test_the_fields_say_what_is_left_and_when_there_is_more(people, fleet):
    """draft-ietf-httpapi-ratelimit-headers: q in a window of w seconds; r left; t seconds until there is more."""
    burst, rate = 4, 1
    ada = await people.join("Ada")
    async with two_gateways(fleet, **limit("read", rate, burst)) as apis:
        left = []
        for turn in range(100):
            answer = await apis[turn % 2].call("GET", ASKED, token=ada.token)
            policy = POLICY.match(answer.headers["RateLimit-Policy"])
            assert policy.groups() == ("read", str(burst), str(burst // rate))
            left.append(int(FIELD.match(answer.headers["RateLimit"]).group(2)))
            if answer.status_code == 429:
                break
        refused_at, wait = time.monotonic(), int(answer.headers["Retry-After"])
        assert left[0] == burst - 1 and left[-1] == 0
        assert all(after >= before - 1 for before, after in zip(left, left[1:], strict=False))
        assert answer.headers["RateLimit"] == f'"read";r=0;t={wait}' and wait == math.ceil(1 / rate)

        async for _ in attempts("there is more", pause=0.02):
            if (await apis[0].call("GET", ASKED, token=ada.token)).status_code == 200:
                break
        assert time.monotonic() - refused_at <= wait + 0.3 * slowness()


@pytest.mark.long
async def test_without_redis_each_gateway_limits_alone(people, fleet):
    """The documented fallback: nobody is locked out, and n gateways admit n times the rate at most."""
    ada = await people.join("Ada")
    async with two_gateways(fleet, **limit("read")) as apis:
        with fleet.without("redis"):
            async for _ in attempts("a gateway answers without Redis"):
                if (await apis[0].call("GET", ASKED, token=ada.token)).status_code in (200, 429):
                    break
            count = await press(apis, [ada])
        share = count.of_policy(buckets=len(apis))
        print(f"\nwithout Redis: {count.admitted} admitted, {count.refused} refused, {share:.3f} of twice the policy")
        assert count.refused > 0 and 0.5 <= share <= 1 + TOLERANCE

        async for _ in attempts("they share one bucket again"):
            count = await press(apis, [ada])
            if count.of_policy() <= 1 + TOLERANCE:
                break
