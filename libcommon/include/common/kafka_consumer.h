#ifndef COMMON_KAFKA_CONSUMER_H
#define COMMON_KAFKA_CONSUMER_H

/*
 * The one consumer loop. A service contributes a row and a function. The runner owns a thread that
 * polls, gathers what is there now (never waits to fill a batch), calls apply, and commits after it
 * (async, at most ten times a second; sync on revoke and at stop). Transient failures pause the
 * partitions and repeat the same batch after 50 ms to 5 s with jitter, while polling goes on;
 * records that are rejected go to
 * `<topic>.dlq` with the reason and the partition goes on. Records of revoked partitions are
 * dropped before apply. Metrics: kafka_consumer_lag{topic,partition,group},
 * kafka_consumer_records_total{topic,group,outcome}, batch duration.
 */

#include <stdint.h>

#include "common/arena.h"
#include "common/error.h"
#include "common/health.h"
#include "common/json_reader.h"
#include "common/kafka_producer.h"

struct cc_consumer;

struct cc_record { /* borrowed for the duration of apply */
    const char *topic;
    int32_t partition;
    int64_t offset;
    const char *key; /* NUL-terminated copy; "" when none */
    const void *payload;
    size_t payload_count;
    int64_t timestamp_ms;
    struct cc_trace trace; /* of this record's span, child of its traceparent header; trace_id ""
                              when it has none */
    /* Set by apply: this record can't ever be applied; goes to the dlq. */
    bool rejected;
    char reject_reason[128];
};
struct cc_batch {
    struct cc_record *records; /* in offset order per partition */
    size_t count;
    struct cc_arena *arena; /* reset after each batch */
    struct cc_consumer *consumer;
};
void cc_record_reject(struct cc_record *record, const char *reason_format, ...) CC_PRINTF(2, 3);
/* Reads what a record carries, in two steps: a reader over its payload, and what became of it. A
 * record that its codec can't read is rejected, with the field and the reason. What was read lives
 * in the arena. */
struct cc_json_reader *cc_record_reader(const struct cc_record *record, struct cc_arena *arena);
bool cc_record_readable(struct cc_record *record, struct cc_json_reader *reader, bool readable);
/* False once the partition was revoked or lost: drop its work before announcing anything. Cheap;
 * only within apply. */
bool cc_batch_still_owned(const struct cc_batch *batch, const struct cc_record *record);

struct cc_consumer_row {
    const char *topic; /* NULL ends a table of rows */
    const char *group;
    size_t batch_max;       /* 1..500 */
    int session_timeout_ms; /* 0 = 6000; heartbeat is a third */
    /* CC_OK: applied, commit. Any error: nothing is committed, the same batch comes again (it must
     * be idempotent). */
    enum cc_code (*apply)(void *app, struct cc_batch *batch, struct cc_error *err);
    void (*on_assigned)(void *app, int32_t partition); /* may be NULL; consumer thread */
    void (*on_revoked)(void *app,
                       int32_t partition); /* may be NULL; before the partition is given up */
    /* The rest is for consumers that nobody waits for; 0 and NULL for the others. */
    int linger_ms; /* 0..1000: the broker collects records so long before it hands them over */
    /* Write-behind: what apply left in memory becomes durable here, at the latest save_ms after the
     * first batch that left something, before partitions are given up, and at the stop. Nothing is
     * committed before it returned CC_OK; after an error it is called again with back-off, and no
     * batch is applied meanwhile. What a lost partition left must be forgotten in on_revoked. The
     * arena is reset after each call. */
    enum cc_code (*save)(void *app, struct cc_arena *arena, struct cc_error *err);
    int save_ms;
};

struct cc_consumer_options {
    const char *brokers;
    const char *client_id;
    struct cc_producer *producer; /* for the dlq; borrowed */
    struct cc_health *health;     /* NULL = none */
    void *app;
};
CC_MUST_CHECK enum cc_code cc_consumer_start(const struct cc_consumer_options *options,
                                             const struct cc_consumer_row *row,
                                             struct cc_consumer **out, struct cc_error *err);
/* Finishes the running batch, commits, leaves the group, joins. */
void cc_consumer_stop(struct cc_consumer *consumer, int64_t deadline_mono_ms);

#endif
