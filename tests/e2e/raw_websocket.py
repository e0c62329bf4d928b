"""A WebSocket client that may break every rule of RFC 6455: frames as bytes, and what comes back."""

import asyncio
import base64
import json
import os
import struct
import time
from urllib.parse import urlsplit

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN, RSV1, RSV2, RSV3 = 0x80, 0x40, 0x20, 0x10
ABRUPT = 1006  # no close frame came before the end
PATIENCE = 20


def frame(payload=b"", opcode=TEXT, flags=FIN, masked=True, length=None):
    """`length`: what the header says, when it lies."""
    payload = payload.encode() if isinstance(payload, str) else payload
    said = len(payload) if length is None else length
    bit = 0x80 if masked else 0
    head = bytes([flags | opcode])
    if said < 126:
        head += bytes([bit | said])
    elif said < 65536:
        head += bytes([bit | 126]) + struct.pack(">H", said)
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", said)
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))


def handshake(path="/v1/ws", method="GET", version="HTTP/1.1", without=(), **replaced):
    """The bytes of an upgrade request; keyword `Sec_WebSocket_Key="x"` replaces that field, `without` leaves some out."""
    fields = {
        "Host": "localhost",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "chat.v1",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
    }
    fields |= {name.replace("_", "-"): value for name, value in replaced.items()}
    lines = [f"{method} {path} {version}", *(f"{name}: {value}" for name, value in fields.items() if name not in without)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class RawSocket:
    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer
        self.frames = []  # JSON of text frames
        self.pongs = []
        self.close_code = None

    @classmethod
    async def connect(cls, url):
        where = urlsplit(url)
        return cls(*await asyncio.open_connection(where.hostname, where.port))

    @classmethod
    async def open(cls, url, request=None):
        """Upgraded; the gateway's `hello` is not read yet."""
        socket = await cls.connect(url)
        status = await socket.upgrade(request or handshake())
        assert status == 101, status
        return socket

    async def upgrade(self, request):
        """The status of the answer; None when there was none."""
        await self.write(request)
        try:
            head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), PATIENCE)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return int(head.split()[1])

    async def write(self, data):
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError:
            pass  # what was said before shows when it is read

    async def say(self, **fields):
        await self.write(frame(json.dumps(fields)))

    async def expect(self, wanted):
        """The next JSON for which wanted(it)."""
        deadline = time.monotonic() + PATIENCE
        while True:
            got = await self._next(deadline)
            assert got is not None, f"closed with {self.close_code}; before: {self.frames[-3:]}"
            if isinstance(got, dict) and wanted(got):
                return got

    async def expect_pong(self, payload):
        deadline = time.monotonic() + PATIENCE
        while payload not in self.pongs:
            assert await self._next(deadline) is not None, f"closed with {self.close_code}"

    async def expect_close(self):
        deadline = time.monotonic() + PATIENCE
        while await self._next(deadline) is not None:
            pass
        return self.close_code

    async def close(self):
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except ConnectionError:
            pass

    async def _next(self, deadline):
        """A JSON, another frame's opcode, or None at the end."""
        try:
            async with asyncio.timeout(max(0.01, deadline - time.monotonic())):
                opcode, payload = await self._read_frame()
        except (asyncio.IncompleteReadError, ConnectionError):
            self.close_code = self.close_code or ABRUPT
            return None
        except TimeoutError:
            raise AssertionError(f"nothing more came; before: {self.frames[-3:]}") from None
        if opcode == CLOSE:
            self.close_code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005
            return None
        if opcode == PONG:
            self.pongs.append(payload)
        if opcode != TEXT:
            return opcode
        self.frames.append(json.loads(payload))
        return self.frames[-1]

    async def _read_frame(self):
        first, second = await self._reader.readexactly(2)
        length = second & 0x7F
        if length == 126:
            length = struct.unpack(">H", await self._reader.readexactly(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", await self._reader.readexactly(8))[0]
        assert not second & 0x80, "servers don't mask"
        return first & 0x0F, await self._reader.readexactly(length)
