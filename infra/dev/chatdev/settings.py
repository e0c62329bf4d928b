"""The settings of each daemon, as environment variables.

A daemon refuses a setting that it does not know, so it is asked first (`--print-config`) and gets only those that it
declares.
"""

import functools
import json
import os
import subprocess

from chatdev import addresses
from chatdev.complaint import Complaint
from chatdev.ports import HOST
from chatdev.services import SERVICES, Daemon

PREFIX = "CHAT_"
ASK_SECONDS = 10
# Where development differs from a daemon's own defaults; what you export yourself goes before.
DEVELOPMENT = {
    # All people of a demo, a collection or a test sign in from one address.
    "CHAT_RATE_AUTH_PER_10S": 100,
    # Mailpit has no certificate.
    "CHAT_SMTP_REQUIRE_TLS": "false",
    # The WebSocket conformance cases need a counterpart.
    "CHAT_ECHO_ENDPOINT": "true",
}


def environment_for(stack, daemon, replicas, binary):
    """The whole environment of one daemon. What you export as CHAT_<SETTING> reaches whoever declares it."""
    declared = _declared(daemon.service, binary)
    theirs = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    wanted = {**DEVELOPMENT, **theirs, **_offered(stack, daemon, replicas)}
    return {**_foreign_environment(), **{name: str(wanted[name]) for name in wanted if _knows(declared, name)}}


def _offered(stack, daemon, replicas):
    return {
        "CHAT_HOST": HOST,
        "CHAT_PORT": daemon.port(stack),
        "CHAT_OPS_PORT": daemon.ops_port(stack),
        "CHAT_NODE_ID": daemon.name,
        "CHAT_KAFKA_BROKERS": addresses.kafka_brokers(stack),
        "CHAT_MONGO_URI": addresses.mongo_uri(stack),
        "CHAT_MONGO_DATABASE": daemon.service.database,
        "CHAT_POSTGRES_URI": addresses.postgres_uri(stack),
        "CHAT_REDIS_URL": addresses.redis_url(stack),
        "CHAT_SMTP_URL": addresses.smtp_url(stack),
        **_storage(stack),
        **_keys(stack, daemon),
        **_peers(stack, replicas),
    }


def _storage(stack):
    offered = {"CHAT_S3_ENDPOINT": addresses.s3_endpoint(stack), "CHAT_S3_BUCKET": addresses.s3_bucket()}
    if not os.environ.get("CHAT_S3_ENDPOINT"):  # an external server's keys come from the caller's environment
        offered["CHAT_S3_ACCESS_KEY_FILE"] = stack.secrets.file("s3_access_key")
        offered["CHAT_S3_SECRET_KEY_FILE"] = stack.secrets.file("s3_secret_key")
    return offered


def _keys(stack, daemon):
    """Tokens are signed by auth-service alone; everybody else fetches its public keys."""
    auth = Daemon(SERVICES[0], 0)
    offered = {"CHAT_JWKS_URLS": f"{auth.ops_url(stack)}/internal/jwks.json"}
    if daemon.service == auth.service:
        offered["CHAT_SIGNING_KEY_FILE"] = stack.secrets.file("signing_key.pem")
    return offered


def _peers(stack, replicas):
    offered = {}
    for service in SERVICES:
        members = [Daemon(service, index) for index in range(replicas[service.name])]
        offered[f"CHAT_{service.variable}_URLS"] = ",".join(member.url(stack) for member in members)
        offered[f"CHAT_{service.variable}_INTERNAL_URLS"] = ",".join(member.ops_url(stack) for member in members)
    return offered


def _knows(declared, variable):
    key = variable.removeprefix(PREFIX).lower()
    return key in declared or key.removesuffix("_file") in declared


def _foreign_environment():
    """What the daemon inherits that is no setting of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


@functools.cache
def _declared(service, binary):
    """The keys that this daemon declares."""
    command = [str(binary), "--config", str(service.config_file), "--print-config"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=ASK_SECONDS, env=_foreign_environment())
    try:
        return frozenset(json.loads(result.stdout))
    except ValueError:
        told = (result.stderr or result.stdout).strip()[-600:]
        raise Complaint(f"{service.name} --print-config printed no JSON (exit {result.returncode}): {told}") from None
