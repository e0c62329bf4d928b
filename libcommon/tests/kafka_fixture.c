/* See kafka_fixture.h. Uses librdkafka directly, so that it can't agree with our wrappers by
 * mistake. */

#include "kafka_fixture.h"

#include <librdkafka/rdkafka.h>
#include <string.h>

#define ANSWER_MS 10000

const char *kafka_brokers(void)
{
    return test_env("CHAT_TEST_KAFKA_BROKERS");
}

void kafka_unique(const char *prefix, char out_name[KAFKA_NAME_BYTES])
{
    snprintf(out_name, KAFKA_NAME_BYTES, "%s-%lld", prefix,
             (long long)cc_mono_us(cc_clock_system()));
}

void kafka_make_topic(char out_name[KAFKA_NAME_BYTES], int partitions)
{
    char dlq[KAFKA_NAME_BYTES + 8];
    struct cc_error error = {0};
    kafka_unique("test", out_name);
    snprintf(dlq, sizeof dlq, "%s.dlq", out_name);
    const struct cc_topic topics[] = {{out_name, partitions, 60000}, {dlq, 1, 60000}};
    if (cc_topics_create(kafka_brokers(), topics, 2, 1, &error) != CC_OK)
        fail_msg("can't create %s: %s", out_name, error.detail);
}

static rd_kafka_t *open_raw(const char *group)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", kafka_brokers(), text, sizeof text);
    rd_kafka_conf_set(conf, "group.id", group, text, sizeof text);
    rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    if (kafka == NULL)
        fail_msg("%s", text);
    return kafka;
}

int64_t kafka_committed(const char *group, const char *topic, int partitions)
{
    int64_t sum = 0;
    rd_kafka_t *kafka = open_raw(group);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    rd_kafka_topic_partition_list_add_range(list, topic, 0, partitions - 1);
    assert_int_equal(rd_kafka_committed(kafka, list, ANSWER_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    for (int i = 0; i < list->cnt; i++)
        sum += list->elems[i].offset > 0 ? list->elems[i].offset : 0;
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(kafka);
    return sum;
}

void kafka_first_header(const char *topic, const char *name, char *out, size_t out_size)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t length;
    rd_kafka_t *kafka = open_raw("reader");
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(kafka, list);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_message_t *message = rd_kafka_consumer_poll(kafka, ANSWER_MS);
    if (message == NULL || message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        fail_msg("no record in %s", topic);
    out[0] = '\0';
    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        rd_kafka_header_get_last(headers, name, &value, &length) == RD_KAFKA_RESP_ERR_NO_ERROR)
        snprintf(out, out_size, "%.*s", (int)length, (const char *)value);
    rd_kafka_message_destroy(message);
    rd_kafka_consumer_close(kafka);
    rd_kafka_destroy(kafka);
}

int kafka_partition_count(const char *topic)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_t *kafka = open_raw("reader");
    rd_kafka_topic_t *handle = rd_kafka_topic_new(kafka, topic, NULL);
    assert_int_equal(rd_kafka_metadata(kafka, 0, handle, &metadata, ANSWER_MS), 0);
    int count = metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(handle);
    rd_kafka_destroy(kafka);
    return count;
}

void kafka_must_produce(struct cc_producer *producer, const char *topic, const char *key,
                        const char *payload)
{
    struct cc_error error = {0};
    struct cc_produce record = {
        .topic = topic, .key = key, .payload = payload, .payload_count = strlen(payload)};
    if (cc_produce_all(producer, &record, 1, &error) != CC_OK)
        fail_msg("produce: %s", error.detail);
}

struct cc_producer *kafka_must_connect(void)
{
    struct cc_producer *producer;
    struct cc_error error = {0};
    if (cc_producer_create(kafka_brokers(), "test", &producer, &error) != CC_OK)
        fail_msg("producer: %s", error.detail);
    return producer;
}
