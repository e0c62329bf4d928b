"""Signing keys rotate under way: everybody knows the new one before it signs, and the old one ends when it must.

On an auth-service with a database of its own: the fleet's key is what other tests forge with.
"""

import asyncio
import subprocess
import time
import uuid
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from client import Api, Person, Socket, attempts, fields_of
from conftest import required
from fleet import run_daemon
from forge import Forger, Key, parts_of

LEAD_SECONDS = 90  # from the rotation on, until the new key signs
TOKEN_SECONDS = 20
GRACE_SECONDS = TOKEN_SECONDS + 60  # from then on, until the old one ends
KEYS_FETCHED_SECONDS = 60  # every verifier asks again so often
SLACK_SECONDS = 15
ASKED = "/v1/sessions"


def database(uri):
    """One that nobody else has."""
    name = f"keys_{uuid.uuid4().hex}"
    subprocess.run(["psql", "-XAtq", uri, "-c", f"CREATE DATABASE {name}"], check=True, timeout=30)
    return uri.rsplit("/", 1)[0] + f"/{name}"


class Installation:
    """An auth-service of its own, an edge in front of it, and two websocket-gateways that trust its keys."""

    def __init__(self, auth, edge, sockets):
        self.auth, self.edge, self.sockets = auth, edge, sockets
        self.api = Api(edge.url)

    def command(self, fleet, *words):
        model = fleet.daemons()["auth-service-1"]
        result = run_daemon(model, [*model.arguments, *words], self.auth.environment, seconds=30)
        assert result.returncode == 0, result.stderr
        return result.stdout.split()

    async def kids(self):
        answer = fields_of(await self.api.call("GET", "/.well-known/jwks.json"), 200)
        return {key["kid"] for key in answer["keys"]}

    async def accepts(self, person, token):
        """Where the token is taken: the edge, the service, each websocket-gateway."""
        urls = [self.edge.url + ASKED, self.auth.url + ASKED]
        found = [(await self.api.call("GET", url, token=token)).status_code == 200 for url in urls]
        return found + [await opens(f"ws://127.0.0.1:{one.port}/v1/ws", person, token) for one in self.sockets]


async def opens(url, person, token):
    socket = await Socket.open(url)
    try:
        await socket.send("auth", token=token, device_id=person.device_id)
        while socket.close_code is None:
            if socket.all("ready"):
                return True
            await socket.frames_from(len(socket.frames))
        return bool(socket.all("ready"))
    finally:
        await socket.close()


@asynccontextmanager
async def an_installation(fleet):
    model = fleet.daemons()["auth-service-1"]
    settings = {"postgres_uri": database(required("CHAT_TEST_POSTGRES_URI")), "access_token_s": TOKEN_SECONDS}
    environment = model.environment | {f"CHAT_{key.upper()}": str(value) for key, value in settings.items()}
    migrated = await asyncio.to_thread(run_daemon, model, [*model.arguments, "--migrate"], environment, 60)
    assert migrated.returncode == 0, migrated.stderr
    async with AsyncExitStack() as stack:
        auth = await stack.enter_async_context(fleet.beside("auth-service-1", **settings))
        keys = {"jwks_urls": f"{auth.ops_url}/internal/jwks.json"}
        edge = {"auth_service_urls": auth.url, "auth_service_internal_urls": auth.ops_url, "ready_port_distance": 0}
        edge = await stack.enter_async_context(fleet.beside("api-gateway-1", **keys, **edge))
        names = ("websocket-gateway-1", "websocket-gateway-2")
        sockets = [await stack.enter_async_context(fleet.beside(name, **keys)) for name in names]
        installation = Installation(auth, edge, sockets)
        stack.push_async_callback(installation.api.close)
        yield installation


@pytest.mark.long
async def test_a_rotated_key_is_known_before_it_signs_and_its_predecessor_ends(people, fleet):
    everywhere, nowhere = [True] * 4, [False] * 4
    old_key = Key.of_the_fleet(fleet)
    async with an_installation(fleet) as installation:
        ada = await Person(installation.api, people.mailpit_url, "Ada").join()
        old_kid = parts_of(ada.token)[0]["kid"]
        far = int(time.time()) + 3600  # longer than any of its tokens lives: the key is what ends
        of_old_key = Forger(ada.token, old_key).with_claims(exp=far)
        assert await installation.accepts(ada, of_old_key) == everywhere

        rotated_at = time.monotonic()
        (new_kid, *_) = installation.command(fleet, "keys", "rotate")
        async for _ in attempts("both keys are published", seconds=75, pause=0.2):  # the edge asks once a minute
            if await installation.kids() == {old_kid, new_kid}:
                break

        async for _ in attempts("the new key signs", seconds=LEAD_SECONDS + SLACK_SECONDS, pause=1):
            await ada.refresh()
            fields_of(await ada.call("GET", ASKED), 200)  # nobody is refused on the way
            if parts_of(ada.token)[0]["kid"] == new_kid:
                break
        signs_at = time.monotonic()
        assert await installation.accepts(ada, ada.token) == everywhere
        assert await installation.accepts(ada, of_old_key) == everywhere

        seconds = GRACE_SECONDS + KEYS_FETCHED_SECONDS + SLACK_SECONDS
        async for _ in attempts("the old key is refused everywhere", seconds=seconds, pause=1):
            if await installation.accepts(ada, of_old_key) == nowhere:
                break
        ended_at = time.monotonic()
        print(f"\nsigns after {signs_at - rotated_at:.0f} s, the old key ended {ended_at - signs_at:.0f} s later")
        assert ended_at - rotated_at >= LEAD_SECONDS + GRACE_SECONDS - 1
        assert await installation.kids() == {new_kid}
        await ada.refresh()
        assert await installation.accepts(ada, ada.token) == everywhere
