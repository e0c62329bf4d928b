"""`infra/dev/chat demo`: two people meet on the running fleet, and each line says what one of them sees."""

import time
import uuid

from chatdev import addresses, services
from chatdev.api_client import Person
from chatdev.complaint import Complaint
from chatdev.fleet import Fleet
from chatdev.progress import say
from chatdev.stack import Stack
from chatdev.websocket import WebSocket

DELIVERIES = 20  # messages of the measured exchange


def main(options):
    stack = Stack(options.stack)
    running = Fleet.remembered(stack)
    if running is None:
        raise Complaint("the fleet does not run: infra/dev/chat up")
    if running.missing:
        raise Complaint(f"the fleet isn't built completely, it lacks {', '.join(running.missing)}: infra/dev/chat up")
    gateway = services.Daemon(services.BY_NAME["api-gateway"], 0)
    return tell(api_url=gateway.url(stack), mailpit_url=addresses.mailpit_url(stack))


def tell(api_url, mailpit_url):
    """The story itself; everything goes through the api-gateway's one port."""
    ada, grace = (Person(name, api_url, mailpit_url) for name in ("Ada", "Grace"))
    for person in (ada, grace):
        join(person)
    chat_id, group_id = meet(ada, grace)
    with Seat(ada, api_url) as a, Seat(grace, api_url) as g:
        talk(a, g, chat_id)
        measure(a, g, group_id)
        leave(g)
    be_told_later(ada, grace, chat_id)
    say("\nThat was every daemon once. More: README.md, docs/ARCHITECTURE.md.")


def join(person):
    person.register()
    code = person.mailed_code()
    person.verify(code)
    person.log_in()
    says(person, f"registered as @{person.handle}, got the code by mail, verified, logged in")


def meet(ada, grace):
    profile = ada.change_profile(bio="I write programs for engines.")
    says(ada, f"changed her profile, now version {profile['version']}")
    found = ada.get(f"/v1/users?query={grace.handle}")["items"][0]
    says(ada, f"found @{found['handle']} ({found['display_name']})")
    chat = ada.post("/v1/chats/direct", {"user_id": grace.user_id})
    group = ada.post("/v1/chats", {"title": "Engines", "member_ids": [grace.user_id]})
    says(ada, f"made a direct chat and the group “{group['title']}”")
    chats = grace.get("/v1/chats")["items"]
    says(grace, f"sees {len(chats)} chats in her list")
    return chat["chat_id"], group["chat_id"]


class Seat:
    """A person at an open, authenticated socket."""

    def __init__(self, person, api_url):
        self.person = person
        self.socket = WebSocket(api_url.replace("http://", "ws://") + "/v1/ws", "chat.v1")
        self._next_id = 0

    def __enter__(self):
        hello = self.socket.expect(lambda frame: frame.get("t") == "hello")
        self.socket.send({"id": 0, "t": "auth", "token": self.person.token, "device_id": f"demo-{self.person.handle}"})
        self.socket.expect(lambda frame: frame.get("t") == "ready")
        says(self.person, f"opened a socket; it is held by {hello['node']}")
        return self

    def __exit__(self, *_):
        self.socket.close()

    def say(self, chat_id, body):
        """Sends one message and returns the frames `accepted` and `persisted`."""
        self._next_id += 1
        number, client_msg_id = self._next_id, str(uuid.uuid4())
        frame = {"id": number, "t": "send", "chat_id": chat_id, "client_msg_id": client_msg_id, "type": "text"}
        self.socket.send(frame | {"body": body})
        accepted = self.socket.expect(lambda answer: answer.get("re") == number)
        if not accepted["ok"]:
            raise Complaint(f"the message was refused: {accepted}")
        persisted = self.socket.expect(
            lambda answer: answer.get("t") in ("persisted", "rejected") and answer["client_msg_id"] == client_msg_id
        )
        return accepted, persisted

    def expect_message(self, chat_id, body):
        return self.socket.expect(
            lambda frame: frame.get("t") == "message"
            and frame["chat_id"] == chat_id
            and frame["message"]["body"] == body
        )


def talk(a, g, chat_id):
    g.socket.send({"id": 900, "t": "typing", "chat_id": chat_id, "on": True})
    a.socket.expect(lambda frame: frame.get("t") == "typing" and frame["on"])
    says(a.person, "sees Grace typing")
    accepted, persisted = a.say(chat_id, "Nothing is lost, I hear.")
    says(a.person, f"sent: {accepted['state']}, then persisted as seq {persisted['seq']}, rev {persisted['rev']}")
    frame = g.expect_message(chat_id, "Nothing is lost, I hear.")
    says(g.person, f"received “{frame['message']['body']}”")
    g.socket.send({"id": 901, "t": "read", "chat_id": chat_id, "seq": frame["seq"]})
    receipt = a.socket.expect(
        lambda seen: seen.get("t") == "receipt"
        and seen["user_id"] == g.person.user_id
        and seen["read_seq"] >= frame["seq"]
    )
    says(a.person, f"sees that Grace has read up to {receipt['read_seq']}")


def measure(a, g, chat_id):
    """From the moment of sending to the frame at the other gateway, stored before it was shown."""
    times = []
    for number in range(DELIVERIES):
        began = time.monotonic()
        a.socket.send(
            {"id": 1000 + number, "t": "send", "chat_id": chat_id, "client_msg_id": str(uuid.uuid4()), "type": "text"}
            | {"body": f"note {number}"}
        )
        g.expect_message(chat_id, f"note {number}")
        times.append((time.monotonic() - began) * 1000)
        time.sleep(0.25)  # five sends a second are allowed
    times.sort()
    says(g.person, f"{DELIVERIES} durable deliveries to the other gateway: median {times[DELIVERIES // 2]:.1f} ms, longest {times[-1]:.1f} ms")


def leave(g):
    g.person.post("/v1/auth/logout", {"refresh_token": g.person.refresh_token})
    says(g.person, f"logged out; her socket closed with {g.socket.expect_close()}")


def be_told_later(ada, grace, chat_id):
    ada.post(
        f"/v1/chats/{chat_id}/messages",
        {"type": "text", "body": "Are you there?"},
        headers={"Idempotency-Key": str(uuid.uuid4())},
    )
    grace.log_in()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        notes = [note for note in grace.get("/v1/notifications")["items"] if note["chat_id"] == chat_id]
        if notes:
            says(grace, f"back again, finds a notification: “{notes[0]['preview']}”")
            break
        time.sleep(0.1)
    else:
        raise Complaint("the notification did not come")
    page = grace.get(f"/v1/chats/{chat_id}/messages?limit=2")["items"]
    says(grace, f"pages back through history: seq {', '.join(str(message['seq']) for message in page)}, …")


def says(person, text):
    say(f"{person.name:>6}: {text}")
