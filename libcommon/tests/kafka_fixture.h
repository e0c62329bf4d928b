#ifndef KAFKA_FIXTURE_H
#define KAFKA_FIXTURE_H

/* Topics and raw looks at the broker, for tests of what stands on Kafka. */

#include "testing.h"

#include "common/kafka_producer.h"

#define KAFKA_NAME_BYTES 96

const char *kafka_brokers(void);
/* Creates a topic (and its dead letter topic) that no other test has. */
void kafka_make_topic(char out_name[KAFKA_NAME_BYTES], int partitions);
void kafka_unique(const char *prefix, char out_name[KAFKA_NAME_BYTES]);
/* Sum of the offsets that the group has committed on partitions 0..partitions-1. */
int64_t kafka_committed(const char *group, const char *topic, int partitions);
/* The first record of partition 0: its header, "" when it has none. Waits up to 10 s. */
void kafka_first_header(const char *topic, const char *name, char *out, size_t out_size);
int kafka_partition_count(const char *topic);
void kafka_must_produce(struct cc_producer *producer, const char *topic, const char *key,
                        const char *payload);
struct cc_producer *kafka_must_connect(void);

#endif
