"""Who reads what: the consumer groups that run are the documented ones, one topic each, shared evenly by the replicas."""

import asyncio
import os
import re

from client import attempts
from confluent_kafka.admin import AdminClient
from fleet import REPOSITORY

EVENTS = REPOSITORY / "docs" / "asyncapi" / "events.yaml"
RECEIVE = re.compile(r"^  ([a-z.]+)\.receive:\n(?:    .*\n)*?    tags:\n((?:    - name: .*\n)+)", re.MULTILINE)
ONLY_WHERE_SET = {"notification-push"}  # its provider is a setting
SECONDS = 10
SETTLE_SECONDS = 30  # replicas that an earlier test has stopped may still be on their way back


def documented():
    """{group: [topic, ...]}"""
    groups = {}
    for topic, tags in RECEIVE.findall(EVENTS.read_text()):
        for group in re.findall(r"name: (\S+)", tags):
            groups.setdefault(group, []).append(topic)
    return groups


def running(admin, names):
    """{group: [({topic, ...}, partitions), ...]}, a pair for each member"""
    described = admin.describe_consumer_groups(list(names), request_timeout=SECONDS)
    found = {}
    for name, answer in described.items():
        members = [member.assignment.topic_partitions for member in answer.result().members]
        found[name] = [({one.topic for one in partitions}, len(partitions)) for partitions in members]
    return found


def test_a_group_reads_one_topic():
    shared = {group: topics for group, topics in documented().items() if len(topics) > 1}
    assert not shared, "whoever joins for one topic would stop the others"
    assert len(documented()) > 10


async def test_the_documented_groups_run_and_share_evenly(fleet):
    admin = AdminClient({"bootstrap.servers": os.environ["CHAT_TEST_KAFKA_BROKERS"]})
    wanted = {group: topics[0] for group, topics in documented().items() if group not in ONLY_WHERE_SET}
    wrong = {}
    async for _ in attempts("each group has its topic, evenly shared", SETTLE_SECONDS, pause=0.5):
        found = await asyncio.to_thread(running, admin, wanted)
        wrong = {group: members for group, members in found.items() if not _is_right(members, wanted[group])}
        print(wrong)
        if not wrong:
            break


def _is_right(members, topic):
    """Two replicas of twelve partitions have six each."""
    counts = [count for _, count in members]
    return bool(members) and all(topics == {topic} for topics, _ in members) and max(counts) - min(counts) <= 1
