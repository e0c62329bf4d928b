"""The seven daemons: names, ports, how many."""

from dataclasses import dataclass

from chatdev.complaint import Complaint
from chatdev.paths import REPOSITORY, build_folder
from chatdev.ports import HOST, MOST_REPLICAS, OPS_DISTANCE, REPLICA_DISTANCE


@dataclass(frozen=True)
class Service:
    name: str
    first_port: int  # in a stack with offset 0
    migrates: bool = True
    replicas: int = 1

    def binary(self, preset):
        return build_folder(preset) / self.name / self.name

    @property
    def config_file(self):
        return REPOSITORY / self.name / "configs" / f"{self.name}.json"

    @property
    def database(self):
        """Its database in MongoDB."""
        return self.name.replace("-", "_")

    @property
    def variable(self):
        """The middle of its environment variables: CHAT_<variable>_URLS."""
        return self.name.replace("-", "_").upper()


SERVICES = (
    Service("auth-service", 8101),
    Service("user-service", 8102),
    Service("chat-service", 8103),
    Service("message-service", 8104),
    Service("notification-service", 8105),
    Service("websocket-gateway", 8106, migrates=False, replicas=2),
    Service("api-gateway", 8080, migrates=False),
)
BY_NAME = {service.name: service for service in SERVICES}


@dataclass(frozen=True)
class Daemon:
    """One replica of a service; people count from 1, ports from 0."""

    service: Service
    index: int

    @property
    def name(self):
        return f"{self.service.name}-{self.index + 1}"

    def port(self, stack):
        return self.service.first_port + REPLICA_DISTANCE * self.index + stack.offset

    def ops_port(self, stack):
        return self.port(stack) + OPS_DISTANCE

    def url(self, stack):
        return f"http://{HOST}:{self.port(stack)}"

    def ops_url(self, stack):
        return f"http://{HOST}:{self.ops_port(stack)}"


def daemons(replicas):
    """All replicas, in the order of SERVICES; `replicas` maps a service's name to its count."""
    return [Daemon(service, index) for service in SERVICES for index in range(replicas[service.name])]


def default_replicas():
    return {service.name: service.replicas for service in SERVICES}


def parse_replicas(words):
    """['message-service=2', ...] as a dictionary."""
    chosen = {}
    for word in words:
        name, _, count = word.partition("=")
        if name not in BY_NAME:
            raise Complaint(f"--replicas {word}: no such service; there are {', '.join(BY_NAME)}")
        if not count.isdigit() or not 0 <= int(count) <= MOST_REPLICAS:
            raise Complaint(f"--replicas {word}: give a count from 0 to {MOST_REPLICAS}, as in {name}=2")
        chosen[name] = int(count)
    return chosen


def parse_presets(text):
    """'release,message-service=tsan' as the build of most services, and a dictionary of the others'."""
    most, *others = text.split(",")
    chosen = dict(word.partition("=")[::2] for word in others)
    for name, preset in chosen.items():
        if name not in BY_NAME or not preset:
            raise Complaint(f"--preset {text}: after the first, give SERVICE=PRESET; there are {', '.join(BY_NAME)}")
    return most, chosen


def preset_of(service, text):
    most, others = parse_presets(text)
    return others.get(service.name, most)


def addresses_for_clients(stack):
    """What a client outside the fleet needs: the end-to-end tests and the benchmark."""
    gateway = Daemon(BY_NAME["api-gateway"], 0).port(stack)
    sockets = Daemon(BY_NAME["websocket-gateway"], 0).port(stack)
    return {
        "CHAT_E2E_STACK": stack.name,
        "CHAT_E2E_URL": f"http://{HOST}:{gateway}",
        "CHAT_E2E_WEBSOCKET_URL": f"ws://{HOST}:{gateway}/v1/ws",
        "CHAT_CONFORMANCE_URL": f"ws://{HOST}:{sockets}/v1/echo",
    }
