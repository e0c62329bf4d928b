"""mongo-java-server: another implementation of MongoDB's protocol, in memory. A second opinion for storage contracts.

Its updates are atomic and its errors name the index, as MongoDB's; FerretDB's are not and do not. No stack starts it.
"""

import os

from chatdev import jars
from chatdev.components.ferretdb import PING_REQUEST
from chatdev.components.server import Server
from chatdev.paths import CACHE, INFRA_DEV
from chatdev.ports import HOST
from chatdev.wire import exchange

VERSION = "1.47.0"
JARS = CACHE / f"mongojava-{VERSION}"
LAUNCHER = INFRA_DEV / "mongojava" / "Launcher.java"


class MongoJava(Server):
    name = "mongojava"
    title = f"mongo-java-server {VERSION}"
    port_names = ("mongojava",)

    def install(self):
        jars.fetch("mongojava", JARS, f"-Dserver.version={VERSION}")

    def command(self, stack):
        quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
        return ["java", "-Xmx256m", quiet, "-cp", f"{JARS}/*", LAUNCHER, HOST, self.port(stack)]

    def environment(self, stack):
        return {**os.environ, "LC_ALL": "C.UTF-8"}

    def why_not_ready(self, stack):
        answer = exchange(self.port(stack), PING_REQUEST, answer_bytes=512)
        return None if b"ok\0" in answer else "does not answer ping yet"

    def uri(self, stack):
        return f"mongodb://{HOST}:{self.port(stack)}/"
