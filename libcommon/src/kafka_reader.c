/* Reading a topic to its end, by assignment instead of subscription. Runs on the caller's thread.
 * Never produces. */

#include "common/kafka_reader.h"

#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "kafka_private.h"

#define ANSWER_MS      10000
#define POLL_MS        1000
#define RETRY_MS       50
#define NEW_TOPIC_MS   1000
#define SILENT_MAX     10 /* polls without an answer in a row */
#define NAME_MAX_BYTES 256

struct cc_topic_reader {
    rd_kafka_t *kafka;
    rd_kafka_topic_partition_list_t *partitions; /* assigned; offsets: where reading began */
    rd_kafka_topic_partition_list_t *reached; /* offset behind the last record; to be committed */
    rd_kafka_message_t *message;              /* lent to the caller */
    int64_t *ends; /* by partition: where it ended when reading began; -1 once it is read */
    struct cc_arena *arena; /* of the record that is lent */
    bool has_group;
    char reason[NAME_MAX_BYTES];
};

static enum cc_code open_handle(const char *brokers, const char *client_id, const char *group,
                                rd_kafka_t **out, struct cc_error *err)
{
    const struct kafka_setting settings[] = {
        {"group.id", group == NULL ? client_id : group},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"enable.partition.eof", "true"},
        {"auto.offset.reset", "earliest"},
        {NULL, NULL},
    };
    rd_kafka_conf_t *conf = kafka_conf_create(brokers, client_id, settings, err);

    if (conf == NULL)
        return CC_INVALID;
    CC_TRY(kafka_open(RD_KAFKA_CONSUMER, conf, out, err));
    rd_kafka_poll_set_consumer(*out);
    return CC_OK;
}

static enum cc_code count_partitions(struct cc_topic_reader *reader, const char *topic,
                                     int *out_count, struct cc_error *err)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(reader->kafka, topic, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t error = rd_kafka_metadata(reader->kafka, 0, handle, &metadata, ANSWER_MS);

    rd_kafka_topic_destroy(handle);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(error, "partitions", err);
    *out_count = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(metadata);
    return CC_OK;
}

/* All partitions of the topic, each from its beginning. The controller has a topic before the
 * brokers tell of it: one that was just made is looked for again. */
static enum cc_code list_partitions(struct cc_topic_reader *reader, const char *topic,
                                    struct cc_error *err)
{
    int64_t until_ms = cc_mono_ms(cc_clock_system()) + NEW_TOPIC_MS;
    int count = 0;

