"""FerretDB: MongoDB's protocol, documents in the stack's PostgreSQL. In production this place is MongoDB's."""

from chatdev import gotools
from chatdev.components.server import Server
from chatdev.paths import INFRA_DEV
from chatdev.ports import HOST
from chatdev.wire import exchange

SOURCES = INFRA_DEV / "ferretdb"
VERSION = f"v1.24.2-{gotools.digest(SOURCES)}"

# OP_MSG {ping: 1, $db: "admin"}: header (length, request 1, response 0, opcode 2013), flags 0, one body section.
PING_BODY = bytes.fromhex("1e000000 10 70696e6700 01000000 02 24646200 06000000 61646d696e00 00")
PING_REQUEST = bytes.fromhex("33000000 01000000 00000000 dd070000 00000000 00") + PING_BODY


class FerretDB(Server):
    name = "ferretdb"
    title = "FerretDB 1.24.2"
    replaced_by = "CHAT_MONGO_URI"
    port_names = ("ferretdb",)
    needs = ("postgres",)

    def install(self):
        gotools.build("ferretdb", VERSION, SOURCES)

    def command(self, stack):
        # An update holds a connection of the pool while it asks for a second one: with too few it waits for itself.
        documents = f"postgres://chat@{HOST}:{stack.port('postgres')}/ferretdb?pool_max_conns=200"
        binary = gotools.binary("ferretdb", VERSION)
        return [binary, "-listen", f"{HOST}:{self.port(stack)}", "-postgres", documents]

    def why_not_ready(self, stack):
        answer = exchange(self.port(stack), PING_REQUEST, answer_bytes=512)
        return None if b"ok\0" in answer else "does not answer ping yet"
