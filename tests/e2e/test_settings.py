"""A daemon that is told nonsense says so, by name, and does not start: exit 78 (configuration)."""

import json
from pathlib import Path

import pytest
from fleet import config_of, run_daemon

CONFIGURATION = 78
USAGE = 64
DAEMONS = [
    "auth-service-1",
    "user-service-1",
    "chat-service-1",
    "message-service-1",
    "notification-service-1",
    "websocket-gateway-1",
    "api-gateway-1",
]
SECRETS = {
    "auth-service-1": "CHAT_SIGNING_KEY_FILE",
    "user-service-1": "CHAT_POSTGRES_URI",
    "message-service-1": "CHAT_S3_SECRET_KEY_FILE",
}


@pytest.fixture(params=DAEMONS)
def daemon(request, fleet):
    return fleet.daemons()[request.param]


def refused(daemon, arguments, environment, key):
    result = run_daemon(daemon, arguments, environment)
    said = result.stdout + result.stderr
    assert result.returncode == CONFIGURATION, f"exit {result.returncode}: {said[-600:]}"
    assert key in said, said[-600:]
    return said


def test_its_own_settings_are_good(daemon):
    result = run_daemon(daemon, [*daemon.arguments, "--check-config"], daemon.environment)
    assert result.returncode == 0, result.stdout + result.stderr


def test_an_unknown_key_is_named(daemon, tmp_path):
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config_of(daemon) | {"prot": 8080}))
    refused(daemon, ["--config", str(file)], daemon.environment, "prot")


@pytest.mark.parametrize("port", ["0x50", "-1", "65536", "http", "80 80"])
def test_a_bad_port_is_named(daemon, port):
    refused(daemon, daemon.arguments, daemon.environment | {"CHAT_PORT": port}, "port")


def test_a_config_that_is_no_json_is_named(daemon, tmp_path):
    file = tmp_path / "config.json"
    file.write_text("{")
    refused(daemon, ["--config", str(file)], daemon.environment, "config.json")


def test_production_refuses_the_echo_of_the_conformance_cases(fleet):
    gateway = fleet.daemons()["websocket-gateway-1"]
    arguments, both = [*gateway.arguments, "--check-config"], {"CHAT_PRODUCTION": "true", "CHAT_ECHO_ENDPOINT": "true"}
    refused(gateway, arguments, gateway.environment | both, "echo_endpoint")
    assert run_daemon(gateway, arguments, gateway.environment | both | {"CHAT_ECHO_ENDPOINT": "false"}).returncode == 0


def test_an_unknown_argument_is_a_usage_fault(daemon):
    assert run_daemon(daemon, ["--nonsense"], daemon.environment).returncode == USAGE


@pytest.mark.parametrize("name", SECRETS)
def test_a_missing_secret_is_named_and_no_secret_is_shown(fleet, name):
    daemon, variable = fleet.daemons()[name], SECRETS[name]
    environment = {key: value for key, value in daemon.environment.items() if key != variable}
    key = variable.removeprefix("CHAT_").removesuffix("_FILE").lower()
    refused(daemon, daemon.arguments, environment, key)


@pytest.mark.parametrize("name", SECRETS)
def test_printed_settings_hide_secrets(fleet, name):
    daemon = fleet.daemons()[name]
    value = daemon.environment[SECRETS[name]]
    secret = Path(value).read_text() if SECRETS[name].endswith("_FILE") else value
    result = run_daemon(daemon, [*daemon.arguments, "--print-config"], daemon.environment)
    assert result.returncode == 0
    key = SECRETS[name].removeprefix("CHAT_").removesuffix("_FILE").lower()
    assert json.loads(result.stdout)[key] == "***"
    assert not [line for line in secret.splitlines() if line in result.stdout + result.stderr]