    CC_TRY(count_partitions(reader, topic, &count, err));
    while (count == 0 && cc_mono_ms(cc_clock_system()) < until_ms) {
        rd_kafka_poll(reader->kafka, RETRY_MS);
        CC_TRY(count_partitions(reader, topic, &count, err));
    }
    if (count == 0)
        return cc_fail(err, CC_NOT_FOUND, "topic", "there is no topic %s", topic);
    reader->partitions = rd_kafka_topic_partition_list_new(count);
    reader->reached = rd_kafka_topic_partition_list_new(count);
    for (int i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(reader->partitions, topic, i)->offset =
            RD_KAFKA_OFFSET_BEGINNING;
    return CC_OK;
}

/* Where the group was; partitions without a commit stay at their beginning. */
static enum cc_code find_committed(struct cc_topic_reader *reader, struct cc_error *err)
{
    CC_TRY(kafka_fail(rd_kafka_committed(reader->kafka, reader->partitions, ANSWER_MS),
                      "committed offsets", err));
    for (int i = 0; i < reader->partitions->cnt; i++)
        if (reader->partitions->elems[i].offset < 0)
            reader->partitions->elems[i].offset = RD_KAFKA_OFFSET_BEGINNING;
    return CC_OK;
}

static void finish_partition(struct cc_topic_reader *reader, int32_t partition)
{
    reader->ends[partition] = -1;
}

static bool is_finished(const struct cc_topic_reader *reader)
{
    for (int i = 0; i < reader->partitions->cnt; i++)
        if (reader->ends[i] >= 0)
            return false;
    return true;
}

/* A partition that was just made, or has just moved, has no leader for a moment. */
static bool is_passing(rd_kafka_resp_err_t error)
{
    return error == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
           error == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
           error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
           error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

static rd_kafka_resp_err_t query_end(struct cc_topic_reader *reader, const char *topic,
                                     int partition, int64_t *low, int64_t *high)
{
    int64_t until_ms = cc_mono_ms(cc_clock_system()) + ANSWER_MS;
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;

    do {
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
            rd_kafka_poll(reader->kafka, RETRY_MS);
        error =
            rd_kafka_query_watermark_offsets(reader->kafka, topic, partition, low, high, ANSWER_MS);
    } while (is_passing(error) && cc_mono_ms(cc_clock_system()) < until_ms);
    return error;
}

/* What comes while this reads is for the next reading: a replay may make new dead letters. */
static enum cc_code find_ends(struct cc_topic_reader *reader, const char *topic,
                              struct cc_error *err)
{
    reader->ends = cc_calloc((size_t)reader->partitions->cnt, sizeof *reader->ends);
    for (int i = 0; i < reader->partitions->cnt; i++) {
        int64_t low, high;
        CC_TRY(kafka_fail(query_end(reader, topic, i, &low, &high), "end of the topic", err));
        int64_t from = reader->partitions->elems[i].offset;
        reader->ends[i] = high == low || from >= high ? -1 : high;
    }
    return CC_OK;
}

static enum cc_code begin(struct cc_topic_reader *reader, const char *topic, struct cc_error *err)
{
    CC_TRY(list_partitions(reader, topic, err));
    if (reader->has_group)
        CC_TRY(find_committed(reader, err));
    CC_TRY(find_ends(reader, topic, err));
    return kafka_fail(rd_kafka_assign(reader->kafka, reader->partitions), "assign", err);
}

enum cc_code cc_topic_reader_open(const char *brokers, const char *client_id, const char *topic,
                                  const char *group, struct cc_topic_reader **out,
                                  struct cc_error *err)
{
    struct cc_topic_reader *reader = cc_calloc(1, sizeof *reader);

    reader->arena = cc_arena_create(0);
    reader->has_group = group != NULL;
    enum cc_code code = open_handle(brokers, client_id, group, &reader->kafka, err);
    if (code == CC_OK)
        code = begin(reader, topic, err);
    if (code == CC_OK)
        *out = reader;
    else
        cc_topic_reader_close(reader);
    return code;
}

void cc_topic_reader_close(struct cc_topic_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->message != NULL)
        rd_kafka_message_destroy(reader->message);
    if (reader->partitions != NULL)
        rd_kafka_topic_partition_list_destroy(reader->partitions);
    if (reader->reached != NULL)
        rd_kafka_topic_partition_list_destroy(reader->reached);
    if (reader->kafka != NULL) {
        rd_kafka_consumer_close(reader->kafka);
        rd_kafka_destroy(reader->kafka);
    }
    cc_arena_destroy(reader->arena);
    cc_free(reader->ends);
    cc_free(reader);
}

static void remember(struct cc_topic_reader *reader, const rd_kafka_message_t *message)
{
    const char *topic = rd_kafka_topic_name(message->rkt);
    rd_kafka_topic_partition_t *place =
        rd_kafka_topic_partition_list_find(reader->reached, topic, message->partition);

    if (place == NULL)
        place = rd_kafka_topic_partition_list_add(reader->reached, topic, message->partition);
    place->offset = message->offset + 1;
    if (place->offset >= reader->ends[message->partition])
        finish_partition(reader, message->partition);
}

static void read_reason(struct cc_topic_reader *reader, const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t size;

    reader->reason[0] = '\0';
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, "reason", &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    size = size < sizeof reader->reason ? size : sizeof reader->reason - 1;
    memcpy(reader->reason, value, size);
    reader->reason[size] = '\0';
}

static void lend(struct cc_topic_reader *reader, rd_kafka_message_t *message,
                 struct cc_topic_record *out)
{
    reader->message = message;
    remember(reader, message);
    read_reason(reader, message);
    cc_arena_reset(reader->arena);
    *out = (struct cc_topic_record){
        .record =
            {
                .topic = rd_kafka_topic_name(message->rkt),
                .partition = message->partition,
                .offset = message->offset,
                .key = message->key == NULL
                           ? ""
                           : cc_arena_strndup(reader->arena, message->key, message->key_len),
                .payload = message->payload,
                .payload_count = message->len,
                .timestamp_ms = rd_kafka_message_timestamp(message, NULL),
            },
        .reason = reader->reason,
    };
}

/* *out: NULL when the end of a partition was met, something came too late, or nothing in time. */
static enum cc_code poll(struct cc_topic_reader *reader, rd_kafka_message_t **out, bool *out_silent,
                         struct cc_error *err)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(reader->kafka, POLL_MS);
    enum cc_code code = CC_OK;

    *out = NULL;
    *out_silent = message == NULL;
    if (message == NULL)
        return CC_OK;
    bool wanted =
        message->err == RD_KAFKA_RESP_ERR_NO_ERROR && reader->ends[message->partition] >= 0;
    if (wanted) {
        *out = message;
        return CC_OK;
    }
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        finish_partition(reader, message->partition);
    else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        code = kafka_fail(message->err, "reading", err);
    rd_kafka_message_destroy(message);
    return code;
}

enum cc_code cc_topic_reader_next(struct cc_topic_reader *reader, struct cc_topic_record *out,
                                  bool *out_end, struct cc_error *err)
{
    rd_kafka_message_t *message = NULL;
    bool silent;

    if (reader->message != NULL)
        rd_kafka_message_destroy(reader->message);
    reader->message = NULL;
    for (int quiet = 0; message == NULL && !is_finished(reader);) {
        CC_TRY(poll(reader, &message, &silent, err));
        quiet = silent ? quiet + 1 : 0;
        if (quiet == SILENT_MAX)
            return cc_fail_detail(err, CC_TIMEOUT, "reading: the broker is silent");
    }
    *out_end = message == NULL;
    if (message != NULL)
        lend(reader, message, out);
    return CC_OK;
}

enum cc_code cc_topic_reader_commit(struct cc_topic_reader *reader, struct cc_error *err)
{
    if (!reader->has_group)
        return cc_fail_detail(err, CC_INTERNAL, "a reader without a group commits nothing");
    if (reader->reached->cnt == 0)
        return CC_OK;
    return kafka_fail(rd_kafka_commit(reader->kafka, reader->reached, 0), "commit", err);
}
