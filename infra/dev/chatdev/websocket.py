"""A WebSocket client just large enough for the demonstration: text frames, JSON, one thread (RFC 6455).

The tests use a full library; this one spares newcomers an installation before they see the first message.
"""

import base64
import json
import os
import select
import socket
import struct
import time
from urllib.parse import urlsplit

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


class WebSocket:
    def __init__(self, url, protocol, seconds=5):
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=seconds)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._bytes = b""
        self.close_code = None
        self._shake_hands(parts, protocol)

    def _shake_hands(self, parts, protocol):
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {parts.path} HTTP/1.1", f"Host: {parts.netloc}", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Protocol: {protocol}"]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while b"\r\n\r\n" not in self._bytes:
            self._more()
        head, self._bytes = self._bytes.split(b"\r\n\r\n", 1)
        status = head.split(b"\r\n", 1)[0].decode()
        if " 101 " not in status + " ":
            raise ConnectionError(f"no WebSocket: {status}")

    def send(self, frame):
        self._send(TEXT, json.dumps(frame).encode())

    def expect(self, wanted, seconds=5):
        """The first frame for which wanted(frame) is true; others are passed over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            frame = self._receive(deadline)
            if frame is not None and wanted(frame):
                return frame
            if self.close_code is not None:
                break
        raise TimeoutError(f"the awaited frame did not come (close code {self.close_code})")

    def expect_close(self, seconds=5):
        deadline = time.monotonic() + seconds
        while self.close_code is None and time.monotonic() < deadline:
            self._receive(deadline)
        return self.close_code

    def close(self):
        self._socket.close()

    def _receive(self, deadline):
        """One frame as a dictionary; None for control frames and when the deadline passed."""
        while (parsed := self._parse()) is None:
            readable, _, _ = select.select([self._socket], [], [], max(0, deadline - time.monotonic()))
            if not readable:
                return None
            self._more()
        opcode, payload = parsed
        if opcode == TEXT:
            return json.loads(payload)
        if opcode == PING:
            self._send(PONG, payload)
        if opcode == CLOSE:
            self.close_code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005
        return None

    def _parse(self):
        """(opcode, payload) of the first complete frame in the buffer; the server never fragments or masks."""
        if len(self._bytes) < 2:
            return None
        length, start = self._bytes[1] & 0x7F, 2
        if length >= 126:
            start = 4 if length == 126 else 10
            if len(self._bytes) < start:
                return None
            length = int.from_bytes(self._bytes[2:start], "big")
        if len(self._bytes) < start + length:
            return None
        opcode, payload = self._bytes[0] & 0x0F, self._bytes[start : start + length]
        self._bytes = self._bytes[start + length :]
        return opcode, payload

    def _more(self):
        received = self._socket.recv(65536)
        if not received:
            raise ConnectionError("the server closed the connection")
        self._bytes += received

    def _send(self, opcode, payload):
        mask = os.urandom(4)
        length = len(payload)
        head = bytes([0x80 | opcode])
        head += bytes([0x80 | length]) if length < 126 else bytes([0x80 | 126]) + struct.pack(">H", length)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        self._socket.sendall(head + mask + masked)
