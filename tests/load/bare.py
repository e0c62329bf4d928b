"""Processes that stand beside the fleet in a measurement: the bare WebSocket endpoint, the proxy with a known delay."""

import os
import subprocess
from contextlib import contextmanager

from chatdev import paths, ports
from chatdev.complaint import Complaint

FIRST_PORT, LAST_PORT = 8320, 8399  # behind those of the servers, moved with the stack's


@contextmanager
def running(command, **options):
    process = subprocess.Popen([str(word) for word in command], **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_ports(count):
    """None that the kernel gives to connections, which might be gone a moment later."""
    offset = int(os.environ.get("CHAT_PORT_OFFSET", "0"))
    found = [port for port in range(FIRST_PORT + offset, LAST_PORT + 1 + offset) if ports.is_free(port)]
    if len(found) < count:
        raise Complaint(f"{count} ports from {FIRST_PORT + offset} to {LAST_PORT + offset} are wanted, {len(found)} are free")
    return found[:count]


@contextmanager
def server(preset="release", tls=None, **options):
    """(HOST:PORT, process) of a bare-server; tls: (chain, key), options: its other arguments, with _ for -."""
    if tls:
        options |= {"certificate": tls[0], "key": tls[1]}
    with _listening("bare-server", preset, options) as found:
        yield found


@contextmanager
def delay(target, milliseconds, preset="release"):
    """(HOST:PORT, process) of a way to `target` (HOST:PORT) that takes so much longer towards it."""
    options = {"target": target.rpartition(":")[2], "delay_ms": milliseconds}
    with _listening("delay-proxy", preset, options) as found:
        yield found


@contextmanager
def _listening(name, preset, options):
    (port,) = free_ports(1)
    command = [paths.build_folder(preset) / "tests" / "load" / name, "--port", port]
    command += [word for key, value in options.items() for word in (f"--{key.replace('_', '-')}", value)]
    with running(command, stdout=subprocess.PIPE, text=True) as process, process.stdout:
        if process.stdout.readline() != "LISTENING\n":
            raise Complaint(f"{name} did not start on port {port}")
        yield f"{ports.HOST}:{port}", process
