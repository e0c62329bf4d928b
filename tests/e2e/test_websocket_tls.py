"""A websocket-gateway with a certificate of its own, beside those of the fleet: no proxy in front has to speak TLS."""

import asyncio
import contextlib
import os
import signal
import ssl

import pytest
from certificates import make_certificate, only_tls_1_1, trusting, whoever
from client import attempts

NAME = "websocket-gateway-1"
SETTINGS = {"rate_write_per_s": 0}


@contextlib.contextmanager
def secure_gateway(fleet, folder):
    make_certificate(folder, "first")
    paths = {"tls_certificate_path": folder / "certificate.pem", "tls_key_path": folder / "key.pem"}
    with fleet.another(NAME, **SETTINGS, **paths) as daemon:
        yield daemon, f"wss://127.0.0.1:{daemon.port}/v1/ws"


def certificate_of(socket):
    return socket.connection.transport.get_extra_info("ssl_object").getpeercert(binary_form=True)


async def story(people, url, context):
    """Ann on the secure gateway, Bob on an ordinary one, in one chat."""
    ann, bob = await people.join("Ann", "Bob")
    chat_id = (await ann.make_group("TLS", bob))["chat_id"]
    return chat_id, await people.connect(ann, url, ssl=context), await people.connect(bob)


async def both_ways(chat_id, ann, bob, text):
    for sender, reader in ((ann, bob), (bob, ann)):
        body = f"{text} {sender is ann}"
        _, outcome = await sender.say(chat_id, body)
        assert outcome["t"] == "persisted"
        await reader.expect(lambda frame: frame.get("t") == "message" and frame["message"]["body"] == body)


async def test_messages_go_over_tls_1_2_and_up_and_nothing_older(people, fleet, tmp_path):
    with secure_gateway(fleet, tmp_path) as (_, url):
        chat_id, ann, bob = await story(people, url, trusting(tmp_path))
        assert ann.connection.transport.get_extra_info("ssl_object").version() == "TLSv1.3"
        await both_ways(chat_id, ann, bob, "secret")
        await both_ways(chat_id, ann, bob, "x" * 16000)
        with pytest.raises((ssl.SSLError, OSError)):
            await people.connect(url=url, ssl=only_tls_1_1())
        await people.close()


async def test_live_sockets_outlast_a_new_certificate_and_a_bad_one_changes_nothing(people, fleet, tmp_path):
    with secure_gateway(fleet, tmp_path) as (daemon, url):
        chat_id, ann, bob = await story(people, url, whoever())
        first = certificate_of(ann)
        make_certificate(tmp_path, "second")
        os.kill(daemon.pid, signal.SIGHUP)
        async for _ in attempts("the new certificate"):
            second = certificate_of(await people.connect(url=url, ssl=whoever()))
            if second != first:
                break
        await both_ways(chat_id, ann, bob, "on the old socket")

        (tmp_path / "certificate.pem").write_text("no certificate")
        place = daemon.log.stat().st_size
        os.kill(daemon.pid, signal.SIGHUP)
        async for _ in attempts("a complaint about the bad certificate"):
            if b"certificate not reloaded" in daemon.log.read_bytes()[place:]:
                break
        assert certificate_of(await people.connect(url=url, ssl=whoever())) == second
        await both_ways(chat_id, ann, bob, "after the bad certificate")
        await people.close()


async def test_a_client_that_does_not_shake_hands_holds_nobody_up(people, fleet, tmp_path):
    with secure_gateway(fleet, tmp_path) as (daemon, url):
        mute = [await asyncio.open_connection("127.0.0.1", daemon.port) for _ in range(50)]
        plain = await asyncio.open_connection("127.0.0.1", daemon.port)
        plain[1].write(b"GET /v1/ws HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            assert b"101" not in await asyncio.wait_for(plain[0].read(1024), 10)
        chat_id, ann, bob = await story(people, url, whoever())
        await both_ways(chat_id, ann, bob, "hello")
        for _, writer in [*mute, plain]:
            writer.close()
        await people.close()
