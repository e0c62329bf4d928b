"""How servers are asked whether they serve: a few bytes out and back, or HTTP."""

import socket
import urllib.error
import urllib.request

from chatdev.ports import HOST


def exchange(port, request, answer_bytes, seconds=2):
    """The first bytes of the answer; b'' when there is none."""
    try:
        with socket.create_connection((HOST, port), timeout=seconds) as connection:
            connection.sendall(request)
            return connection.recv(answer_bytes)
    except OSError:
        return b""


def http_get(url, seconds=2):
    """(status, body as text); status 0 when nobody answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never by a proxy: it is this machine
    try:
        with opener.open(url, timeout=seconds) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except (OSError, ValueError) as error:
        return 0, str(error)
