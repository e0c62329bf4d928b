"""R23: every documented route, asked by everybody, against the table in authorisation.md."""

import asyncio
import copy
import re
import uuid
from dataclasses import dataclass

import pytest
from client import fields_of
from conftest import People
from fleet import REPOSITORY, documented_operations
from forge import Forger, Key
from files import announce, announcement, send_file, upload

TABLE = REPOSITORY / "tests" / "e2e" / "authorisation.md"
ROW = re.compile(r"\| ((?:GET|POST|PUT|PATCH|DELETE) /\S+) \|(.*)\|$")
HEADING = "| route |"
GIVE_ROLE = ("PATCH", "/v1/chats/{chat_id}/members/{user_id}")  # before it is there nobody can be made an admin
MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}
NOBODY_ELSE_MAY = (401, 403, 404)
ACTIVITY = {"last_activity_at", "last_message", "head_seq", "read_seq", "unread"}


@dataclass(frozen=True)
class Expectation:
    route: str
    actor: str
    statuses: tuple

    @property
    def method(self):
        return self.route.partition(" ")[0]

    @property
    def path(self):
        return self.route.partition(" ")[2]


def read_table():
    """{route: [Expectation, ...]}."""
    rows, actors = {}, []
    for line in TABLE.read_text().splitlines():
        if line.startswith(HEADING):
            actors = _cells(line)[1:]
        elif match := ROW.match(line):
            cells = _cells(f"|{match.group(2)}|")
            assert len(cells) == len(actors), line
            rows[match.group(1)] = [
                Expectation(match.group(1), actor, tuple(int(word) for word in cell.split("/")))
                for actor, cell in zip(actors, cells, strict=True)
            ]
    return rows


def _cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


ROWS = read_table()


# ---- a sound request for each route: what it needs beside path and token. `s` is the Stage.


def unique():
    return uuid.uuid4().hex[:12]


BODIES = {
    "POST /v1/auth/register": lambda s: {
        "email": f"{unique()}@example.org", "password": f"a pass phrase {unique()}", "handle": f"h_{unique()}",
        "display_name": "Somebody",
    },
    "POST /v1/auth/otp/verify": lambda s: {"verification_id": "a" * 43, "email": f"{unique()}@example.org", "code": "000000"},
    "POST /v1/auth/otp/resend": lambda s: {"verification_id": "a" * 43, "email": f"{unique()}@example.org"},
    "POST /v1/auth/login": lambda s: {"email": f"{unique()}@example.org", "password": "x" * 12, "device_id": "d"},
    "POST /v1/auth/refresh": lambda s: {"refresh_token": "a" * 43, "device_id": "d"},
    "POST /v1/auth/logout": lambda s: {"refresh_token": "a" * 43},
    "POST /v1/auth/password/forgot": lambda s: {"email": f"{unique()}@example.org"},
    "POST /v1/auth/password/reset": lambda s: {
        "verification_id": "a" * 43, "email": f"{unique()}@example.org", "code": "000000",
        "password": f"a pass phrase {unique()}",
    },
    "POST /v1/auth/password/change": lambda s: {
        "current_password": f"not it {unique()}", "new_password": f"a pass phrase {unique()}",
    },
    "DELETE /v1/users/me": lambda s: {"password": f"not it {unique()}"},
    "PUT /v1/users/me/settings": lambda s: {},
    "PATCH /v1/users/me": lambda s: {"bio": unique()},
    "PUT /v1/devices/{device_id}/push-token": lambda s: {"token": "somebody else's device"},
    "POST /v1/notifications/read": lambda s: {"notification_ids": [str(uuid.uuid4())]},
    "POST /v1/chats": lambda s: {"title": "Another", "member_ids": []},
    "POST /v1/chats/direct": lambda s: {"user_id": s.spare.user_id},
    "PATCH /v1/chats/{chat_id}": lambda s: {"title": f"Renamed {unique()}"},
    "POST /v1/chats/{chat_id}/members": lambda s: {"user_ids": [s.spare.user_id]},
    "POST /v1/chats/{chat_id}/messages": lambda s: {"type": "text", "body": unique()},
    "POST /v1/chats/{chat_id}/read": lambda s: {"seq": 1},
    "PUT /v1/chats/{chat_id}/me": lambda s: {"pinned": True},
    "PATCH /v1/chats/{chat_id}/members/{user_id}": lambda s: {"role": "admin"},
    "POST /v1/chats/{chat_id}/transfer": lambda s: {"user_id": s.spare.user_id},
    "PATCH /v1/messages/{message_id}": lambda s: {"body": unique()},
    "POST /v1/media/uploads": lambda s: announcement(unique().encode()),
}  # fmt: skip
QUERIES = {
    "DELETE /v1/sessions": lambda s: {"others": "true"},
    "GET /v1/users": lambda s: {"query": "own"},
    "GET /v1/users/presence": lambda s: {"ids": s.spare.user_id},
    "GET /v1/chats/{chat_id}/changes": lambda s: {"after_rev": 0},
    "DELETE /v1/chats/{chat_id}": lambda s: {"scope": "everyone"},
}
HEADERS = {
    "PATCH /v1/users/me": lambda s: MERGE_PATCH | {"If-Match": s.profile_version},
    "PATCH /v1/chats/{chat_id}": lambda s: MERGE_PATCH,
    "PUT /v1/users/me/settings": lambda s: {"If-Match": "*"},
    "POST /v1/chats/{chat_id}/messages": lambda s: {"Idempotency-Key": unique()},
    "PATCH /v1/messages/{message_id}": lambda s: {"Idempotency-Key": unique()},
    "DELETE /v1/messages/{message_id}": lambda s: {"Idempotency-Key": unique()},
}
# After these nothing is as it was: each actor gets a stage of its own.
DESTRUCTIVE = {
    "DELETE /v1/chats/{chat_id}/members/{user_id}",
    "POST /v1/chats/{chat_id}/leave",
    "POST /v1/chats/{chat_id}/transfer",
    "PATCH /v1/chats/{chat_id}/members/{user_id}",
    "DELETE /v1/chats/{chat_id}",
    "DELETE /v1/sessions/{session_id}",
}


