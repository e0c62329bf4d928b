"""The daemons under test, from outside: what `infra/dev/chat` says of them, and what it can do to them."""

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

REPOSITORY = Path(__file__).resolve().parents[2]
CHAT = REPOSITORY / "infra" / "dev" / "chat"
OPS_DISTANCE = 100
LISTENER_PORTS = 24_000, 32_768
COMMAND_SECONDS = 180
STOP_SECONDS = 40


sys.path.insert(0, str(REPOSITORY / "infra" / "dev"))


def documented_operations():
    """{(method, path)} of all of docs/openapi."""
    from chatdev.checks.openapi import operations_of

    return set().union(*(operations_of(file) for file in (REPOSITORY / "docs" / "openapi").glob("*.yaml")))


def slowness():
    """How much longer than on a quiet machine something may take: runnable processes per core, at least 1."""
    return max(1.0, os.getloadavg()[0] / os.cpu_count())


@dataclass(frozen=True)
class Daemon:
    name: str
    pid: int | None
    port: int
    state: str
    own_ops_port: int | None = None
    log: Path | None = None
    stopping: threading.Event = field(default_factory=threading.Event, compare=False)

    def stop(self):
        """SIGTERM, once: a second one would cut its drain short."""
        if not self.stopping.is_set():
            self.stopping.set()
            os.kill(self.pid, signal.SIGTERM)

    @property
    def own_name(self):
        """Of the service, without the replica's number."""
        return self.name.rpartition("-")[0]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def ops_url(self):
        return f"http://127.0.0.1:{self.own_ops_port or self.port + OPS_DISTANCE}"

    def wait_ready(self, process=None, seconds=30):
        """Until it is ready and lacks nothing, not even what is optional."""
        deadline = time.monotonic() + seconds
        while (said := self._readiness()) is None or said.json()["status"] != "ready":
            assert not process or process.poll() is None, f"{self.name} ended with {process.returncode}"
            assert time.monotonic() < deadline, f"{self.name} is not ready: {said and said.text}"
            time.sleep(0.05)

    def _readiness(self):
        try:
            return httpx.get(f"{self.ops_url}/readyz", timeout=2, trust_env=False)
        except httpx.HTTPError:
            return None

    @property
    def executable(self):
        return os.readlink(f"/proc/{self.pid}/exe")

    @property
    def arguments(self):
        return Path(f"/proc/{self.pid}/cmdline").read_bytes().decode().split("\0")[1:-1]

    @property
    def environment(self):
        entries = Path(f"/proc/{self.pid}/environ").read_bytes().decode().split("\0")
        return dict(entry.split("=", 1) for entry in entries if "=" in entry)

    def metrics(self):
        """Lines of its /metrics that are not comments; none while it does not answer."""
        try:
            text = httpx.get(f"{self.ops_url}/metrics", timeout=2, trust_env=False).text
        except httpx.HTTPError:
            return []
        return [line for line in text.splitlines() if not line.startswith("#")]


