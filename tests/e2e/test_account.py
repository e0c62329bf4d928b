"""What happens to an account shows everywhere: at every gateway, in REST and at open sockets."""

import asyncio
import time

import httpx
from client import CODE, Person, attempts, fields_of
from fleet import run_daemon, slowness

REST_SECONDS = 1  # until every gateway process refuses a revoked token
SOCKET_SECONDS = 2  # until its sockets are closed


def another_device(person):
    """The same person at another device."""
    other = Person(person.api, person._mailpit, person.name)
    other.email, other.password, other.handle = person.email, person.password, person.handle
    return other


async def refused(person, since):
    async for _ in attempts("the revoked token is refused", seconds=REST_SECONDS * slowness() + 1, pause=0.02):
        if (await person.call("GET", "/v1/users/me")).status_code == 401:
            return time.monotonic() - since


def auth_service(fleet, *words):
    daemon = fleet.daemons()["auth-service-1"]
    return run_daemon(daemon, [*daemon.arguments, *words], daemon.environment, seconds=30)


async def administrator(people, fleet):
    person = await people.join("Root")
    result = auth_service(fleet, "admin", "grant", person.email)
    assert result.returncode == 0, result.stderr
    await person.log_in()
    return person


async def test_who_is_suspended_is_out_everywhere_until_reinstated(people, fleet):
    admin = await administrator(people, fleet)
    ada = await people.join("Ada")
    sockets = [await people.connect(ada, url=url) for url in fleet.gateways()]
    since = time.monotonic()
    fields_of(await admin.call("POST", f"/v1/admin/users/{ada.user_id}/suspend"), 204)
    codes = [await socket.expect_close(SOCKET_SECONDS * slowness()) for socket in sockets]
    assert codes == [4304] * len(sockets)
    await refused(ada, since)
    body = {"email": ada.email, "password": ada.password, "device_id": ada.device_id, "device_name": "test"}
    answer = await ada.api.call("POST", "/v1/auth/login", body)
    assert (answer.status_code, answer.json()["code"]) == (403, "suspended")
    fields_of(await admin.call("POST", f"/v1/admin/users/{ada.user_id}/reinstate"), 204)
    await ada.log_in()
    assert (await ada.get("/v1/users/me"))["user_id"] == ada.user_id


async def test_only_administrators_judge(people, fleet):
    admin = await administrator(people, fleet)
    ada, bob = await people.join("Ada", "Bob")
    answer = await ada.call("POST", f"/v1/admin/users/{bob.user_id}/suspend")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    answer = await ada.api.call("POST", f"/v1/admin/users/{bob.user_id}/suspend")
    assert answer.status_code == 401
    state = await admin.get(f"/v1/admin/users/{bob.user_id}")
    assert (state["state"], state["role"]) == ("active", "user")


async def test_logging_out_everywhere_closes_every_socket(people):
    ada = await people.join("Ada")
    laptop = another_device(ada)
    await laptop.log_in()
    names = {one["device_id"] for one in (await ada.get("/v1/devices"))["items"]}
    assert names == {ada.device_id, laptop.device_id}
    sockets = await asyncio.gather(people.connect(ada), people.connect(laptop))
    since = time.monotonic()
    fields_of(await ada.call("DELETE", "/v1/sessions?all=true"), 204)
    assert [await socket.expect_close(SOCKET_SECONDS * slowness()) for socket in sockets] == [4301, 4301]
    await refused(ada, since)
    await refused(laptop, since)


async def test_a_reset_password_throws_everybody_out(people):
    ada = await people.join("Ada")
    socket = await people.connect(ada)
    ada.asked(await ada.api.call("POST", "/v1/auth/password/forgot", {"email": ada.email}))
    new_password = f"{ada.password} again"
    body = ada.with_code(await reset_code(ada)) | {"password": new_password}
    since = time.monotonic()
    fields_of(await ada.api.call("POST", "/v1/auth/password/reset", body), 200)
    assert await socket.expect_close(SOCKET_SECONDS * slowness()) == 4301
    await refused(ada, since)
    ada.password = new_password
    await ada.log_in()


async def reset_code(person):
    async with httpx.AsyncClient(base_url=person._mailpit, timeout=30, trust_env=False) as mailpit:
        async for _ in attempts("the mail with the reset code"):
            found = (await mailpit.get("/api/v1/search", params={"query": f"to:{person.email} subject:another"})).json()
            if found["messages"]:
                mail = (await mailpit.get(f"/api/v1/message/{found['messages'][0]['ID']}")).json()
                return CODE.search(mail["Text"]).group(1)


async def test_a_deleted_account_is_out_at_once_and_its_address_is_free(people):
    ada = await people.join("Ada")
    socket = await people.connect(ada)
    since = time.monotonic()
    answer = await ada.call("DELETE", "/v1/users/me", {"password": "not it"})
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_credentials")
    deletion = fields_of(await ada.call("DELETE", "/v1/users/me", {"password": ada.password}), 202)
    assert await socket.expect_close(SOCKET_SECONDS * slowness()) == 4301
    await refused(ada, since)
    path = f"/v1/auth/deletions/{deletion['deletion_id']}"
    async for _ in attempts("the deletion is announced"):
        if fields_of(await ada.api.call("GET", path), 200)["status"] == "announced":
            break
    body = {"email": ada.email, "password": ada.password, "handle": f"{ada.handle}_2", "display_name": "Ada"}
    fields_of(await ada.api.call("POST", "/v1/auth/register", body), 202)
