"""What every test gets: people, the fleet, and tests that are coroutines."""

import asyncio
import copy
import inspect
import math
import os
import time

import documented
import pytest
from client import Api, Person, Socket
from fleet import Fleet

TEST_SECONDS = 480
JOIN_AT_ONCE = 4  # hashing a password takes a core for a while, on purpose
COMPLAINTS_SHOWN = 20
SOMEBODY_SECONDS = 240  # shorter than a token lives

# A hundred people from one address are no attack here, and a load test sends faster than a person may. The limits
# themselves are tested where they are made.
RAISED = {
    "api-gateway": {
        "rate_auth_per_10s": 0,
        "rate_token_per_10s": 0,
        "rate_read_per_s": 0,
        "rate_write_per_s": 0,
        "rate_address_per_s": 0,
        "rate_global_per_s": 0,
    },
    "websocket-gateway": {
        "send_per_s": 100000,
        "send_burst": 100000,
        "rate_write_per_s": 0,
        "max_unanswered": 1000,
        "queue_frames": 20000,
    },
}


class People:
    """Makes people and sockets, and closes what a test left open."""

    _somebody, _somebody_since = None, -math.inf

    def __init__(self):
        self.api = Api(required("CHAT_E2E_URL"))
        self.mailpit_url = required("CHAT_TEST_MAILPIT_URL")
        self._sockets = []
        self._door = asyncio.Semaphore(JOIN_AT_ONCE)

    async def join(self, *names):
        """One person for a name, a list for several."""
        joined = await asyncio.gather(*(self._join(name) for name in names))
        return joined[0] if len(names) == 1 else joined

    async def _join(self, name):
        async with self._door:
            return await Person(self.api, self.mailpit_url, name).join()

    async def somebody(self):
        """A person for tests to whom it makes no difference who it is: the same one for a while, to be quicker."""
        if time.monotonic() - self._somebody_since > SOMEBODY_SECONDS:
            People._somebody = await self.join("Somebody")
            People._somebody_since = time.monotonic()
        person = copy.copy(People._somebody)
        person.api = self.api
        return person

    async def connect(self, person=None, url=None, resume=None, **options):
        socket = await Socket.open(url or required("CHAT_E2E_WEBSOCKET_URL"), person, resume, **options)
        self._sockets.append(socket)
        return socket

    async def close(self):
        await asyncio.gather(*(socket.close() for socket in self._sockets), return_exceptions=True)
        await self.api.close()


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes minutes; only `infra/dev/chat test --full` runs it")
    config.addinivalue_line("markers", "soak: long, and against a fleet without sanitizers")


def pytest_collection_modifyitems(items):
    """What looks at all that the others have done comes last."""
    items.sort(key=lambda item: item.path.name.startswith("test_last_"))


def required(name):
    value = os.environ.get(name)
    assert value, f"{name} is not set: run these tests with infra/dev/chat test"
    return value


@pytest.fixture(scope="session")
def fleet():
    """The running daemons, with limits that do not stand in a test's way."""
    fleet = Fleet(required("CHAT_E2E_STACK"))
    fleet.raised = RAISED
    for name, settings in RAISED.items():
        print(f"\nlimits raised for these tests: {name} {settings}")
        fleet.restart(name)
    yield fleet
    fleet.raised = {}
    for name in RAISED:
        fleet.restart(name)


@pytest.fixture
def gateways(fleet):
    """Addresses of the websocket-gateways, for what must go from one to another."""
    urls = fleet.gateways()
    assert len(urls) >= 2, "this is tested across two websocket-gateways"
    return urls


@pytest.fixture
def people(fleet):
    return []  # replaced by a People inside the test's event loop


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item):
    """What was said and is not documented so fails the test that heard it."""
    try:
        outcome = yield
    except Exception as error:
        for complaint in documented.taken():
            error.add_note(f"not as documented: {complaint}")
        raise
    complaints = documented.taken()
    if complaints:
        pytest.fail("not as documented:\n" + "\n".join(complaints[:COMPLAINTS_SHOWN]), pytrace=False)
    return outcome


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """A coroutine runs in an event loop of its own, for at most TEST_SECONDS, or what `long(seconds=...)` says."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    marker = pyfuncitem.get_closest_marker("long")
    seconds = marker.kwargs.get("seconds", TEST_SECONDS) if marker else TEST_SECONDS
    asyncio.run(_run(pyfuncitem.obj, arguments, seconds))
    return True


async def _run(test, arguments, seconds):
    people = People() if "people" in arguments else None
    if people:
        arguments["people"] = people
    try:
        async with asyncio.timeout(seconds):
            await test(**arguments)
    finally:
        if people:
            await people.close()
