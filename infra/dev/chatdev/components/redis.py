"""Redis from Debian, in memory only: the fleet must rebuild everything that it keeps there."""

from chatdev.components.server import Server
from chatdev.ports import HOST
from chatdev.wire import exchange


class Redis(Server):
    name = "redis"
    title = "Redis 7"
    replaced_by = "CHAT_REDIS_URL"
    port_names = ("redis",)

    def command(self, stack):
        words = ["redis-server", "--port", self.port(stack), "--bind", HOST, "--dir", self.data_folder(stack)]
        return [*words, "--save", "", "--appendonly", "no"]

    def why_not_ready(self, stack):
        answer = exchange(self.port(stack), b"PING\r\n", answer_bytes=7)
        return None if answer == b"+PONG\r\n" else "does not answer PING yet"
