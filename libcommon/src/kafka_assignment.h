#ifndef KAFKA_ASSIGNMENT_H
#define KAFKA_ASSIGNMENT_H

/*
 * What one consumer holds of its topic, and how far each partition is applied and committed.
 * Private to the consumer runner and, like all of it, used by the consumer's thread alone.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <librdkafka/rdkafka.h>

#include "common/metrics.h"

struct held_partition {
    bool held;
    unsigned generation;  /* +1 per assignment: tells a record of an earlier one */
    int64_t first_offset; /* of the first record seen, -1 = none yet */
    int64_t applied;      /* offset after the last applied record, -1 = none yet */
    int64_t saved;        /* what may be committed: applied, and durable */
    int64_t asked;        /* the highest offset that a commit was sent for */
    int64_t committed;    /* the highest that the broker confirmed */
    struct cc_gauge *lag;
};

struct assignment {
    const char *topic, *group; /* borrowed */
    struct held_partition *partitions;
    size_t count;
    bool commit_running; /* at most one asynchronous commit is on its way */
};

void assignment_init(struct assignment *assignment, const char *topic, const char *group);
void assignment_finish(struct assignment *assignment);

void assignment_add(struct assignment *assignment, int32_t partition);
void assignment_remove(struct assignment *assignment, int32_t partition);
/* The generation of a held partition; 0 when it is not held. */
unsigned assignment_generation(const struct assignment *assignment, int32_t partition);

void assignment_seen(struct assignment *assignment, int32_t partition, int64_t offset);
void assignment_applied(struct assignment *assignment, int32_t partition, int64_t next_offset);
/* All that is applied is durable. */
void assignment_saved(struct assignment *assignment);
/* True when a commit would have something to send. */
bool assignment_has_uncommitted(const struct assignment *assignment);

/* Sends what is saved and not yet asked for; while one is on its way it waits for its answer. */
void assignment_commit(struct assignment *assignment, rd_kafka_t *kafka);
/* The answer to an asynchronous commit. */
void assignment_commit_answered(struct assignment *assignment, rd_kafka_resp_err_t error,
                                const rd_kafka_topic_partition_list_t *offsets);
/* Commits what is saved and not confirmed, and waits for the broker. */
void assignment_commit_now(struct assignment *assignment, rd_kafka_t *kafka);

/* ask: the broker, because nothing is fetched now; blocks for a moment. */
void assignment_report_lag(struct assignment *assignment, rd_kafka_t *kafka, bool ask);

#endif
