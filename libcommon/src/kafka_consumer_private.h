#ifndef KAFKA_CONSUMER_PRIVATE_H
#define KAFKA_CONSUMER_PRIVATE_H

/*
 * The consumer runner, cut by what it deals with: kafka_group.c joins the group, follows its
 * rebalances, saves and commits; kafka_batch.c takes records and has them applied;
 * kafka_consumer.c is the loop around both, and their life. All of it, callbacks of librdkafka and
 * of the service included, runs on the consumer's own thread; only start and stop come from
 * outside.
 */

#include <pthread.h>
#include <stdatomic.h>

#include "common/kafka_consumer.h"
#include "kafka_assignment.h"
#include "kafka_private.h"

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

/* kafka_group.c */

/* Opens the handle with the row's settings and the callbacks of a group; joins nothing yet. */
enum cc_code consumer_open(struct cc_consumer *consumer, const struct cc_consumer_options *options,
                           struct cc_error *err);
void consumer_report_health(struct cc_consumer *consumer, enum cc_code code, const char *reason);
/* Sends what may be committed, when it is time. */
void consumer_commit_if_due(struct cc_consumer *consumer);
/* What is due by time alone; cheap, to be called as often as the thread comes by. */
void consumer_tick(struct cc_consumer *consumer);
/* The row's save, if something waits for it: what was applied may be committed then. */
enum cc_code consumer_save(struct cc_consumer *consumer, struct cc_error *err);
void consumer_log_unsaved(const struct cc_consumer *consumer, const struct cc_error *err);

/* kafka_batch.c */

/* One record, or nothing within the time; callbacks run in here and nowhere else. */
bool consumer_take(struct cc_consumer *consumer, int timeout_ms, struct taken *out);
/* Fills the batch: waits so long for the first record, then takes what is there. */
void consumer_gather(struct cc_consumer *consumer, int wait_ms);
/* Drops the records whose partition is not held any more, or was given up in between. */
void consumer_drop_lost(struct cc_consumer *consumer);
/* The row's function on the batch, and dead letters for what it rejected. */
enum cc_code consumer_apply(struct cc_consumer *consumer, struct cc_error *err);
/* It is applied: its offsets may be committed, after a save where the row has one. */
void consumer_finish_batch(struct cc_consumer *consumer);
void consumer_push(struct taken_list *list, struct taken taken);
void consumer_release_all(struct taken_list *list);

#endif
