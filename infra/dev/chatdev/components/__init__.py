"""The real servers that the fleet needs, one module each, in the order in which they are listed by `status`."""

from chatdev.components.ferretdb import FerretDB
from chatdev.components.kafka import Kafka
from chatdev.components.mailpit import Mailpit
from chatdev.components.postgres import Postgres
from chatdev.components.redis import Redis
from chatdev.components.versitygw import VersityGateway

ALL = (Postgres(), Redis(), Kafka(), FerretDB(), VersityGateway(), Mailpit())
BY_NAME = {server.name: server for server in ALL}


def ours(environment):
    """The servers to start: those for which the environment names no external one."""
    chosen = [server for server in ALL if not environment.get(server.replaced_by)]
    if BY_NAME["ferretdb"] in chosen and BY_NAME["postgres"] not in chosen:
        chosen.insert(0, BY_NAME["postgres"])  # FerretDB keeps its documents in the stack's own PostgreSQL
    return chosen
