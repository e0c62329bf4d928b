"""Several websocket-gateways on one port, where all of them are told to share it."""

import asyncio
import contextlib

import pytest
from certificates import make_certificate, whoever
from fleet import ports_that_are_free, run_daemon

NAME = "websocket-gateway-1"
SETTINGS = {"rate_write_per_s": 0, "listen_shared": "true"}
TRIES = 100  # that all of them reach the same of two: 2 ** -100
AFTERWARDS = 20


@contextlib.asynccontextmanager
async def two_gateways(fleet, **settings):
    """Two processes on one port; (the port, {node id: daemon})."""
    (port,) = ports_that_are_free(1)
    async with (
        fleet.beside(NAME, **SETTINGS, **settings, port=port, node_id="shared-one") as one,
        fleet.beside(NAME, **SETTINGS, **settings, port=port, node_id="shared-two") as two,
    ):
        yield port, {"shared-one": one, "shared-two": two}


@pytest.fixture(params=["plain", "TLS"])
def listener(request, tmp_path):
    """(scheme, settings of the gateways, options of the client)"""
    if request.param == "plain":
        return "ws", {}, {}
    make_certificate(tmp_path, "shared")
    paths = {"tls_certificate_path": tmp_path / "certificate.pem", "tls_key_path": tmp_path / "key.pem"}
    return "wss", paths, {"ssl": whoever()}


async def connect_to_each(people, persons, url, options):
    """One socket of each person, on different nodes."""
    sockets = {}
    for _ in range(TRIES):
        socket = await people.connect(url=url, **options)
        if socket.node in sockets:
            await socket.close()
            continue
        await socket.authenticate(persons[len(sockets)])
        sockets[socket.node] = socket
        if len(sockets) == len(persons):
            return list(sockets.values())
    raise AssertionError(f"of {TRIES} connections all reached {set(sockets)}")


async def hears(sender, reader, chat_id, body):
    _, outcome = await sender.say(chat_id, body)
    assert outcome["t"] == "persisted"
    await reader.expect(lambda frame: frame.get("t") == "message" and frame["message"]["body"] == body)


async def test_both_serve_and_when_one_ends_the_other_gets_all_that_come(people, fleet, listener):
    scheme, settings, options = listener
    ada, bob = await people.join("Ada", "Bob")
    chat_id = (await ada.make_group("One port", bob))["chat_id"]
    async with two_gateways(fleet, **settings) as (port, daemons):
        url = f"{scheme}://127.0.0.1:{port}/v1/ws"
        at_ada, at_bob = await connect_to_each(people, (ada, bob), url, options)
        await hears(at_ada, at_bob, chat_id, "from one to the other")
        await hears(at_bob, at_ada, chat_id, "and back")

        daemons[at_ada.node].stop()
        await at_ada.expect(lambda frame: frame.get("t") == "moved" and frame["reason"] == "drain")
        nodes = [(await people.connect(url=url, **options)).node for _ in range(AFTERWARDS)]
        again = await people.connect(ada, url, **options)

        assert set(nodes) == {at_bob.node}
        await hears(again, at_bob, chat_id, "on the one that is left")
        await hears(at_bob, again, chat_id, "both ways")
        await people.close()


async def test_a_port_that_nobody_shares_is_taken(fleet):
    taken, (ops_port,) = fleet.daemons()[NAME], ports_that_are_free(1)
    for shared in ("false", "true"):
        environment = taken.environment | {"CHAT_LISTEN_SHARED": shared, "CHAT_NODE_ID": "too-late"}
        environment |= {"CHAT_PORT": str(taken.port), "CHAT_OPS_PORT": str(ops_port)}
        ended = await asyncio.to_thread(run_daemon, taken, taken.arguments, environment)

        assert ended.returncode != 0
        assert f"can't listen on port {taken.port}" in ended.stdout + ended.stderr
