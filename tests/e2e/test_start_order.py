"""R33: daemons that start before their servers wait for them, in whichever order all of them come."""

import asyncio
import random
import subprocess
import time

import pytest
from fleet import REPOSITORY, slowness

SERVERS = ("postgres", "redis", "kafka", "ferretdb", "versitygw", "mailpit")
ORDERS = 3
LATE_SECONDS = 10
READY_SECONDS = 15  # after the last server, on a quiet machine


class Started:
    """Daemons as the fleet had them, without anybody who waits for them to be ready."""

    def __init__(self, fleet, daemons):
        self.commands = {one: ([one.executable, *one.arguments], one.environment) for one in daemons}
        self.logs, self.processes = fleet.logs, {}

    def start(self, daemon):
        command, environment = self.commands[daemon]
        with open(self.logs / f"{daemon.name}.log", "ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=REPOSITORY)
        self.processes[daemon] = process

    async def until_ready(self, seconds):
        began = time.monotonic()
        waiting = (asyncio.to_thread(one.wait_ready, process, seconds) for one, process in self.processes.items())
        await asyncio.gather(*waiting)
        return time.monotonic() - began

    def kill(self):
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.processes.clear()


async def all_in_this_order(fleet, started, order):
    daemons = order.sample(list(started.commands), len(started.commands))
    servers = order.sample(SERVERS, len(SERVERS))
    servers.sort(key="ferretdb".__eq__)  # its documents are in PostgreSQL
    for server in SERVERS:
        await asyncio.to_thread(fleet.kill, server)
    for daemon in daemons:
        started.start(daemon)
    await asyncio.sleep(LATE_SECONDS)
    ended = [one.name for one, process in started.processes.items() if process.poll() is not None]
    assert not ended, f"did not wait: {ended}"
    for server in servers:
        await asyncio.to_thread(fleet.restart, server)
    return await started.until_ready(READY_SECONDS * slowness())


@pytest.mark.long(seconds=900)
async def test_daemons_wait_for_servers_that_come_late(fleet):
    order = random.Random()  # pytest shows what it printed
    daemons = [one for name, one in fleet.daemons().items() if name not in SERVERS]
    started = Started(fleet, daemons)
    try:
        for one in daemons:
            await asyncio.to_thread(fleet.kill, one.name)
        for number in range(ORDERS):
            seed = random.randrange(10**6)
            order.seed(seed)
            seconds = await all_in_this_order(fleet, started, order)
            print(f"order {number} (seed {seed}): all are ready {seconds:.1f} s after the last server")
            started.kill()
    finally:
        started.kill()
        await asyncio.to_thread(fleet.scale, {"auth-service": 1})
