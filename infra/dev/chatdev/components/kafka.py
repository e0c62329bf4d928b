"""Apache Kafka, one node that is broker and controller (KRaft), from its Maven jars."""

import base64
import os
import subprocess
import uuid

from chatdev import jars
from chatdev.complaint import Complaint
from chatdev.components.server import Server
from chatdev.paths import CACHE
from chatdev.ports import HOST
from chatdev.wire import exchange

VERSION = "4.3.1"
JARS = CACHE / f"kafka-{VERSION}"
HEAP = "-Xmx512m"

# A request of Kafka's protocol: length 20, key 18 (ApiVersions), version 0, correlation id 1, client id "chat-ready".
API_VERSIONS_REQUEST = bytes.fromhex("00000014 0012 0000 00000001 000a") + b"chat-ready"

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    # Topics are made on purpose, with their partitions: a misspelt name must fail.
    "auto.create.topics.enable": "false",
    "num.partitions": 12,
    # One node: one copy of everything.
    "default.replication.factor": 1,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 2,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    # Consumer groups form at once, and a dead member is noticed within seconds.
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 2000,
    "broker.session.timeout.ms": 3000,
    "broker.heartbeat.interval.ms": 500,
}


class Kafka(Server):
    name = "kafka"
    title = f"Kafka {VERSION}"
    replaced_by = "CHAT_KAFKA_BROKERS"
    port_names = ("kafka", "kafka-controller")
    ready_seconds = 120  # a JVM, perhaps on a machine with much else to do

    def install(self):
        jars.fetch("kafka", JARS, f"-Dkafka.version={VERSION}")

    def prepare(self, stack):
        super().prepare(stack)
        self._properties_file(stack).write_text(self._properties(stack))
        if not (self.data_folder(stack) / "log" / "meta.properties").exists():
            self._storage_tool("format", "-t", _cluster_id(), "-c", str(self._properties_file(stack)))

    def command(self, stack):
        quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
        return ["java", HEAP, quiet, "-cp", f"{JARS}/*", "kafka.Kafka", self._properties_file(stack)]

    def environment(self, stack):
        return {**os.environ, "LC_ALL": "C.UTF-8"}

    def why_not_ready(self, stack):
        answer = exchange(self.port(stack), API_VERSIONS_REQUEST, answer_bytes=10)
        return None if answer[8:10] == b"\0\0" else "does not answer ApiVersions yet"

    def _properties_file(self, stack):
        return self.data_folder(stack) / "server.properties"

    def _properties(self, stack):
        broker, controller = (f"{HOST}:{stack.port(name)}" for name in self.port_names)
        listeners = {
            "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{broker}",
            "controller.quorum.voters": f"1@{controller}",
            "log.dirs": self.data_folder(stack) / "log",
        }
        return "".join(f"{key}={value}\n" for key, value in {**SETTINGS, **listeners}.items())

    def _storage_tool(self, *arguments):
        command = ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{JARS}/*", "kafka.tools.StorageTool", *arguments]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if result.returncode != 0:
            raise Complaint(f"Kafka's storage tool failed: {result.stderr.strip()[-1000:]}")
        return result.stdout.strip()


def _cluster_id():
    """As its storage tool makes them, without a second start of a JVM: a UUID in base64url, no `-` in front."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text
