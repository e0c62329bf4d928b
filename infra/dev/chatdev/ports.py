"""Port numbers: which, whether they are free, and who holds them when they are not."""

import os
import socket
from pathlib import Path

from chatdev.complaint import Complaint

HOST = "127.0.0.1"

# name: port of a stack with offset 0
SERVER_PORTS = {
    "postgres": 8301,
    "redis": 8302,
    "kafka": 8303,
    "kafka-controller": 8304,
    "ferretdb": 8305,
    "versitygw": 8306,
    "mailpit-smtp": 8307,
    "mailpit": 8308,
    "mongojava": 8309,
}

STACK_OFFSETS = {"dev": 0, "test": 1000}

OPS_DISTANCE = 100  # a daemon's ops and internal listener is this far above its service port
REPLICA_DISTANCE = 10  # replica k of a daemon is 10 * k above the first
MOST_REPLICAS = 9  # one more would reach another daemon's ops port

LISTENING = "0A"  # the kernel's word for it in /proc/net/tcp


def offset_for(stack_name, remembered):
    """Environment first, then what this stack used when it was last started, then the table."""
    asked = os.environ.get("CHAT_PORT_OFFSET")
    if asked is not None:
        if not asked.isdigit() or int(asked) > 50000:
            raise Complaint(f"CHAT_PORT_OFFSET={asked}: give a number from 0 to 50000")
        return int(asked)
    if remembered is not None:
        return remembered
    if stack_name in STACK_OFFSETS:
        return STACK_OFFSETS[stack_name]
    raise Complaint(f"stack '{stack_name}' has no port offset: set CHAT_PORT_OFFSET, for example to 2000")


def accepts(port):
    """Whether something answers a connection."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # TIME_WAIT is nobody's
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def holder(port):
    """'pid 123 (name)' of the process that listens on the port, as far as we may look; else None."""
    inodes = _listening_inodes(port)
    for process in Path("/proc").glob("[0-9]*"):
        if inodes and _holds_socket(process, inodes):
            return f"pid {process.name} ({_command(process)})"
    return None


def require_free(port, owner):
    if is_free(port):
        return
    who = holder(port) or "another process"
    raise Complaint(
        f"port {port}, which {owner} needs, is used by {who}: "
        "stop that, or choose other ports with CHAT_PORT_OFFSET=2000"
    )


def _listening_inodes(port):
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in _lines(table)[1:]:
            fields = line.split()
            if int(fields[1].rsplit(":", 1)[1], 16) == port and fields[3] == LISTENING:
                inodes.add(f"socket:[{fields[9]}]")
    return inodes


def _holds_socket(process, inodes):
    try:
        return any(os.readlink(fd) in inodes for fd in (process / "fd").iterdir())
    except OSError:  # it has ended, or it is somebody else's
        return False


def _command(process):
    try:
        words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "gone"
    return " ".join(words).strip()[:80]


def _lines(path):
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
