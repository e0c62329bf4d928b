"""Mailpit: takes every mail, delivers none, and shows them by an HTTP API."""

from chatdev import gotools
from chatdev.components.server import Server
from chatdev.ports import HOST
from chatdev.wire import http_get

VERSION = "v1.27.11"


class Mailpit(Server):
    name = "mailpit"
    title = "Mailpit 1.27.11 (SMTP)"
    replaced_by = "CHAT_SMTP_URL"
    port_names = ("mailpit-smtp", "mailpit")

    def install(self):
        gotools.install("mailpit", VERSION, "github.com/axllent/mailpit")

    def command(self, stack):
        smtp, http = (f"{HOST}:{stack.port(name)}" for name in self.port_names)
        database = self.data_folder(stack) / "mails.db"
        words = [gotools.binary("mailpit", VERSION), "--smtp", smtp, "--listen", http, "--database", database]
        return [*words, "--quiet", "--disable-version-check"]

    def why_not_ready(self, stack):
        status, _ = http_get(f"http://{HOST}:{stack.port('mailpit')}/readyz")
        return None if status == 200 else "does not answer yet"
