"""R11: a reader that reads no more is cut off before it costs anything, and finds everything again afterwards. And others
who take without giving: who never reads at all, who never stops sending."""

import asyncio
import socket as sockets
import uuid

import pytest
from client import attempts
from raw_websocket import PING, RawSocket, frame, handshake
from vitals import pss_bytes

SLOW, NO_PONG, CUT_OFF = 4104, 4105, 1006
LIMITS = {
    "queue_frames": 256,  # the default, which other tests raise
    "ping_ms": 600_000,  # where messages come slowly, who reads nothing would be closed for answering no ping
}
MEGABYTE = 1024 * 1024
GROWTH_MAX = 2 * MEGABYTE
SENDERS, WARM = 4, 200


async def stubborn(url, person, receive_bytes=4096):
    """Signed in, with so small a buffer that what it does not read stays with the gateway."""
    host, port = url.split("/")[2].split(":")
    plain = sockets.socket()
    plain.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, receive_bytes)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, (host, int(port)))
    one = RawSocket(*await asyncio.open_connection(sock=plain, limit=receive_bytes))
    assert await one.upgrade(handshake()) == 101
    await one.say(id=1, t="auth", token=person.token)
    await one.expect(lambda got: got.get("re") == 1 and got["ok"])
    return one


async def send_many(socket, chat_id, count, body, window=64):
    """As fast as they are accepted; then waits for the last one to be stored."""
    asked = []
    for _ in range(count):
        asked.append(await socket.send("send", chat_id=chat_id, client_msg_id=str(uuid.uuid4()), type="text", body=body))
        if len(asked) % window == 0:
            await socket.expect(lambda got, number=asked[-window]: got.get("re") == number and got["ok"], seconds=120)
    await socket.expect(lambda got: got.get("re") == asked[-1] and got["ok"], seconds=120)


