/* Records taken, gathered and applied; dead letters and spans. On the consumer's thread. */

#include "kafka_consumer_private.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"

/* ---- gathering ---- */

void consumer_push(struct taken_list *list, struct taken taken)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        list->items = cc_realloc(list->items, list->capacity * sizeof *list->items);
    }
    list->items[list->count++] = taken;
}

void consumer_release_all(struct taken_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        rd_kafka_message_destroy(list->items[i].message);
    list->count = 0;
}

/* Events that come as messages; the library goes on by itself after all of them. */
static void handle_event(struct cc_consumer *consumer, const rd_kafka_message_t *message)
{
    if (message->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        consumer_report_health(consumer, CC_UNAVAILABLE, "the topic does not exist");
    cc_log(CC_LOG_WARN, "kafka consumer", "topic", consumer->topic, "group", consumer->group,
           "error", rd_kafka_err2name(message->err), NULL);
}

bool consumer_take(struct cc_consumer *consumer, int timeout_ms, struct taken *out)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer->kafka, timeout_ms);
    if (message == NULL)
        return false;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        handle_event(consumer, message);
        rd_kafka_message_destroy(message);
        return false;
    }
    assignment_seen(&consumer->assignment, message->partition, message->offset);
    *out =
        (struct taken){message, assignment_generation(&consumer->assignment, message->partition)};
    return true;
}

/* Record by record rather than with rd_kafka_consume_batch_queue: that one waits to fill its batch,
 * and hides rebalances that happen within it. */
void consumer_gather(struct cc_consumer *consumer, int wait_ms)
{
    struct taken taken;
    size_t kept = consumer->later.count;
    size_t moved = kept < consumer->row.batch_max ? kept : consumer->row.batch_max;
    for (size_t i = 0; i < moved; i++)
        consumer_push(&consumer->batch, consumer->later.items[i]);
    consumer->later.count = kept - moved;
    if (consumer->later.count > 0) {
        memmove(consumer->later.items, consumer->later.items + moved,
                consumer->later.count * sizeof taken);
        return;
    }
    while (consumer->batch.count < consumer->row.batch_max &&
           consumer_take(consumer, consumer->batch.count == 0 ? wait_ms : 0, &taken))
        consumer_push(&consumer->batch, taken);
}

void consumer_drop_lost(struct cc_consumer *consumer)
{
    struct taken_list *batch = &consumer->batch;
    bool lost = rd_kafka_assignment_lost(consumer->kafka) != 0;
    size_t kept = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct taken taken = batch->items[i];
        if (!lost && taken.generation != 0 &&
            taken.generation ==
                assignment_generation(&consumer->assignment, taken.message->partition))
            batch->items[kept++] = taken;
        else
            rd_kafka_message_destroy(taken.message);
    }
    batch->count = kept;
}

/* ---- applying ---- */

static const char *header_text(const rd_kafka_message_t *message, const char *name,
                               struct cc_arena *arena)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t length;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, name, &value, &length) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        value == NULL)
        return NULL;
    return cc_arena_strndup(arena, value, length);
}

static void fill_record(struct cc_consumer *consumer, const rd_kafka_message_t *message,
                        struct cc_record *out)
{
    rd_kafka_timestamp_type_t type;
    const char *traceparent = header_text(message, "traceparent", consumer->arena);
    *out = (struct cc_record){
        .topic = consumer->topic,
        .partition = message->partition,
        .offset = message->offset,
        .key = message->key == NULL
                   ? ""
                   : cc_arena_strndup(consumer->arena, message->key, message->key_len),
        .payload = message->payload == NULL ? "" : message->payload,
        .payload_count = message->len,
        .timestamp_ms = rd_kafka_message_timestamp(message, &type),
    };
    if (traceparent == NULL || !cc_trace_parse(traceparent, &out->trace))
        out->trace = (struct cc_trace){0};
}

static void fill_letter(struct cc_consumer *consumer, size_t index, struct cc_produce *out)
{
    const rd_kafka_message_t *message = consumer->batch.items[index].message;
    const struct cc_record *record = &consumer->records[index];
    const char *version = header_text(message, "version", consumer->arena);
    *out = (struct cc_produce){
        .topic = consumer->dlq_topic,
        .key = message->key == NULL ? NULL : record->key,
        .payload = record->payload,
        .payload_count = record->payload_count,
        .type = header_text(message, "type", consumer->arena),
        .version = version != NULL && strcmp(version, "1") == 0 ? 1 : 0,
        .trace = &record->trace,
        .reason = record->reject_reason,
    };
}

static void log_dead_letter(const struct cc_record *record)
{
    char partition[16], offset[24];
    snprintf(partition, sizeof partition, "%d", (int)record->partition);
    snprintf(offset, sizeof offset, "%lld", (long long)record->offset);
    cc_log(CC_LOG_WARN, "record rejected", "topic", record->topic, "partition", partition, "offset",
           offset, "reason", record->reject_reason, NULL);
}

