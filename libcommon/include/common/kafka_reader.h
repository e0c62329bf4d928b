#ifndef COMMON_KAFKA_READER_H
#define COMMON_KAFKA_READER_H

/*
 * Reads a topic once, up to where it ends when reading begins: for tools, not for daemons (no
 * rebalancing, no thread of its own). With a group it goes on where the group's last reading was
 * committed; two readers of one group at a time are not kept apart. Belongs to one thread.
 */

#include "common/kafka_consumer.h"

struct cc_topic_reader;

struct cc_topic_record { /* borrowed until the next call */
    struct cc_record record;
    const char *reason; /* header "reason" of dead letters; "" = none */
};

/* group NULL: from the beginning, and nothing can be committed. Blocks until the broker has told
 * the topic's partitions, at most 10 s. Errors: CC_NOT_FOUND no such topic; CC_UNAVAILABLE,
 * CC_TIMEOUT.
 */
CC_MUST_CHECK enum cc_code cc_topic_reader_open(const char *brokers, const char *client_id,
                                                const char *topic, const char *group,
                                                struct cc_topic_reader **out, struct cc_error *err);
void cc_topic_reader_close(struct cc_topic_reader *reader); /* accepts NULL */

/* The next record, in offset order per partition; *out_end: there was none left. */
CC_MUST_CHECK enum cc_code cc_topic_reader_next(struct cc_topic_reader *reader,
                                                struct cc_topic_record *out, bool *out_end,
                                                struct cc_error *err);
/* What was returned so far is not read again by this group. */
CC_MUST_CHECK enum cc_code cc_topic_reader_commit(struct cc_topic_reader *reader,
                                                  struct cc_error *err);

#endif
