/* The one consumer loop: gather, apply until it is done, save, commit. All of it runs on the
 * consumer's own thread; only start and stop come from outside. Knows nothing of what the records
 * mean. */

#include "kafka_consumer_private.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/id.h"

#define BATCH_LIMIT     500
#define POLL_MS         500 /* an upper bound: a record, a rebalance or stop ends it at once */
#define JOINING_MS      500 /* of a stop; without a broker it costs so much */
#define JOINING_POLL_MS 50
#define BACKOFF_MIN_MS  50
#define BACKOFF_MAX_MS  5000
#define ARENA_BYTES     (64 * 1024)

/* ---- repeating ---- */

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
        if (consumer_take(consumer, (int)(left_ms < POLL_MS ? left_ms : POLL_MS), &taken))
            consumer_push(&consumer->later, taken);
        consumer_tick(consumer);
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
        consumer_drop_lost(consumer);
        if (consumer->batch.count == 0)
            break;
        if (consumer_apply(consumer, &error) == CC_OK) {
            consumer_finish_batch(consumer);
            break;
        }
        log_failure(consumer, &error);
        cc_counter_add(consumer->retried, consumer->batch.count);
        set_paused(consumer, true);
        back_off(consumer, attempt);
        if (atomic_load(&consumer->stopping))
            break;
    }
    consumer_release_all(&consumer->batch);
    set_paused(consumer, false);
}

/* Until it is saved, everything is given up, or the process ends. */
static void save_if_due(struct cc_consumer *consumer)
{
    struct cc_error error = {0};
    if (consumer->save_due_ms == 0 || cc_mono_ms(cc_clock_system()) < consumer->save_due_ms)
        return;
    for (unsigned attempt = 0; consumer_save(consumer, &error) != CC_OK; attempt++) {
        consumer_log_unsaved(consumer, &error);
        set_paused(consumer, true);
        back_off(consumer, attempt);
        if (atomic_load(&consumer->stopping))
            break;
    }
    set_paused(consumer, false);
    consumer_commit_if_due(consumer);
}

/* ---- the thread ---- */

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

/* librdkafka 2.0.2 aborts the process ("assignor_state") when a consumer is closed between being
 * taken into its group and its first assignment: that one is waited for. */
static void wait_for_the_group(struct cc_consumer *consumer)
{
    int64_t until_ms = cc_mono_ms(cc_clock_system()) + JOINING_MS;
    struct taken taken;

    while (!consumer->joined && cc_mono_ms(cc_clock_system()) < until_ms)
        if (consumer_take(consumer, JOINING_POLL_MS, &taken))
            consumer_push(&consumer->later, taken);
}

static void *run_consumer(void *arg)
{
    struct cc_consumer *consumer = arg;
    pthread_setname_np(pthread_self(), "kafka-consumer");
    while (!atomic_load(&consumer->stopping)) {
        consumer_gather(consumer, rest_ms(consumer));
        work_off(consumer);
        save_if_due(consumer);
        consumer_tick(consumer);
    }
    wait_for_the_group(consumer);
    consumer_release_all(&consumer->later);
    rd_kafka_consumer_close(consumer->kafka); /* revokes (and so commits), then leaves the group */
    return NULL;
}

/* ---- life ---- */

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
    enum cc_code code = consumer_open(consumer, options, err);
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