class Cast:
    """Who asks, and a group in which each has their place."""

    def __init__(self, fleet):
        self.key = Key.of_the_fleet(fleet)
        self.roles_can_be_given = GIVE_ROLE in documented_operations()
        asyncio.run(self._gather())

    async def _gather(self):
        people = People()
        try:
            names = ("Owner", "Admin", "Member", "Removed", "Stranger", "Spare", "Ended")
            joined = await people.join(*names)
            self.people = {one.name.lower(): one for one in joined}
            self.people["operator"] = copy.copy(self.people["stranger"])
            self.people["operator"].token = Forger(self.people["stranger"].token, self.key).with_claims(role="admin")
            await self.people["ended"].log_out()
        finally:
            await people.close()

    def actors(self):
        return {*self.people, "anonymous"} - (set() if self.roles_can_be_given else {"admin"})

    def person(self, name, api):
        """Somebody who asks with `api`, which belongs to the running test."""
        person = copy.copy(self.people[name if name != "anonymous" else "stranger"])
        person.api = api
        if name == "anonymous":
            person.token = None
        return person


class Stage:
    """What the path of a route names, when somebody is about to ask."""

    @classmethod
    async def set_up(cls, cast, api):
        stage = cls()
        stage.owner, stage.spare, stage.admin = (cast.person(name, api) for name in ("owner", "spare", "admin"))
        member, removed = cast.person("member", api), cast.person("removed", api)
        chat = await stage.owner.make_group("Stage", stage.admin, member, removed, stage.spare)
        path = f"/v1/chats/{chat['chat_id']}/members"
        assert (await stage.owner.call("DELETE", f"{path}/{removed.user_id}")).status_code in (202, 204)
        if cast.roles_can_be_given:
            fields_of(await stage.owner.call("PATCH", f"{path}/{stage.admin.user_id}", {"role": "admin"}))
        stage.names = {
            "chat_id": chat["chat_id"],
            "device_id": unique(),
            "user_id": stage.spare.user_id,
            "deletion_id": str(uuid.uuid4()),
            "emoji": "👍",
        }
        return stage

    async def prepare(self, person, route):
        """What this request needs of the moment."""
        self.profile_version = '"1"'
        if route == "PATCH /v1/users/me" and person.token:
            me = await person.call("GET", "/v1/users/me")
            self.profile_version = me.headers.get("ETag", self.profile_version)
        if "{message_id}" in route:
            said = fields_of(await self.owner.say(self.names["chat_id"], "judge me"), 200, 201)
            self.names["message_id"] = said["message_id"]
        if route.endswith("/complete"):
            self.names["media_id"] = (await announce(self.owner, unique().encode()))["media_id"]
        elif "{media_id}" in route:
            self.names["media_id"] = await upload(self.owner, unique().encode())
            fields_of(await send_file(self.owner, self.names["chat_id"], self.names["media_id"]), 201)
        if "{session_id}" in route:
            tablet = copy.copy(self.owner)
            tablet.device_id = unique()
            await tablet.log_in()
            self.names["session_id"] = tablet.session_id

    def missing(self):
        """The same names of things that do not exist."""
        return {name: str(uuid.uuid4()) for name in self.names if name != "emoji"}

    async def ask(self, person, expectation, **other_names):
        path, names = expectation.path, self.names | other_names
        for name in re.findall(r"{(\w+)}", path):
            path = path.replace(f"{{{name}}}", names[name])
        options = {}
        for option, table in (("body", BODIES), ("params", QUERIES), ("headers", HEADERS)):
            if expectation.route in table:
                options[option] = table[expectation.route](self)
        return await person.call(expectation.method, path, **options)


