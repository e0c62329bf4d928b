"""R31: no log holds a token, code, password, address, message or signature of a URL. Runs last, over all that the other tests have used.

`infra/dev/chat test` runs the fleet with log level debug, so that "no log" means at any level.
"""

import re

import pytest
from client import fields_of
from documented import documented_fields
from files import upload
from fleet import REPOSITORY
from secrecy import SECRET_KEYS, USED, Secrets, find

PLANTED = {
    "password": "correct horse battery staple",
    "token": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLW9mLW5vYm9keQ",
    "address": "ada.lovelace@example.org",
    "message": "meet me at the engine at nine",
    "code": "427183",
    "signature": "http://127.0.0.1/a?X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
}
SOUNDS_SECRET = re.compile(r"password|secret|email|signature|(^|_)(token|code|pin|key)$")
LOGGED = '{{"@timestamp":"2026-01-01T00:00:00.427183Z","log.level":"debug","reason":"{0}","duration_us":"123"}}\n'
HARMLESS = '{"@timestamp":"2026-01-01T00:00:00.427183Z","duration_us":"427183","message_count":"427183"}\n'


def logs_of(fleet):
    """Of every daemon and server of the stack, this run's and what was set aside because it grew too large."""
    files = [file for file in fleet.logs.glob("*.log*") if file.stat().st_size]
    assert {"api-gateway-1", "auth-service-1", "postgres"} <= {file.name.partition(".")[0] for file in files}
    return files


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_secret_is_found(fleet, tmp_path, kind):
    secrets, log = Secrets(), tmp_path / "planted.log"
    secrets.note(kind, PLANTED[kind])
    log.write_text(HARMLESS)
    assert find(secrets, [*logs_of(fleet), log], tmp_path) == []
    log.write_text(HARMLESS + LOGGED.format(f"it was {PLANTED[kind]}!") + HARMLESS)
    assert [one.partition(" ")[0] for one in find(secrets, [*logs_of(fleet), log], tmp_path)] == [kind]


async def test_no_log_holds_a_secret_that_was_used(people, fleet, tmp_path):
    ada = await people.join("Ada")
    chat_id = (await ada.make_group("Engines"))["chat_id"]
    fields_of(await ada.say(chat_id, "of each kind at least one was used"))
    await upload(ada, b"signatures, too")
    counts = {kind: len(texts) for kind, texts in USED.kinds.items()}
    files = logs_of(fleet)
    print(f"\n{counts} sought in {sum(file.stat().st_size for file in files) / 2**20:.0f} MiB of logs")
    assert all(counts.values()), "nothing of a kind was used: then nothing is shown"
    found = find(USED, files, tmp_path)
    assert not found, f"{len(found)}:\n" + "\n".join(found[:40])


def test_no_metric_holds_a_secret_that_was_used(fleet, tmp_path):
    pages = []
    for name, daemon in fleet.daemons().items():
        if daemon.metrics():
            pages.append(tmp_path / f"{name}.metrics")
            pages[-1].write_text("\n".join(daemon.metrics()))
    assert len(pages) >= 7
    no_codes = Secrets()
    no_codes.kinds |= {kind: texts for kind, texts in USED.kinds.items() if kind != "code"}
    assert find(no_codes, pages, tmp_path) == []


def test_the_stacks_own_secrets_are_in_no_log(fleet, tmp_path):
    """The signing key, line by line, and the object store's keys."""
    secrets = Secrets()
    for file in (REPOSITORY / ".chat" / fleet.stack / "secrets").iterdir():
        for line in file.read_text().splitlines():
            secrets.note("password", line if not line.startswith("-----") else "")
    assert len(secrets.kinds["password"]) > 10
    assert find(secrets, logs_of(fleet), tmp_path) == []


def test_what_is_noted_is_what_the_api_calls_secret():
    secrets = Secrets()
    secrets.note_all({"a": [{"refresh_token": "r" * 43, "email": "a@example.org", "more": {"code": "123456"}}]})
    assert {kind for kind, texts in secrets.kinds.items() if texts} == {"token", "address", "code"}


def test_every_documented_field_that_sounds_secret_is_noted():
    secret = {name for name in documented_fields() if SOUNDS_SECRET.search(name)}
    assert {"password", "current_password", "new_password", "refresh_token", "code", "email"} <= secret
    assert secret <= set(SECRET_KEYS), f"to be noted, too: {secret - set(SECRET_KEYS)}"
    assert set(SECRET_KEYS) <= documented_fields(), f"no field of the API: {set(SECRET_KEYS) - documented_fields()}"
