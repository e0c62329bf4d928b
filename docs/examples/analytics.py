#!/usr/bin/env python3
"""A consumer of message.read, worked out: who has read how far in each chat, by day, in a SQLite file.

    pip install confluent-kafka
    docs/examples/analytics.py --brokers 127.0.0.1:8303 --database reads.db

Run it as often as you like, under the same group: the processes share the partitions. What docs/topics.md asks of every
consumer is here: it ignores what it does not know, its effects are idempotent (a record that comes twice changes
nothing), and an offset is committed after the effect. A record that it can't read is counted and passed over.
"""

import argparse
import json
import signal
import sqlite3
import sys

from confluent_kafka import Consumer

TOPIC = "message.read"
BATCH = 500
WAIT_SECONDS = 0.5

SCHEMA = """
CREATE TABLE IF NOT EXISTS reads (
    day TEXT, chat_id TEXT, user_id TEXT, read_seq INTEGER, PRIMARY KEY (day, chat_id, user_id)
);
CREATE TABLE IF NOT EXISTS unreadable (in_partition INTEGER, at_offset INTEGER, PRIMARY KEY (in_partition, at_offset));
"""
# A mark only moves up: applying an older record after a newer one, or the same one twice, changes nothing.
RAISE = """
INSERT INTO reads VALUES (?, ?, ?, ?)
ON CONFLICT (day, chat_id, user_id) DO UPDATE SET read_seq = max(read_seq, excluded.read_seq)
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--group", default="analytics")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

    database = sqlite3.connect(options.database, timeout=30)
    database.executescript(SCHEMA)
    consumer = Consumer(
        {
            "bootstrap.servers": options.brokers,
            "group.id": options.group,
            "enable.auto.commit": False,  # an offset is committed after the effect
            "auto.offset.reset": "earliest",  # a new group begins with what the topic still holds: 7 days
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": 6000,  # so long after a crash its partitions wait; the default is 45 s
        }
    )
    consumer.subscribe([TOPIC])
    try:
        while True:
            take_some(consumer, database)
    finally:
        consumer.close()  # leaves the group, so that others take the partitions at once


def take_some(consumer, database):
    records = [one for one in consumer.consume(BATCH, WAIT_SECONDS) if one.error() is None]
    if not records:
        return
    with database:  # one transaction
        for record in records:
            apply(database, record)
    consumer.commit(asynchronous=False)


def apply(database, record):
    try:
        event = json.loads(record.value())
        row = (event["at"][:10], event["chat_id"], event["user_id"], event.get("read_seq"))
    except (ValueError, KeyError, TypeError):
        database.execute("INSERT OR IGNORE INTO unreadable VALUES (?, ?)", (record.partition(), record.offset()))
        return
    if row[3] is not None:  # a record may move only the mark of what was delivered
        database.execute(RAISE, row)


if __name__ == "__main__":
    main()