class Fleet:
    def __init__(self, stack):
        self.stack = stack
        self.logs = REPOSITORY / ".chat" / stack / "logs"
        self.raised = {}  # {service: settings that its daemons get at each restart}

    def daemons(self):
        """{name: Daemon} as `chat status` lists them; the servers (`postgres`, `redis` ...) are there too."""
        found = {}
        for line in self._chat("status").splitlines()[1:]:
            words = line.split(maxsplit=3)
            if len(words) == 4 and words[2].isdigit():
                pid = int(words[1]) if words[1].isdigit() else None
                found[words[0]] = Daemon(words[0], pid, int(words[2]), words[3])
        return found

    def gateways(self):
        """WebSocket addresses of the websocket-gateways themselves."""
        gateways = [one for name, one in self.daemons().items() if name.startswith("websocket-gateway-")]
        return [f"ws://127.0.0.1:{one.port}/v1/ws" for one in gateways]

    @contextmanager
    def without(self, name):
        """A server (or daemon) is killed, and comes back, with what it has on disk, in every case."""
        self.kill(name)
        try:
            yield
        finally:
            self.restart(name)

    def kill(self, name):
        """SIGKILL of a daemon or server, and proof that it is gone."""
        pid = self.daemons()[name].pid
        self._chat("kill", name)
        _wait_gone(name, pid, 5)
        return pid

    def stop(self, name):
        """Asks a daemon to end, and waits until it has."""
        pid = self.daemons()[name].pid
        os.kill(pid, signal.SIGTERM)
        _wait_gone(name, pid, STOP_SECONDS)

    def restart(self, name, **settings):
        """Starts it again and waits until it is ready; settings go on top of its own (a server has none)."""
        service = name if name in self.raised else name.rpartition("-")[0]
        self._chat("restart", name, environment=_as_environment(self.raised.get(service, {}) | settings))

    def scale(self, counts):
        """So many replicas of each of these; whoever has to know of them is restarted."""
        settings = {key: value for some in self.raised.values() for key, value in some.items()}
        preset = json.loads((self.logs.parent / "run" / "fleet.json").read_text())["preset"]
        wanted = [f"{name}={count}" for name, count in counts.items()]
        self._chat("up", "--preset", preset, "--replicas", *wanted, environment=_as_environment(settings))

    @contextmanager
    def another(self, name, **settings):
        """One more process of a daemon, on ports of its own unless they are given; settings go on top of those of `name`."""
        model, (port, ops_port) = self.daemons()[name], ports_that_are_free(2)
        settings = {"port": port, "ops_port": ops_port, "node_id": f"{name}-other"} | settings
        environment = model.environment | _as_environment(settings)
        path = self.logs / f"{settings['node_id']}.log"
        with open(path, "ab") as log:
            command = [model.executable, *model.arguments]
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=REPOSITORY)
        other = Daemon(name, process.pid, settings["port"], "", settings["ops_port"], path)
        try:
            other.wait_ready(process)
            yield other
        finally:
            other.stop()
            assert process.wait(STOP_SECONDS) == 0, f"{settings['node_id']} ended with {process.returncode}"

    @asynccontextmanager
    async def beside(self, name, **settings):
        """another(), for coroutines."""
        running = self.another(name, **settings)
        other = await asyncio.to_thread(running.__enter__)
        try:
            yield other
        finally:
            await asyncio.to_thread(running.__exit__, None, None, None)

    @contextmanager
    def paused(self, name):
        pid = self.daemons()[name].pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def _chat(self, *words, environment=None):
        command = [str(CHAT), *words, "--stack", self.stack]
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=COMMAND_SECONDS, env=os.environ | (environment or {})
        )
        assert result.returncode == 0, f"{' '.join(words)}: {result.stdout}{result.stderr}"
        return result.stdout


def run_daemon(daemon, arguments, environment, seconds=20):
    """The same program with other arguments; CompletedProcess."""
    command = [daemon.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, env=environment, cwd=REPOSITORY)


def config_of(daemon):
    """Its configuration file, as a dictionary."""
    arguments = daemon.arguments
    return json.loads((REPOSITORY / arguments[arguments.index("--config") + 1]).read_text())


def _as_environment(settings):
    return {f"CHAT_{key.upper()}": str(value) for key, value in settings.items()}


def ports_that_are_free(count):
    """For listeners: below those that the kernel gives connections, and above those of the stacks."""
    found = []
    with ExitStack() as stack:
        while len(found) < count:
            probe, port = stack.enter_context(socket.socket()), random.randrange(*LISTENER_PORTS)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found.append(port)
    return found


def _wait_gone(name, pid, seconds):
    deadline = time.monotonic() + seconds
    while not _is_gone(pid):
        assert time.monotonic() < deadline, f"{name} (pid {pid}) is still there after {seconds} s"
        time.sleep(0.01)


def _is_gone(pid):
    """A dead main thread alone does not close a process's ports."""
    try:
        return state_of(pid) == "Z" and len(os.listdir(f"/proc/{pid}/task")) <= 1
    except OSError:
        return True


def state_of(pid):
    """The letter of /proc/<pid>/stat: T = stopped by a signal, Z = dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
