/* Kafka: one record of a topic of its own, produced with acks=all and no linger, until a consumer
 * has it. See hops.h. */

#include <stdio.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "common/alloc.h"
#include "common/kafka_producer.h"
#include "hops.h"

#define TOPIC "bench.hop"

enum { WAIT_MS = 5000, PAYLOAD_BYTES = 700, FLUSH_MS = 2000 };

struct kafka_hop {
    rd_kafka_t *producer, *consumer;
    char payload[PAYLOAD_BYTES];
};

static rd_kafka_t *client(rd_kafka_type_t type, const char *const (*settings)[2])
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    for (size_t i = 0; settings[i][0] != NULL; i++)
        if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], reason, sizeof reason) !=
            RD_KAFKA_CONF_OK)
            fprintf(stderr, "chat-load: %s\n", reason);
    return rd_kafka_new(type, conf, reason, sizeof reason);
}

/* From where the only partition ends now; no group. As a number: "the end" is looked up only when
 * fetching begins, and by then the first record may be before it. */
static bool assign(rd_kafka_t *consumer)
{
    int64_t low = 0, high = 0;

    if (rd_kafka_query_watermark_offsets(consumer, TOPIC, 0, &low, &high, WAIT_MS) !=
        RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, TOPIC, 0)->offset = high;
    rd_kafka_resp_err_t fault = rd_kafka_assign(consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    return fault == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void *open_hop(const struct hop_servers *servers)
{
    const char *const producing[][2] = {
        {"bootstrap.servers", servers->kafka},
        {"enable.idempotence", "true"},
        {"linger.ms", "0"},
        {"socket.nagle.disable", "true"},
        {NULL, NULL},
    };
    const char *const consuming[][2] = {
        {"bootstrap.servers", servers->kafka}, {"group.id", "bench-hop"},
        {"enable.auto.commit", "false"},       {"fetch.wait.max.ms", "100"},
        {"socket.nagle.disable", "true"},      {NULL, NULL},
    };
    const struct cc_topic topic = {.name = TOPIC, .partitions = 1};
    struct cc_error err = {0};

    if (cc_topics_create(servers->kafka, &topic, 1, 1, &err) != CC_OK) {
        fprintf(stderr, "chat-load: %s: %s\n", TOPIC, err.detail);
        return NULL;
    }
    struct kafka_hop *hop = cc_calloc(1, sizeof *hop);
    memset(hop->payload, 'x', sizeof hop->payload);
    hop->producer = client(RD_KAFKA_PRODUCER, producing);
    hop->consumer = client(RD_KAFKA_CONSUMER, consuming);
    rd_kafka_poll_set_consumer(hop->consumer);
    if (!assign(hop->consumer))
        fprintf(stderr, "chat-load: %s can't be assigned\n", TOPIC);
    return hop;
}

static bool once(void *probe)
{
    struct kafka_hop *hop = probe;

    if (rd_kafka_producev(hop->producer, RD_KAFKA_V_TOPIC(TOPIC), RD_KAFKA_V_PARTITION(0),
                          RD_KAFKA_V_VALUE(hop->payload, sizeof hop->payload),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                          RD_KAFKA_V_END) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    rd_kafka_message_t *message = rd_kafka_consumer_poll(hop->consumer, WAIT_MS);
    bool good = message != NULL && message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (message != NULL)
        rd_kafka_message_destroy(message);
    rd_kafka_poll(hop->producer, 0); /* takes the delivery reports away */
    return good;
}

static void close_hop(void *probe)
{
    struct kafka_hop *hop = probe;

    rd_kafka_flush(hop->producer, FLUSH_MS);
    rd_kafka_destroy(hop->producer);
    rd_kafka_consumer_close(hop->consumer);
    rd_kafka_destroy(hop->consumer);
    cc_free(hop);
}

const struct hop hop_kafka = {"kafka", open_hop, once, close_hop};
