"""Makes the people and chats of a load run through the public REST API, and writes the files that chat-load reads:

- pairs.json: everybody in one direct chat;
- tens.json: others, everybody in one group of ten;
- many.json: others again, everybody in a group of all (the first chat), in groups of ten and in a direct chat (what idle
  sockets and a reconnect storm cost depends on how many chats a person has).

Registration is the honest one: a code by mail, Argon2id at the server; so many people take a while.
"""

import argparse
import json
import pathlib
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "infra" / "dev"))

from chatdev.api_client import Person  # noqa: E402
from chatdev.complaint import Complaint  # noqa: E402

AT_ONCE = 4
TRIES = 5
PASSING = re.compile(r": (429|503|504) ")  # how api_client words an answer that may be another in a moment


def patiently(request):
    """A fleet that has just started may be slow once; asking again does no harm here."""
    for number in range(TRIES):
        try:
            return request()
        except Complaint as complaint:
            if number == TRIES - 1 or not PASSING.search(str(complaint)):
                raise
            time.sleep(number + 1)


def join(person):
    patiently(person.register)
    person.verify(person.mailed_code(seconds=60))
    patiently(person.log_in)
    return person


def people_of(count, api_url, mailpit_url):
    people = [Person(f"P{number}", api_url, mailpit_url) for number in range(count)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(join, people))


def chat_of(chat, members):
    return {"chat_id": chat["chat_id"], "members": [person.user_id for person in members]}


def pair_up(people):
    """A direct chat each two."""

    def meet(index):
        first, second = people[index : index + 2]
        return chat_of(patiently(lambda: first.post("/v1/chats/direct", {"user_id": second.user_id})), (first, second))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(meet, range(0, len(people) - 1, 2)))


def gather(people, size, number=0):
    """Groups of the same `size` people, one each."""

    def found(first):
        members = people[first : first + size]
        body = {"title": f"group {number}", "member_ids": [person.user_id for person in members[1:]]}
        return chat_of(patiently(lambda: members[0].post("/v1/chats", body)), members)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(found, range(0, len(people), size)))


def write(folder, name, people, chats):
    listed = [{"user_id": p.user_id, "device_id": f"demo-{p.handle}", "token": p.token} for p in people]
    (folder / f"{name}.json").write_text(json.dumps({"people": listed, "chats": chats}))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--api", required=True)
    parser.add_argument("--mailpit", required=True)
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--chats", type=int, default=10, help="of each person in many.json")
    parser.add_argument("--into", type=pathlib.Path, required=True, help="folder")
    options = parser.parse_args()
    people = people_of(options.people, options.api, options.mailpit)
    write(options.into, "pairs", people, pair_up(people))
    others = people_of(options.people, options.api, options.mailpit)
    write(options.into, "tens", others, gather(others, 10))
    crowd = people_of(options.people, options.api, options.mailpit)
    chats = gather(crowd, len(crowd))
    for number in range(options.chats - 2):
        chats += gather(crowd, 10, number)
    write(options.into, "many", crowd, chats + pair_up(crowd))


if __name__ == "__main__":
    try:
        main()
    except Complaint as complaint:
        sys.exit(f"setup: {complaint}")
