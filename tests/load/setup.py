"""Makes the people and chats of a load run through the public REST API, and writes the file that chat-load reads.

People come in pairs, each pair with a direct chat; `--chats N` gives everybody N - 1 groups more (for idle sockets, whose
cost depends on them). Registration is the honest one: a code by mail, Argon2id at the server; so many people take a while.
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


def pair_up(people):
    def meet(index):
        other = {"user_id": people[index + 1].user_id}
        chat = patiently(lambda: people[index].post("/v1/chats/direct", other))
        return {"chat_id": chat["chat_id"], "first": index, "second": index + 1}

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(meet, range(0, len(people) - 1, 2)))


def add_groups(people, chats_each):
    """Groups of the same ten people, until everybody is in `chats_each` chats."""
    for first in range(0, len(people), 10):
        ten = people[first : first + 10]
        for number in range(chats_each - 1):
            ids = [person.user_id for person in ten[1:]]
            body = {"title": f"group {number}", "member_ids": ids}
            patiently(lambda body=body, owner=ten[0]: owner.post("/v1/chats", body))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--api", required=True)
    parser.add_argument("--mailpit", required=True)
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--chats", type=int, default=1)
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    people = people_of(options.people, options.api, options.mailpit)
    chats = pair_up(people)
    add_groups(people, options.chats)
    listed = [{"user_id": p.user_id, "device_id": f"demo-{p.handle}", "token": p.token} for p in people]
    pathlib.Path(options.out).write_text(json.dumps({"people": listed, "chats": chats}))


if __name__ == "__main__":
    try:
        main()
    except Complaint as complaint:
        sys.exit(f"setup: {complaint}")
