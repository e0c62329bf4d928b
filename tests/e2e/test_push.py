"""Pushes to devices: a provider of this test's own, on the loopback, beside a notification-service that is told of it."""

import json
import threading
import uuid
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from client import attempts, fields_of


class Provider:
    """What a push provider is asked. `answers` to a device's token: a list of statuses, the last one stays."""

    def __init__(self):
        self.asked, self.answers = [], {}

    def about(self, token):
        return [one["message"] for one in list(self.asked) if one["message"]["token"] == token]

    def take(self, body):
        token = body["message"]["token"]
        script = self.answers.get(token, [200])
        self.asked.append(body)
        return script.pop(0) if len(script) > 1 else script[0]


@contextmanager
def provider():
    """Yields a Provider and its URL."""
    taken = Provider()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = b'{"error":{"details":[{"errorCode":"UNREGISTERED"}]}}'
            self.send_response(taken.take(body))
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield taken, f"http://127.0.0.1:{server.server_port}/push"
    finally:
        server.shutdown()
        server.server_close()


async def has_token(person):
    token = f"token-{uuid.uuid4().hex}"
    answer = await person.call("PUT", f"/v1/devices/{person.device_id}/push-token", {"token": token})
    assert answer.status_code == 204, answer.text
    return token


async def pushed(taken, token, count):
    async for _ in attempts(f"{count} pushes", seconds=30):
        if len(taken.about(token)) >= count:
            return taken.about(token)


async def test_a_device_that_is_away_is_pushed_to_once_and_not_told_what_was_said(people, fleet):
    ada, bob = await people.join("Ada", "Bob")
    chat = await ada.post("/v1/chats/direct", {"user_id": bob.user_id}, 201)
    token = await has_token(bob)
    with provider() as (taken, url), fleet.another("notification-service-1", push_url=url):
        taken.answers[token] = [503, 429, 200]
        message = fields_of(await ada.say(chat["chat_id"], "the secret of the engine"), 201)
        first = (await pushed(taken, token, 3))[-1]
        fields_of(await ada.say(chat["chat_id"], "and another"), 201)
        everything = await pushed(taken, token, 4)

    assert first["data"]["message_id"] == message["message_id"]
    assert first["android"]["collapse_key"] == chat["chat_id"]
    assert "secret" not in str(everything)
    assert len(everything) == 4, "refused twice, taken once; then the second message"


async def test_what_is_muted_quiet_or_logged_out_is_not_pushed(people, fleet):
    ada, bob, cleo, dan = await people.join("Ada", "Bob", "Cleo", "Dan")
    chat_id = (await ada.make_group("Quiet", bob, cleo, dan))["chat_id"]
    tokens = {one: await has_token(one) for one in (bob, cleo, dan)}
    fields_of(await bob.call("PUT", f"/v1/chats/{chat_id}/me", {"mute_until": "2099-01-01T00:00:00.000Z"}), 200)
    await cleo.log_out()
    with provider() as (taken, url), fleet.another("notification-service-1", push_url=url):
        async for _ in attempts("Dan alone is pushed to", seconds=30):
            before = {one: len(taken.about(token)) for one, token in tokens.items()}
            fields_of(await ada.say(chat_id, "psst"), 201)
            await pushed(taken, tokens[dan], before[dan] + 1)
            if all(len(taken.about(tokens[one])) == before[one] for one in (bob, cleo)):
                break


async def test_a_device_that_the_provider_does_not_know_is_forgotten(people, fleet):
    ada, bob = await people.join("Ada", "Bob")
    chat_id = (await ada.post("/v1/chats/direct", {"user_id": bob.user_id}, 201))["chat_id"]
    gone, kept = await has_token(bob), None
    with provider() as (taken, url), fleet.another("notification-service-1", push_url=url):
        taken.answers[gone] = [410]
        fields_of(await ada.say(chat_id, "one"), 201)
        await pushed(taken, gone, 1)
        kept = await has_token(bob)
        fields_of(await ada.say(chat_id, "two"), 201)
        await pushed(taken, kept, 1)

    assert len(taken.about(gone)) == 1
