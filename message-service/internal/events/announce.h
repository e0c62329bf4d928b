#ifndef MESSAGE_EVENTS_ANNOUNCE_H
#define MESSAGE_EVENTS_ANNOUNCE_H

/*
 * Tells what became of operations: message.persisted for everybody, message.read for what a send or
 * a new membership does to read positions, then head:{chat} and the asker's answer on Redis. What
 * counts is Kafka; Redis only makes it fast, and is passed over while it is away.
 */

#include "common/clock.h"
#include "common/id.h"
#include "common/kafka_producer.h"
#include "events/redis_batch.h"
#include "operation.h"

struct announcer {
    struct cc_producer *producer;
    struct cc_ids *ids;
    const struct cc_clock *clock;
    const char *persisted_topic, *read_topic;
    struct redis_outlet outlet;
};

/* All operations are settled. Blocks until every event is acknowledged. Errors: those of
 * cc_produce_all; then all of it must be told again. One thread at a time. */
CC_MUST_CHECK enum cc_code announce(struct announcer *announcer,
                                    struct operation *const *operations, size_t count,
                                    struct cc_arena *arena, struct cc_error *err);

#endif