async def flood_chat(people, chat_id, senders, url, count, body):
    opened = [await people.connect(one, url) for one in senders]
    await asyncio.gather(*(send_many(one, chat_id, count // len(opened), body) for one in opened))
    await asyncio.gather(*(one.close() for one in opened))


async def head_when_heard(brisk, count):
    """The highest seq, once a reader that does read has got so many messages."""
    async for _ in attempts(f"{count} messages", seconds=300, pause=0.5):
        if len(brisk.all("message")) >= count:
            return max(got["seq"] for got in brisk.all("message"))


async def read_to_the_end(reader):
    """What was on its way; (seqs, last rev, close code)."""
    seqs, rev = [], 0
    code = await reader.expect_close()
    for got in reader.frames:
        if got.get("t") == "message":
            seqs.append(got["seq"])
            rev = max(rev, got["rev"])
    return seqs, rev, code


async def patiently(one, chat_id, after):
    """A page of changes; asked for again when it could not be had in time."""
    async for _ in attempts("a page of changes", seconds=120):
        page = await one.request("sync", chat_id=chat_id, after_rev=after, limit=200)
        if page.get("ok"):
            return page
        assert page["retryable"], page.body


async def resync(people, person, url, chat_id, rev):
    """Everything after that rev, by a resume and, where it says so, by sync; the seqs in their order."""
    one = await people.connect(person, url, resume={chat_id: rev})
    verdict = one.all("ready")[0]["resume"]
    await one.expect(lambda got: got.get("t") == "sync_done", seconds=120)
    seqs = [got["seq"] for got in one.all("message")]
    after, more = max([rev, *(got["rev"] for got in one.all("message"))]), True
    while more:
        page = await patiently(one, chat_id, after)
        seqs += [item["seq"] for item in page["items"] if item["op"] == "create" and item["seq"] > max(seqs, default=0)]
        after, more = page["next_rev"], page["more"]
    return seqs, verdict


async def peak_of(pid, enough):
    """The most memory it had until enough()."""
    most = 0
    while not enough():
        most = max(most, await asyncio.to_thread(pss_bytes, pid))
        await asyncio.sleep(0.5)
    return most


async def play(people, fleet, count, body, quiet_s, measured):
    """Silent until all is sent, or for quiet_s. The word why stands behind what the reader does not read: the gateway waits
    ten seconds for it to get through, the kernel twenty for any progress."""
    ada, bob = await people.join("Slow", "Brisk")
    senders = await people.join(*(f"Sender{number}" for number in range(SENDERS)))
    chat_id = (await ada.make_group("Slow", bob, *senders))["chat_id"]
    with fleet.another("websocket-gateway-1", **LIMITS) as gateway:
        url = f"ws://127.0.0.1:{gateway.port}/v1/ws"
        reader, brisk = await stubborn(url, ada), await people.connect(bob, url)
        await flood_chat(people, chat_id, senders, fleet.gateways()[0], WARM, "warm")  # what it needs anyway is there
        await head_when_heard(brisk, WARM)
        before = await asyncio.to_thread(pss_bytes, gateway.pid)
        flood = asyncio.create_task(flood_chat(people, chat_id, senders, fleet.gateways()[0], count, body))
        heard = asyncio.create_task(head_when_heard(brisk, WARM + count))
        watch = asyncio.create_task(peak_of(gateway.pid, heard.done))
        await asyncio.wait([heard], timeout=quiet_s)
        seqs, rev, code = await read_to_the_end(reader)
        await reader.close()
        await flood
        head, grown = await heard, await watch - before
        print(f"\n{count} messages; the gateway had grown by at most {grown / MEGABYTE:.2f} MiB")
        assert code == SLOW or (quiet_s and code == CUT_OFF)
        assert seqs == list(range(seqs[0], seqs[-1] + 1)), "what came before the end has a hole"
        rest, verdict = await resync(people, ada, url, chat_id, rev)
        print(f"read {len(seqs)} before the end; resume: {verdict}; {len(rest)} came afterwards")
        wanted = range(seqs[-1] + 1, head + 1)
        missing, odd = set(wanted) - set(rest), [seq for seq in rest if seq not in wanted]
        twice, unsorted = len(rest) - len(set(rest)), [pair for pair in zip(rest, rest[1:]) if pair[0] > pair[1]]
        told = f"{wanted}: {len(missing)} are missing, {twice} came twice, {odd[:5]} are none of them, out of order: {unsorted[:5]}"
        assert rest == list(wanted), told
        if measured:
            assert grown <= GROWTH_MAX
        await people.close()


async def test_a_reader_that_stops_is_closed_and_gets_all_later(people, fleet):
    await play(people, fleet, 2_000, "x" * 4_000, None, measured=False)  # a sanitizer's memory says nothing


@pytest.mark.soak
async def test_fifty_thousand_messages_cost_a_gateway_nothing_for_who_does_not_read(people, fleet):
    await play(people, fleet, 50_000, "x" * 400, 60, measured=True)


async def test_a_client_that_never_answers_pings_is_closed(people, fleet):
    with fleet.another("websocket-gateway-1", ping_ms=1000, pong_ms=1000) as gateway:
        ada = await people.join("Mute")
        silent = await RawSocket.open(f"ws://127.0.0.1:{gateway.port}/v1/ws")
        await silent.say(id=1, t="auth", token=ada.token)
        assert await silent.expect_close() == NO_PONG  # RawSocket answers none
        await silent.close()


@pytest.mark.parametrize("data", [frame('{"id":1,"t":"ping"}'), frame(b"x" * 125, PING), frame("{")], ids=["pings", "control", "nonsense"])
async def test_a_flood_of_frames_is_bounded_by_what_its_sender_reads(people, fleet, data):
    """It reads no answer: the gateway stops reading it, or ends it; others are served meanwhile."""
    with fleet.another("websocket-gateway-1", **LIMITS) as gateway:
        url = f"ws://127.0.0.1:{gateway.port}/v1/ws"
        ada, bob = await people.join("Flood", "Bob")
        chat_id = (await ada.make_group("Flood", bob))["chat_id"]
        flood = await stubborn(url, ada)
        flooding = asyncio.create_task(pour(flood, data * 200, 20 * MEGABYTE))
        bobs = await people.connect(bob, url)
        for number in range(20):
            reply, outcome = await bobs.say(chat_id, f"meanwhile {number}")
            assert reply["ok"] and outcome["t"] == "persisted"
        flooding.cancel()
        await flood.close()
        await people.close()


@pytest.mark.parametrize("kind", ["sync", "watch"])
async def test_a_flood_of_questions_costs_others_nothing(people, fleet, kind):
    """It reads its answers: all but a few are refused, and others get pages and presence meanwhile."""
    with fleet.another("websocket-gateway-1", **LIMITS) as gateway:
        url = f"ws://127.0.0.1:{gateway.port}/v1/ws"
        ada, bob = await people.join("Flood", "Bob")
        chat_id = (await ada.make_group("Flood", bob))["chat_id"]
        flood, bobs = await people.connect(ada, url), await people.connect(bob, url)
        strangers = [str(uuid.uuid4()) for _ in range(400)]
        asked = {"sync": {"chat_id": chat_id, "after_rev": 0}, "watch": {"user_ids": strangers}}[kind]
        numbers = [await flood.send(kind, **asked) for _ in range(300)]

        for _ in range(5):
            assert (await bobs.request("sync", chat_id=chat_id, after_rev=0))["ok"]
            assert (await bobs.request("watch", user_ids=[ada.user_id]))["ok"]
        await flood.expect(lambda got: got.get("re") == numbers[-1], seconds=60)

        refused = [got for got in flood.frames if got.get("re") in numbers and got.get("code") == "rate_limited"]
        assert len(refused) > 200 and all(got["retry_after_ms"] > 0 for got in refused)
        await people.close()


async def pour(one, data, total):
    for _ in range(total // len(data)):
        await one.write(data)
