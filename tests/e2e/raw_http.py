"""HTTP as bytes: what no library would send, and everything that came back until the server hung up."""

import socket
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PATIENCE = 20  # seconds; the server ends a connection whose head does not come after 10


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict = field(default_factory=dict)
    body: bytes = b""


def talk(url, *pieces, pause=0.0, seconds=PATIENCE, half_close=False):
    """Sends the pieces and reads to the end of the connection. (answers, whether the server ended it)."""
    parts = urlsplit(url)
    deadline = time.monotonic() + seconds
    with socket.create_connection((parts.hostname, parts.port), timeout=seconds) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _send(connection, pieces, pause)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        received, ended = _read_to_end(connection, deadline)
    return parse(received), ended


def parse(received):
    """All answers in these bytes; 1xx are answers too. The body of the last one ends with the bytes."""
    answers = []
    while received:
        head, end, received = received.partition(b"\r\n\r\n")
        assert end and head.startswith(b"HTTP/1."), f"no answer: {head[:200]!r}"
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        status = int(lines[0].split()[1])
        if received.startswith(head):  # libmicrohttpd 0.9.75 writes the head of its own refusals twice, then hangs up
            received = received[len(head) + 4 :]
        length = 0 if status < 200 else int(headers.get("content-length", len(received)))
        answers.append(Answer(status, headers, received[:length]))
        received = received[length:]
    return answers


def _send(connection, pieces, pause):
    try:
        for number, piece in enumerate(pieces):
            if number and pause:
                time.sleep(pause)  # the slowness is what is tested
            connection.sendall(piece)
    except OSError:
        pass  # refused in the middle; the answer may be there all the same


def _read_to_end(connection, deadline):
    received = b""
    while (left := deadline - time.monotonic()) > 0:
        connection.settimeout(left)
        try:
            piece = connection.recv(65536)
        except TimeoutError:
            break
        except OSError:  # reset: it hung up with something of ours unread
            return received, True
        if not piece:
            return received, True
        received += piece
    return received, False
