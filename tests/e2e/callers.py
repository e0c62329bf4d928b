"""Requests at a steady rate, over those edges that say that they are ready, as a load balancer sends them: what came of
each, without a second try and with one."""

import asyncio
import itertools
import random
import time
import uuid
from dataclasses import dataclass

import httpx
from client import http_client

LOOK_EVERY_S = 0.1  # how often the balancer asks an edge whether it is ready
PAUSE_SECONDS = 1.0  # before the second try, when the answer doesn't say


@dataclass
class Call:
    what: str
    at: float
    first: int | str  # status, or what went wrong with the connection
    second: int | str | None = None

    @property
    def good(self):
        return _is_good(self.first)

    @property
    def good_in_the_end(self):
        return self.good or _is_good(self.second)


def _is_good(outcome):
    return isinstance(outcome, int) and outcome < 500


class Callers:
    def __init__(self, edges, person, chat_id):
        self.person, self.calls = person, []
        self._edges = {edge: http_client(edge.url) for edge in edges}
        self._ready = list(self._edges)
        self._running = set()
        self._kinds = itertools.cycle(
            (
                ("GET", "/v1/users/me", None),
                ("GET", f"/v1/chats/{chat_id}/messages", None),
                ("POST", f"/v1/chats/{chat_id}/messages", {"type": "text", "body": "by REST"}),
                ("GET", "/v1/chats", None),
                ("GET", "/v1/notifications", None),
                ("POST", f"/v1/chats/{chat_id}/read", {"seq": 1}),
            )
        )

    async def run(self, per_second):
        """Until it is cancelled."""
        looking = asyncio.create_task(self._look())
        try:
            while True:
                task = asyncio.create_task(self._call(*next(self._kinds)))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
                await asyncio.sleep(1 / per_second)
        finally:
            looking.cancel()

    async def close(self):
        await asyncio.gather(*self._running)
        await asyncio.gather(*(client.aclose() for client in self._edges.values()))

    def failures(self, where=lambda call: True):
        return [call for call in self.calls if where(call) and not call.good]

    def failures_in_the_end(self):
        return [call for call in self.calls if not call.good_in_the_end]

    async def _call(self, method, path, body):
        key = {"Idempotency-Key": str(uuid.uuid4())} if path.endswith("/messages") and body else {}
        call = Call(f"{method} {path.rpartition('/')[2]}", time.monotonic(), 0)
        call.first, pause = await self._try(method, path, body, key)
        self.calls.append(call)
        if not call.good:
            await asyncio.sleep(pause)
            call.second, _ = await self._try(method, path, body, key)

    async def _try(self, method, path, body, headers):
        if not self._ready:  # a balancer has nobody to send it to
            return "no edge is ready", PAUSE_SECONDS
        client = self._edges[random.choice(self._ready)]
        headers = headers | {"Authorization": f"Bearer {self.person.token}"}
        try:
            answer = await client.request(method, path, json=body, headers=headers)
        except httpx.HTTPError as error:
            return type(error).__name__, PAUSE_SECONDS
        return answer.status_code, float(answer.headers.get("Retry-After", PAUSE_SECONDS))

    async def _look(self):
        async with httpx.AsyncClient(timeout=1, trust_env=False) as client:
            while True:
                ready = []
                for edge in self._edges:
                    try:
                        if (await client.get(f"{edge.ops_url}/readyz")).status_code == 200:
                            ready.append(edge)
                    except httpx.HTTPError:
                        pass
                self._ready = ready
                await asyncio.sleep(LOOK_EVERY_S)
