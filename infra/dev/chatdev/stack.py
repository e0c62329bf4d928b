"""A stack: one set of servers with data, logs and ports of its own. `dev` and `test` can run side by side."""

import fcntl
import os
import re
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from chatdev import components, packages, ports, processes
from chatdev.complaint import Complaint
from chatdev.devsecrets import DevSecrets
from chatdev.paths import CACHE, StackPaths
from chatdev.progress import say_step, step

POLL_SECONDS = 0.05
LOG_TAIL_LINES = 8


class Stack:
    def __init__(self, name):
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,20}", name) or name in ("cache", "build"):
            raise Complaint(f"'{name}' is no stack name: use small letters, for example dev or test")
        self.name = name
        self.paths = StackPaths(name)
        self.secrets = DevSecrets(self.paths.secrets)
        self.offset = ports.offset_for(name, self._remembered_offset())
        self.servers = components.ours(os.environ)

    def port(self, name):
        return ports.SERVER_PORTS[name] + self.offset

    def create(self):
        self._refuse_moving()
        self.paths.create()
        self.secrets.create()
        self._offset_file.write_text(str(self.offset))

    @contextmanager
    def locked(self):
        """One start or stop at a time: whoever comes second waits, then finds the work done."""
        self.paths.run.mkdir(parents=True, exist_ok=True)
        with open(self.paths.run / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @property
    def _offset_file(self):
        return self.paths.run / "port_offset"

    def _remembered_offset(self):
        return int(self._offset_file.read_text()) if self._offset_file.exists() else None

    def _refuse_moving(self):
        before = self._remembered_offset()
        if before not in (None, self.offset) and processes.names(self.paths):
            raise Complaint(f"stack '{self.name}' runs with CHAT_PORT_OFFSET={before}: infra/dev/chat down first")


def install():
    """Everything that servers need and the machine lacks. One at a time even when two stacks start."""
    packages.require(packages.SERVER_PACKAGES)
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for server in components.ours(os.environ):
            began = time.monotonic()
            with _quiet_unless_slow(server):
                server.install()
            if time.monotonic() - began > 1:
                say_step(server.name, "installed into the cache", time.monotonic() - began)


@contextmanager
def _quiet_unless_slow(server):
    timer = threading.Timer(3, lambda: say_step(server.name, "fetching, once: up to 3 minutes", 3.0))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def start_servers(stack):
    """Starts in parallel what does not run. On any failure stops again what it has started."""
    stack.create()
    missing = [server for server in stack.servers if not processes.find(server.name, stack.paths)]
    for server in missing:
        for name in server.port_names:
            ports.require_free(stack.port(name), server.title)
    try:
        _in_parallel(stack, missing)
    except BaseException:
        stop_processes(stack, [server.name for server in missing])
        raise
    return missing


def _in_parallel(stack, servers):
    done = {server.name: threading.Event() for server in servers}
    failed = threading.Event()

    def bring_up(server):
        try:
            for need in server.needs:
                if need in done:
                    done[need].wait()
            if not failed.is_set():
                start_server(stack, server)
        except BaseException:
            failed.set()
            raise
        finally:
            done[server.name].set()

    with ThreadPoolExecutor(max_workers=max(1, len(servers))) as pool:
        for future in [pool.submit(bring_up, server) for server in servers]:
            future.result()


def start_server(stack, server):
    with step(server.name, f"ready on port {server.port(stack)}"):
        server.prepare(stack)
        command, environment = server.command(stack), server.environment(stack)
        identity = processes.start(server.name, stack.paths, command, environment, user=server.user)
        _wait_ready(stack, server, identity)
        server.after_start(stack)


def _wait_ready(stack, server, identity):
    deadline = time.monotonic() + server.ready_seconds
    reason = server.why_not_ready(stack)
    while reason:
        if not processes.is_alive(identity):
            raise Complaint(f"{server.title} ended at once. {log_tail(stack, server.name)}")
        if time.monotonic() > deadline:
            raise Complaint(f"{server.title}: {reason}, after {server.ready_seconds} s. {log_tail(stack, server.name)}")
        time.sleep(POLL_SECONDS)
        reason = server.why_not_ready(stack)


def log_tail(stack, name):
    path = stack.paths.log(name)
    text = path.read_text(errors="replace") if path.exists() else ""
    lines = text.rpartition(processes.START_LINE)[2].splitlines()
    return "\n".join([f"The end of {path}:", *(f"    {line[:300]}" for line in lines[-LOG_TAIL_LINES:])])


def stop_servers(stack):
    """All servers of this stack, those that the environment has replaced since included."""
    stop_processes(stack, [server.name for server in components.ALL])


def stop_processes(stack, names):
    """Side by side. Returns {name: outcome}."""
    with ThreadPoolExecutor(max_workers=16) as pool:
        outcomes = list(pool.map(lambda name: _stop_one(stack, name), names))
    return dict(zip(names, outcomes, strict=True))


def _stop_one(stack, name):
    began = time.monotonic()
    server = components.BY_NAME.get(name)
    outcome = processes.stop(name, stack.paths, server.stop_signal if server else signal.SIGTERM)
    if outcome != "not running":
        say_step(name, outcome, time.monotonic() - began)
    return outcome


def wipe(stack):
    """Forgets all data of a stopped stack. Secrets and logs stay."""
    for server in components.ALL:
        shutil.rmtree(server.data_folder(stack), ignore_errors=True)