def told(answer):
    """What a stranger can learn from a refusal: all but what names the request itself."""
    problem = {key: value for key, value in answer.json().items() if key not in ("instance", "trace_id")}
    headers = sorted(name for name in answer.headers if not name.startswith("ratelimit"))
    return answer.status_code, problem, headers


@pytest.fixture(scope="module")
def cast(fleet):
    return Cast(fleet)


def test_the_table_names_every_documented_route_and_no_other():
    documented = {f"{method} {path}" for method, path in documented_operations()}
    assert documented == set(ROWS), f"in one of them only: {sorted(documented ^ set(ROWS))}"


@pytest.mark.parametrize("route", ROWS)
async def test_everybody_may_what_the_table_says(people, cast, route):
    stage, wrong = await Stage.set_up(cast, people.api), []
    for expectation in ROWS[route]:
        if expectation.actor not in cast.actors():
            continue
        if route in DESTRUCTIVE:
            stage = await Stage.set_up(cast, people.api)
        person = cast.person(expectation.actor, people.api)
        await stage.prepare(person, route)
        answer = await stage.ask(person, expectation)
        if answer.status_code not in expectation.statuses:
            wrong.append(f"{expectation.actor}: {answer.status_code} instead of {expectation.statuses}")
        if answer.status_code == 404:
            missing = await stage.ask(person, expectation, **stage.missing())
            if told(answer) != told(missing):
                wrong.append(f"{expectation.actor} can tell it from a missing one: {told(answer)} {told(missing)}")
    assert not wrong, "\n".join(wrong)


async def state_of(person, chat_id):
    """The chat and what people said in it, without what follows from the timeline a moment later."""
    chat = await person.get(f"/v1/chats/{chat_id}")
    said = [one for one in await person.history(chat_id) if one["type"] != "system"]
    return {key: value for key, value in chat.items() if key not in ACTIVITY}, said


async def test_who_was_refused_has_changed_nothing(people, cast):
    """The group after everybody who may not has tried to change it."""
    stage = await Stage.set_up(cast, people.api)
    before = await state_of(stage.owner, stage.names["chat_id"])
    for route, row in ROWS.items():
        if "{chat_id}" not in route or route.startswith("GET"):
            continue
        for expectation in row:
            if expectation.actor in cast.actors() and set(expectation.statuses) <= set(NOBODY_ELSE_MAY):
                answer = await stage.ask(cast.person(expectation.actor, people.api), expectation)
                assert answer.status_code in expectation.statuses
    assert await state_of(stage.owner, stage.names["chat_id"]) == before
