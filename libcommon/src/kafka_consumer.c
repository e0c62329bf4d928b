/* The one consumer loop: poll, gather, apply, dead letters, commit. All of it, callbacks of
 * librdkafka and of the service included, runs on the consumer's own thread; only start and stop
 * come from outside. Knows nothing of what the records mean. */

#include "common/kafka_consumer.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/id.h"
#include "common/metrics.h"
#include "kafka_assignment.h"
#include "kafka_private.h"

#define BATCH_LIMIT        500
#define SESSION_MS_DEFAULT 6000
#define POLL_MS            500 /* an upper bound: a record, a rebalance or stop ends it at once */
#define TICK_MS            1000
#define PROBE_MS           500
#define JOINING_MS         500 /* of a stop; without a broker it costs so much */
#define JOINING_POLL_MS    50
#define COMMIT_MS          100 /* a crash repeats so much: effects are idempotent */
#define BACKOFF_MIN_MS     50
#define BACKOFF_MAX_MS     5000
#define ARENA_BYTES        (64 * 1024)
#define FETCH_WAIT_MS      100           /* a long poll: it adds nothing to records */
#define LINGER_BYTES       (1024 * 1024) /* enough to hand over before the time has passed */

/* Short waits everywhere; the local queue stays above two seconds of peak, because librdkafka rests
 * for a second whenever it is full. A missing topic is looked for every 3 s. */
static const struct kafka_setting fixed_settings[] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "earliest"},
    {"partition.assignment.strategy", "cooperative-sticky"},
    {"max.poll.interval.ms", "60000"},
    {"fetch.error.backoff.ms", "50"},
    {"queued.min.messages", "20000"},
    {"queued.max.messages.kbytes", "32768"},
    {"topic.metadata.refresh.interval.ms", "3000"},
    {NULL, NULL},
};

struct taken {
    rd_kafka_message_t *message; /* owned */
    unsigned generation;         /* of the partition's assignment when it was taken */
};

struct taken_list {
    struct taken *items;
    size_t count, capacity;
};

struct cc_consumer {
    struct cc_consumer_row row; /* topic and group are owned copies */
    char *topic, *group, *dlq_topic, *span_name;
    void *app;
    struct cc_producer *producer;
    struct cc_health_item *health; /* NULL = none */
    rd_kafka_t *kafka;
    rd_kafka_queue_t *queue;
    pthread_t thread;
    atomic_bool stopping;

    struct assignment assignment;
    struct taken_list batch; /* being applied, at most row.batch_max */
    struct taken_list later; /* came while the batch was being repeated */
    struct cc_record *records;
    struct cc_span *spans; /* of the records, by index */
    struct cc_arena *arena;
    bool joined; /* had an assignment, be it an empty one */
    bool paused, healthy;
    int64_t next_tick_ms, next_commit_ms;
    int64_t save_due_ms; /* 0 = nothing waits to be saved */
    struct cc_counter *applied, *dead, *retried;
    struct cc_histogram *duration;
};

/* -- health ------------------------------------------------------------------------------------ */

static void report_health(struct cc_consumer *consumer, enum cc_code code, const char *reason)
{
    consumer->healthy = code == CC_OK;
    if (consumer->health != NULL)
        cc_health_report(consumer->health, code, reason);
}

static void on_error(rd_kafka_t *kafka, int error, const char *reason, void *opaque)
{
    (void)kafka;
    struct cc_consumer *consumer = opaque;
    if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        report_health(consumer, CC_UNAVAILABLE, "all brokers down");
    cc_log(kafka_error_level(error), "kafka consumer", "topic", consumer->topic, "group",
           consumer->group, "error", rd_kafka_err2name((rd_kafka_resp_err_t)error), "detail",
           reason, NULL);
}

