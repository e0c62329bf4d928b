"""The consumer that docs/topics.md works out counts right, also when it dies in the middle and begins again."""

import os
import sqlite3
import subprocess
import sys
import uuid
from contextlib import closing, contextmanager

from client import attempts
from fleet import REPOSITORY

PROGRAM = REPOSITORY / "docs" / "examples" / "analytics.py"
STOP_SECONDS = 15


@contextmanager
def running(database, group):
    """Ends it as asked for, unless it is dead by then."""
    brokers = os.environ["CHAT_TEST_KAFKA_BROKERS"]
    command = [sys.executable, PROGRAM, "--brokers", brokers, "--database", str(database), "--group", group]
    process = subprocess.Popen(command)
    try:
        yield process
        if process.poll() is None:
            process.terminate()
            assert process.wait(STOP_SECONDS) == 0
    finally:
        process.kill()
        process.wait()


async def until_marks_are(database, chat_id, wanted):
    async for _ in attempts(f"the marks {wanted}", pause=0.2):
        if marks(database, chat_id) == wanted:
            return


def marks(database, chat_id):
    try:
        with closing(sqlite3.connect(database)) as connection:
            rows = connection.execute("SELECT user_id, read_seq FROM reads WHERE chat_id = ?", (chat_id,))
            return dict(rows.fetchall())
    except sqlite3.OperationalError:  # not made yet
        return {}


async def test_the_worked_consumer_counts_right_and_may_be_killed(people, fleet, tmp_path):
    ada, bob = await people.join("Ada", "Bob")
    chat_id = (await ada.make_group("Engines", bob))["chat_id"]
    socket = await people.connect(ada)
    for number in range(5):
        await socket.say(chat_id, f"line {number}")
    group, database = f"analytics-{uuid.uuid4()}", tmp_path / "reads.db"

    with running(database, group) as process:
        await bob.post(f"/v1/chats/{chat_id}/read", {"seq": 3}, 200)
        head = max(one["seq"] for one in await ada.history(chat_id))
        await until_marks_are(database, chat_id, {ada.user_id: head, bob.user_id: 3})
        process.kill()
        process.wait()
    await bob.post(f"/v1/chats/{chat_id}/read", {"seq": 5}, 200)
    with running(database, group):
        await until_marks_are(database, chat_id, {ada.user_id: head, bob.user_id: 5})
    with running(tmp_path / "again.db", f"{group}-again"):
        await until_marks_are(tmp_path / "again.db", chat_id, {ada.user_id: head, bob.user_id: 5})
