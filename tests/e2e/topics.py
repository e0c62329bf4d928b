"""Reading and writing topics by hand, as no client can."""

import os
import time
import uuid

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

SECONDS = 60


def _brokers():
    return {"bootstrap.servers": os.environ["CHAT_TEST_KAFKA_BROKERS"]}


def produce(topic, key, payload, age_ms=0, headers=None):
    """As of so long ago; stored when this returns."""
    faults = []
    producer = Producer(_brokers() | {"partitioner": "murmur2_random"})
    producer.produce(
        topic,
        key=key,
        value=payload,
        headers=headers or {},
        timestamp=int(time.time() * 1000) - age_ms,
        on_delivery=lambda fault, _: faults.append(fault),
    )
    assert producer.flush(SECONDS) == 0 and faults == [None]


def records_of(topic, key):
    """[(value, {header: value})] of all that the topic has under this key by now, in its order."""
    consumer = Consumer(_brokers() | {"group.id": f"test-{uuid.uuid4()}", "enable.auto.commit": False})
    try:
        return _read(consumer, topic, key.encode())
    finally:
        consumer.close()


def _read(consumer, topic, key):
    partitions = consumer.list_topics(topic, timeout=SECONDS).topics[topic].partitions
    marks = {one: consumer.get_watermark_offsets(TopicPartition(topic, one), timeout=SECONDS) for one in partitions}
    ends = {one: end for one, (begin, end) in marks.items() if end > begin}
    found, deadline = [], time.monotonic() + SECONDS
    consumer.assign([TopicPartition(topic, one, OFFSET_BEGINNING) for one in ends])
    while ends:
        assert time.monotonic() < deadline, f"{topic} can't be read to its end"
        record = consumer.poll(1)
        if record is None:
            continue
        assert not record.error(), record.error()
        if record.key() == key:
            found.append((record.value(), dict(record.headers() or [])))
        if record.offset() >= ends.get(record.partition(), 0) - 1:
            ends.pop(record.partition(), None)
    return found