/* librdkafka tells when all brokers are gone but not when one is back. */
static void look_for_brokers(struct cc_consumer *consumer)
{
    const struct rd_kafka_metadata *metadata;
    if (consumer->healthy || !consumer->joined)
        return;
    if (rd_kafka_metadata(consumer->kafka, 0, NULL, &metadata, PROBE_MS) !=
        RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    rd_kafka_metadata_destroy(metadata);
    report_health(consumer, CC_OK, "");
}

static void commit_if_due(struct cc_consumer *consumer)
{
    int64_t now_ms = cc_mono_ms(cc_clock_system());
    if (now_ms < consumer->next_commit_ms || !assignment_has_uncommitted(&consumer->assignment))
        return;
    consumer->next_commit_ms = now_ms + COMMIT_MS;
    assignment_commit(&consumer->assignment, consumer->kafka);
}

/* The rest once a second, whether records come or not. */
static void tick(struct cc_consumer *consumer)
{
    int64_t now_ms = cc_mono_ms(cc_clock_system());
    commit_if_due(consumer);
    if (now_ms < consumer->next_tick_ms)
        return;
    consumer->next_tick_ms = now_ms + TICK_MS;
    assignment_report_lag(&consumer->assignment, consumer->kafka, consumer->paused);
    look_for_brokers(consumer);
}

static int at_most(int wait_ms, int64_t until_ms, int64_t now_ms)
{
    int64_t left_ms = until_ms > now_ms ? until_ms - now_ms : 0;
    return left_ms < wait_ms ? (int)left_ms : wait_ms;
}

/* How long the thread may rest when no record comes. */
static int rest_ms(const struct cc_consumer *consumer)
{
    int64_t now_ms = cc_mono_ms(cc_clock_system());
    int wait_ms = POLL_MS;
    if (assignment_has_uncommitted(&consumer->assignment))
        wait_ms = at_most(wait_ms, consumer->next_commit_ms, now_ms);
    if (consumer->save_due_ms != 0)
        wait_ms = at_most(wait_ms, consumer->save_due_ms, now_ms);
    return wait_ms;
}

/* -- saving ------------------------------------------------------------------------------------ */

static enum cc_code save(struct cc_consumer *consumer, struct cc_error *err)
{
    if (consumer->save_due_ms == 0)
        return CC_OK;
    enum cc_code code = consumer->row.save(consumer->app, consumer->arena, err);
    cc_arena_reset(consumer->arena);
    if (code != CC_OK)
        return code;
    consumer->save_due_ms = 0;
    assignment_saved(&consumer->assignment);
    return CC_OK;
}

static void log_unsaved(const struct cc_consumer *consumer, const struct cc_error *err)
{
    cc_log_error(CC_LOG_WARN, "what was applied can't be saved yet", err, "topic", consumer->topic,
                 "group", consumer->group, NULL);
}

/* The last chance before partitions go; what can't be saved now, their next owner applies again. */
static void save_before_giving_up(struct cc_consumer *consumer)
{
    struct cc_error error = {0};
    if (save(consumer, &error) != CC_OK)
        log_unsaved(consumer, &error);
}

/* -- rebalancing ------------------------------------------------------------------------------- */

static void log_rebalance_fault(struct cc_consumer *consumer, rd_kafka_error_t *error)
{
    if (error == NULL)
        return;
    cc_log(CC_LOG_WARN, "kafka rebalance", "topic", consumer->topic, "group", consumer->group,
           "detail", rd_kafka_error_string(error), NULL);
    rd_kafka_error_destroy(error);
}

static void log_partitions(const struct cc_consumer *consumer, const char *what, int count)
{
    char number[16];

    if (count == 0) /* a round of the rebalance that moves nothing */
        return;
    (void)snprintf(number, sizeof number, "%d", count);
    cc_log(CC_LOG_INFO, what, "topic", consumer->topic, "group", consumer->group, "count", number,
           NULL);
}

static void on_assigned(struct cc_consumer *consumer, rd_kafka_topic_partition_list_t *partitions)
{
    for (int i = 0; i < partitions->cnt; i++) {
        int32_t partition = partitions->elems[i].partition;
        assignment_add(&consumer->assignment, partition);
        if (consumer->row.on_assigned != NULL)
            consumer->row.on_assigned(consumer->app, partition);
    }
    log_rebalance_fault(consumer, rd_kafka_incremental_assign(consumer->kafka, partitions));
    if (consumer->paused)
        rd_kafka_pause_partitions(consumer->kafka, partitions);
    consumer->joined = true;
    report_health(consumer, CC_OK, "");
    log_partitions(consumer, "partitions assigned", partitions->cnt);
}

/* A lost assignment may be another's already: nothing of it is committed. */
static void on_revoked(struct cc_consumer *consumer, rd_kafka_topic_partition_list_t *partitions)
{
    if (!rd_kafka_assignment_lost(consumer->kafka))
        save_before_giving_up(consumer);
    for (int i = 0; i < partitions->cnt && consumer->row.on_revoked != NULL; i++)
        consumer->row.on_revoked(consumer->app, partitions->elems[i].partition);
    if (!rd_kafka_assignment_lost(consumer->kafka))
        assignment_commit_now(&consumer->assignment, consumer->kafka);
    for (int i = 0; i < partitions->cnt; i++)
        assignment_remove(&consumer->assignment, partitions->elems[i].partition);
    if (consumer->paused) /* the library would keep them paused when they come back, unasked */
        rd_kafka_resume_partitions(consumer->kafka, partitions);
    log_rebalance_fault(consumer, rd_kafka_incremental_unassign(consumer->kafka, partitions));
    log_partitions(consumer, "partitions given up", partitions->cnt);
}

static void on_rebalance(rd_kafka_t *kafka, rd_kafka_resp_err_t event,
                         rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct cc_consumer *consumer = opaque;
    if (event == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
        on_assigned(consumer, partitions);
    else if (event == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
        on_revoked(consumer, partitions);
    else
        rd_kafka_assign(kafka, NULL);
}

static void on_committed(rd_kafka_t *kafka, rd_kafka_resp_err_t error,
                         rd_kafka_topic_partition_list_t *offsets, void *opaque)
{
    (void)kafka;
    struct cc_consumer *consumer = opaque;
    assignment_commit_answered(&consumer->assignment, error, offsets);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        consumer->next_commit_ms = cc_mono_ms(cc_clock_system()) + TICK_MS;
}

/* -- gathering --------------------------------------------------------------------------------- */

static void push(struct taken_list *list, struct taken taken)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        list->items = cc_realloc(list->items, list->capacity * sizeof *list->items);
    }
    list->items[list->count++] = taken;
}

static void release_all(struct taken_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        rd_kafka_message_destroy(list->items[i].message);
    list->count = 0;
}

/* Events that come as messages; the library goes on by itself after all of them. */
static void handle_event(struct cc_consumer *consumer, const rd_kafka_message_t *message)
{
    if (message->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        report_health(consumer, CC_UNAVAILABLE, "the topic does not exist");
    cc_log(CC_LOG_WARN, "kafka consumer", "topic", consumer->topic, "group", consumer->group,
           "error", rd_kafka_err2name(message->err), NULL);
}

/* One record, or nothing within the time; callbacks run in here and nowhere else. */
static bool take(struct cc_consumer *consumer, int timeout_ms, struct taken *out)
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

/* Waits for the first record, then takes what is there without waiting. Record by record rather
 * than with rd_kafka_consume_batch_queue: that one waits to fill its batch, and hides rebalances
 * that happen within it. */
static void gather(struct cc_consumer *consumer)
{
    struct taken taken;
    size_t kept = consumer->later.count;
    size_t moved = kept < consumer->row.batch_max ? kept : consumer->row.batch_max;
    for (size_t i = 0; i < moved; i++)
        push(&consumer->batch, consumer->later.items[i]);
    consumer->later.count = kept - moved;
    if (consumer->later.count > 0) {
        memmove(consumer->later.items, consumer->later.items + moved,
                consumer->later.count * sizeof taken);
        return;
    }
    while (consumer->batch.count < consumer->row.batch_max &&
           take(consumer, consumer->batch.count == 0 ? rest_ms(consumer) : 0, &taken))
        push(&consumer->batch, taken);
}

/* Drops the records whose partition is not held any more, or was given up in between. */
static void drop_lost(struct cc_consumer *consumer)
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

/* -- applying ---------------------------------------------------------------------------------- */

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

static enum cc_code apply_batch(struct cc_consumer *consumer, struct cc_error *err)
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

static void finish_batch(struct cc_consumer *consumer)
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
    commit_if_due(consumer);
}

/* -- repeating --------------------------------------------------------------------------------- */

/* All partitions, not only the batch's: the thread has no place for other records meanwhile. */
static void set_paused(struct cc_consumer *consumer, bool paused)
{
    rd_kafka_topic_partition_list_t *partitions;
    if (consumer->paused == paused)
        return;
    consumer->paused = paused;
    if (rd_kafka_assignment(consumer->kafka, &partitions) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    if (paused)
        rd_kafka_pause_partitions(consumer->kafka, partitions);
    else
        rd_kafka_resume_partitions(consumer->kafka, partitions);
    rd_kafka_topic_partition_list_destroy(partitions);
}

/* Keeps polling, so that the group does not take the consumer for dead, until the time has passed.
 */
static void back_off(struct cc_consumer *consumer, unsigned attempt)
{
    int64_t cap_ms = attempt > 6 ? BACKOFF_MAX_MS : BACKOFF_MIN_MS << attempt;
    if (cap_ms > BACKOFF_MAX_MS)
        cap_ms = BACKOFF_MAX_MS;
    int64_t wait_ms =
        cap_ms / 2 + (int64_t)cc_random_below(cc_random_system(), (uint64_t)(cap_ms / 2) + 1);
    int64_t until_ms = cc_mono_ms(cc_clock_system()) + wait_ms;
    int64_t left_ms = wait_ms;
    struct taken taken;

    while (left_ms > 0 && !atomic_load(&consumer->stopping)) {
        if (take(consumer, (int)(left_ms < POLL_MS ? left_ms : POLL_MS), &taken))
            push(&consumer->later, taken);
        tick(consumer);
        left_ms = until_ms - cc_mono_ms(cc_clock_system());
    }
}

static void log_failure(struct cc_consumer *consumer, const struct cc_error *err)
{
    char count[16];
    snprintf(count, sizeof count, "%zu", consumer->batch.count);
    cc_log_error(CC_LOG_WARN, "batch not applied, it comes again", err, "topic", consumer->topic,
                 "group", consumer->group, "records", count, NULL);
}

/* The same batch until it is applied, lost, or the process ends. */
static void work_off(struct cc_consumer *consumer)
{
    for (unsigned attempt = 0;; attempt++) {
        struct cc_error error = {0};
        drop_lost(consumer);
        if (consumer->batch.count == 0)
            break;
        if (apply_batch(consumer, &error) == CC_OK) {
            finish_batch(consumer);
            break;
        }
        log_failure(consumer, &error);
        cc_counter_add(consumer->retried, consumer->batch.count);
        set_paused(consumer, true);
        back_off(consumer, attempt);
        if (atomic_load(&consumer->stopping))
            break;
    }
    release_all(&consumer->batch);
    set_paused(consumer, false);
}

/* Until it is saved, everything is given up, or the process ends. */
static void save_if_due(struct cc_consumer *consumer)
{
    struct cc_error error = {0};
    if (consumer->save_due_ms == 0 || cc_mono_ms(cc_clock_system()) < consumer->save_due_ms)
        return;
    for (unsigned attempt = 0; save(consumer, &error) != CC_OK; attempt++) {
        log_unsaved(consumer, &error);
        set_paused(consumer, true);
        back_off(consumer, attempt);
        if (atomic_load(&consumer->stopping))
            break;
    }
    set_paused(consumer, false);
    commit_if_due(consumer);
}

/* -- life -------------------------------------------------------------------------------------- */

/* librdkafka 2.0.2 aborts the process ("assignor_state") when a consumer is closed between being
 * taken into its group and its first assignment: that one is waited for. */
static void wait_for_the_group(struct cc_consumer *consumer)
{
    int64_t until_ms = cc_mono_ms(cc_clock_system()) + JOINING_MS;
    struct taken taken;

    while (!consumer->joined && cc_mono_ms(cc_clock_system()) < until_ms)
        if (take(consumer, JOINING_POLL_MS, &taken))
            push(&consumer->later, taken);
}

static void *run_consumer(void *arg)
{
    struct cc_consumer *consumer = arg;
    pthread_setname_np(pthread_self(), "kafka-consumer");
    while (!atomic_load(&consumer->stopping)) {
        gather(consumer);
        work_off(consumer);
        save_if_due(consumer);
        tick(consumer);
    }
    wait_for_the_group(consumer);
    release_all(&consumer->later);
    rd_kafka_consumer_close(consumer->kafka); /* revokes (and so commits), then leaves the group */
    return NULL;
}

static void free_consumer(struct cc_consumer *consumer)
{
    if (consumer->queue != NULL)
        rd_kafka_queue_destroy(consumer->queue);
    if (consumer->kafka != NULL)
        rd_kafka_destroy(consumer->kafka);
    assignment_finish(&consumer->assignment);
    cc_arena_destroy(consumer->arena);
    cc_free(consumer->batch.items);
    cc_free(consumer->later.items);
    cc_free(consumer->records);
    cc_free(consumer->spans);
    cc_free(consumer->span_name);
    cc_free(consumer->topic);
    cc_free(consumer->group);
    cc_free(consumer->dlq_topic);
    cc_free(consumer);
}

static struct cc_counter *outcome_counter(const struct cc_consumer *consumer, const char *outcome)
{
    return cc_counter_get("kafka_consumer_records_total", "Records by what became of them", "topic",
                          consumer->topic, "group", consumer->group, "outcome", outcome, NULL);
}

static struct cc_consumer *make_consumer(const struct cc_consumer_options *options,
                                         const struct cc_consumer_row *row)
{
    struct cc_consumer *consumer = cc_calloc(1, sizeof *consumer);
    size_t dlq_size = strlen(row->topic) + sizeof ".dlq";
    size_t span_name_size = strlen(row->topic) + sizeof " process";

    consumer->row = *row;
    consumer->topic = cc_strdup(row->topic);
    consumer->group = cc_strdup(row->group);
    consumer->dlq_topic = cc_alloc(dlq_size);
    snprintf(consumer->dlq_topic, dlq_size, "%s.dlq", row->topic);
    consumer->span_name = cc_alloc(span_name_size);
    snprintf(consumer->span_name, span_name_size, "%s process", row->topic);
    consumer->app = options->app;
    consumer->producer = options->producer;
    consumer->arena = cc_arena_create(ARENA_BYTES);
    consumer->records = cc_calloc(row->batch_max, sizeof *consumer->records);
    consumer->spans = cc_calloc(row->batch_max, sizeof *consumer->spans);
    assignment_init(&consumer->assignment, consumer->topic, consumer->group);
    consumer->applied = outcome_counter(consumer, "applied");
    consumer->dead = outcome_counter(consumer, "rejected");
    consumer->retried = outcome_counter(consumer, "retried");
    consumer->duration =
        cc_histogram_get("kafka_consumer_batch_duration_seconds", "One try of a batch", "topic",
                         consumer->topic, "group", consumer->group, NULL);
    return consumer;
}

static void add_health(struct cc_consumer *consumer, struct cc_health *health)
{
    char name[128];
    if (health == NULL)
        return;
    snprintf(name, sizeof name, "kafka:%s", consumer->topic);
    consumer->health = cc_health_add_optional(health, name);
}

/* What the row says of the group and of fetching. */
static enum cc_code set_row(rd_kafka_conf_t *conf, const struct cc_consumer_row *row,
                            struct cc_error *err)
{
    int session_ms = row->session_timeout_ms == 0 ? SESSION_MS_DEFAULT : row->session_timeout_ms;
    struct {
        const char *name;
        int value;
    } numbers[] = {
        {"session.timeout.ms", session_ms},
        {"heartbeat.interval.ms", session_ms / 3},
        {"fetch.wait.max.ms", row->linger_ms > 0 ? row->linger_ms : FETCH_WAIT_MS},
        {"fetch.min.bytes", row->linger_ms > 0 ? LINGER_BYTES : 1},
    };
    char text[16], bad[128] = "";
    bool good =
        rd_kafka_conf_set(conf, "group.id", row->group, bad, sizeof bad) == RD_KAFKA_CONF_OK;

    for (size_t i = 0; good && i < sizeof numbers / sizeof numbers[0]; i++) {
        snprintf(text, sizeof text, "%d", numbers[i].value);
        good = rd_kafka_conf_set(conf, numbers[i].name, text, bad, sizeof bad) == RD_KAFKA_CONF_OK;
    }
    return good ? CC_OK : cc_fail_detail(err, CC_INVALID, "kafka consumer %s: %s", row->group, bad);
}

static enum cc_code open_consumer(struct cc_consumer *consumer,
                                  const struct cc_consumer_options *options, struct cc_error *err)
{
    rd_kafka_conf_t *conf =
        kafka_conf_create(options->brokers, options->client_id, fixed_settings, err);
    if (conf == NULL)
        return CC_INVALID;
    enum cc_code code = set_row(conf, &consumer->row, err);
    if (code != CC_OK) {
        rd_kafka_conf_destroy(conf);
        return code;
    }
    rd_kafka_conf_set_opaque(conf, consumer);
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    rd_kafka_conf_set_offset_commit_cb(conf, on_committed);
    rd_kafka_conf_set_error_cb(conf, on_error);
    CC_TRY(kafka_open(RD_KAFKA_CONSUMER, conf, &consumer->kafka, err));
    rd_kafka_poll_set_consumer(consumer->kafka);
    consumer->queue = rd_kafka_queue_get_consumer(consumer->kafka);
    return CC_OK;
}

static enum cc_code subscribe(struct cc_consumer *consumer, struct cc_error *err)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, consumer->topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t error = rd_kafka_subscribe(consumer->kafka, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    CC_TRY(kafka_fail(error, "subscribe", err));
    if (pthread_create(&consumer->thread, NULL, run_consumer, consumer) != 0)
        return cc_fail_detail(err, CC_INTERNAL, "kafka consumer %s: no thread", consumer->group);
    return CC_OK;
}

enum cc_code cc_consumer_start(const struct cc_consumer_options *options,
                               const struct cc_consumer_row *row, struct cc_consumer **out,
                               struct cc_error *err)
{
    assert(row->batch_max >= 1 && row->batch_max <= BATCH_LIMIT);
    struct cc_consumer *consumer = make_consumer(options, row);
    enum cc_code code = open_consumer(consumer, options, err);
    if (code == CC_OK) {
        add_health(consumer, options->health);
        code = subscribe(consumer, err);
    }
    if (code != CC_OK) {
        free_consumer(consumer);
        return code;
    }
    *out = consumer;
    return CC_OK;
}

/* On the wall clock: the join that takes the monotonic one is unknown to ThreadSanitizer. */
static struct timespec wall_deadline(int64_t deadline_mono_ms)
{
    const struct cc_clock *clock = cc_clock_system();
    int64_t wall_ms = cc_wall_ms(clock) + deadline_mono_ms - cc_mono_ms(clock);
    return (struct timespec){.tv_sec = wall_ms / 1000, .tv_nsec = (wall_ms % 1000) * 1000000};
}

/* A consumer that hangs beyond the deadline is left alone: the process is about to end, and its
 * thread still uses what it owns. */
void cc_consumer_stop(struct cc_consumer *consumer, int64_t deadline_mono_ms)
{
    if (consumer == NULL)
        return;
    struct timespec deadline = wall_deadline(deadline_mono_ms);
    atomic_store(&consumer->stopping, true);
    rd_kafka_queue_yield(consumer->queue);
    if (pthread_timedjoin_np(consumer->thread, NULL, &deadline) == 0)
        free_consumer(consumer);
    else
        cc_log(CC_LOG_ERROR, "kafka consumer did not end in time", "topic", consumer->topic,
               "group", consumer->group, NULL);
}

void cc_record_reject(struct cc_record *record, const char *reason_format, ...)
{
    va_list arguments;
    va_start(arguments, reason_format);
    vsnprintf(record->reject_reason, sizeof record->reject_reason, reason_format, arguments);
    va_end(arguments);
    record->rejected = true;
}

/* Rebalances run only between batches: within apply a partition can be lost, not revoked. */
bool cc_batch_still_owned(const struct cc_batch *batch, const struct cc_record *record)
{
    const struct cc_consumer *consumer = batch->consumer;
    return assignment_generation(&consumer->assignment, record->partition) != 0 &&
           !rd_kafka_assignment_lost(consumer->kafka);
}
