/* A consumer and its group: configuration, health, saving, commits, rebalances. On the consumer's
 * thread; librdkafka calls the callbacks from within consumer_take. */

#include "kafka_consumer_private.h"

#include <stdio.h>

#include "common/clock.h"

#define SESSION_MS_DEFAULT 6000
#define TICK_MS            1000
#define PROBE_MS           500
#define COMMIT_MS          100           /* a crash repeats so much: effects are idempotent */
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

/* ---- health ---- */

void consumer_report_health(struct cc_consumer *consumer, enum cc_code code, const char *reason)
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
        consumer_report_health(consumer, CC_UNAVAILABLE, "all brokers down");
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
    consumer_report_health(consumer, CC_OK, "");
}

/* ---- time ---- */

void consumer_commit_if_due(struct cc_consumer *consumer)
{
    int64_t now_ms = cc_mono_ms(cc_clock_system());
    if (now_ms < consumer->next_commit_ms || !assignment_has_uncommitted(&consumer->assignment))
        return;
    consumer->next_commit_ms = now_ms + COMMIT_MS;
    assignment_commit(&consumer->assignment, consumer->kafka);
}

/* The rest once a second, whether records come or not. */
void consumer_tick(struct cc_consumer *consumer)
{
    int64_t now_ms = cc_mono_ms(cc_clock_system());
    consumer_commit_if_due(consumer);
    if (now_ms < consumer->next_tick_ms)
        return;
    consumer->next_tick_ms = now_ms + TICK_MS;
    assignment_report_lag(&consumer->assignment, consumer->kafka, consumer->paused);
    look_for_brokers(consumer);
}

/* ---- saving ---- */

enum cc_code consumer_save(struct cc_consumer *consumer, struct cc_error *err)
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

void consumer_log_unsaved(const struct cc_consumer *consumer, const struct cc_error *err)
{
    cc_log_error(CC_LOG_WARN, "what was applied can't be saved yet", err, "topic", consumer->topic,
                 "group", consumer->group, NULL);
}

/* The last chance before partitions go; what can't be saved now, their next owner applies again. */
static void save_before_giving_up(struct cc_consumer *consumer)
{
    struct cc_error error = {0};
    if (consumer_save(consumer, &error) != CC_OK)
        consumer_log_unsaved(consumer, &error);
}

/* ---- rebalancing ---- */

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
    consumer_report_health(consumer, CC_OK, "");
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

/* ---- opening ---- */

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

enum cc_code consumer_open(struct cc_consumer *consumer, const struct cc_consumer_options *options,
                           struct cc_error *err)
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