/* The rejected records are in the dead letter topic before their offset is committed. */
static enum cc_code bury_rejected(struct cc_consumer *consumer, struct cc_error *err)
{
    size_t count = 0;
    struct cc_produce *letters =
        cc_arena_calloc(consumer->arena, consumer->batch.count, sizeof *letters);
    for (size_t i = 0; i < consumer->batch.count; i++)
        if (consumer->records[i].rejected)
            fill_letter(consumer, i, &letters[count++]);
    if (count == 0)
        return CC_OK;
    CC_TRY(cc_produce_all(consumer->producer, letters, count, err));
    for (size_t i = 0; i < consumer->batch.count; i++)
        if (consumer->records[i].rejected)
            log_dead_letter(&consumer->records[i]);
    cc_counter_add(consumer->dead, count);
    return CC_OK;
}

/* One for each record of a sampled trace, child of whoever produced it; what its application
 * produces and asks continues from it. */
static void begin_span(struct cc_consumer *consumer, size_t index)
{
    struct cc_span *span = &consumer->spans[index];
    struct cc_trace *trace = &consumer->records[index].trace;

    *span = (struct cc_span){0};
    if (!trace->sampled)
        return;
    cc_span_begin(span, consumer->span_name, CC_SPAN_CONSUMER, trace);
    *trace = span->trace;
}

static void end_spans(struct cc_consumer *consumer, enum cc_code code)
{
    for (size_t i = 0; i < consumer->batch.count; i++)
        if (consumer->spans[i].trace.trace_id[0] != '\0')
            cc_span_end(&consumer->spans[i], code == CC_OK ? NULL : cc_code_name(code),
                        "messaging.destination.name", consumer->topic,
                        "messaging.consumer.group.name", consumer->group, NULL);
}

enum cc_code consumer_apply(struct cc_consumer *consumer, struct cc_error *err)
{
    struct cc_batch batch = {consumer->records, consumer->batch.count, consumer->arena, consumer};
    int64_t started_us = cc_mono_us(cc_clock_system());

    cc_arena_reset(consumer->arena);
    for (size_t i = 0; i < batch.count; i++) {
        fill_record(consumer, consumer->batch.items[i].message, &consumer->records[i]);
        begin_span(consumer, i);
    }
    cc_log_set_trace(batch.count == 1 ? consumer->records[0].trace.trace_id : "");
    enum cc_code code = consumer->row.apply(consumer->app, &batch, err);
    if (code == CC_OK)
        code = bury_rejected(consumer, err);
    end_spans(consumer, code);
    cc_log_set_trace("");
    cc_histogram_observe_us(consumer->duration, cc_mono_us(cc_clock_system()) - started_us);
    return code;
}

void consumer_finish_batch(struct cc_consumer *consumer)
{
    size_t rejected = 0;
    for (size_t i = 0; i < consumer->batch.count; i++) {
        const rd_kafka_message_t *message = consumer->batch.items[i].message;
        assignment_applied(&consumer->assignment, message->partition, message->offset + 1);
        rejected += consumer->records[i].rejected ? 1 : 0;
    }
    cc_counter_add(consumer->applied, consumer->batch.count - rejected);
    if (consumer->row.save == NULL)
        assignment_saved(&consumer->assignment);
    else if (consumer->save_due_ms == 0)
        consumer->save_due_ms = cc_mono_ms(cc_clock_system()) + consumer->row.save_ms;
    consumer_commit_if_due(consumer);
}

/* ---- for whoever applies ---- */

void cc_record_reject(struct cc_record *record, const char *reason_format, ...)
{
    va_list arguments;
    va_start(arguments, reason_format);
    vsnprintf(record->reject_reason, sizeof record->reject_reason, reason_format, arguments);
    va_end(arguments);
    record->rejected = true;
}

struct cc_json_reader *cc_record_reader(const struct cc_record *record, struct cc_arena *arena)
{
    return cc_json_reader_create(arena, record->payload, record->payload_count, CC_IGNORE_UNKNOWN);
}

bool cc_record_readable(struct cc_record *record, struct cc_json_reader *reader, bool readable)
{
    struct cc_error fault = {0};

    if (!readable) {
        (void)cc_json_reader_error(reader, &fault); /* it failed: that is why we are here */
        cc_record_reject(record, "unreadable: %s %s", fault.field, fault.public_text);
    }
    cc_json_reader_destroy(reader);
    return readable;
}

/* Rebalances run only between batches: within apply a partition can be lost, not revoked. */
bool cc_batch_still_owned(const struct cc_batch *batch, const struct cc_record *record)
{
    const struct cc_consumer *consumer = batch->consumer;
    return assignment_generation(&consumer->assignment, record->partition) != 0 &&
           !rd_kafka_assignment_lost(consumer->kafka);
}
