"""Kafka's consumer groups, from outside: how far each is, how far it is behind, and setting it back."""

import asyncio
import os
import time

from confluent_kafka import Consumer, KafkaException, TopicPartition

SECONDS = 10


class Group:
    """One group's place in one topic. Joins nothing."""

    def __init__(self, name, topic):
        self.name, self.topic = name, topic
        settings = {"bootstrap.servers": os.environ["CHAT_TEST_KAFKA_BROKERS"], "group.id": name}
        self._consumer = Consumer(settings | {"enable.auto.commit": False})

    def close(self):
        self._consumer.close()

    def partitions(self):
        found = self._consumer.list_topics(self.topic, timeout=SECONDS).topics[self.topic].partitions
        return [TopicPartition(self.topic, number) for number in sorted(found)]

    def ends(self):
        """{partition: offset of the next record}"""
        return {one.partition: self._consumer.get_watermark_offsets(one, SECONDS)[1] for one in self.partitions()}

    def places(self):
        """{partition: offset of the next record to apply}; 0 where nothing was committed yet."""
        return {one.partition: max(0, one.offset) for one in self._consumer.committed(self.partitions(), SECONDS)}

    def lags(self):
        ends, places = self.ends(), self.places()
        return {partition: ends[partition] - places[partition] for partition in ends}

    async def set_back(self, places, seconds=SECONDS):
        """Only while it has no members: they would be surprised."""
        offsets = [TopicPartition(self.topic, partition, offset) for partition, offset in places.items()]
        deadline = time.monotonic() + seconds
        while True:
            try:
                return await asyncio.to_thread(self._consumer.commit, offsets=offsets, asynchronous=False)
            except KafkaException:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.1)

    async def until_at(self, ends, seconds):
        """Until all records below these offsets are applied."""
        deadline = time.monotonic() + seconds
        while True:
            places = await asyncio.to_thread(self.places)
            behind = {one: end - places[one] for one, end in ends.items() if places[one] < end}
            if not behind:
                return
            assert time.monotonic() < deadline, f"{self.name} is behind in {self.topic} by {behind} after {seconds} s"
            await asyncio.sleep(0.1)
