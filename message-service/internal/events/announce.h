#ifndef MESSAGE_EVENTS_ANNOUNCE_H
#define MESSAGE_EVENTS_ANNOUNCE_H

/*
 * Tells what became of operations: first on Redis, whose subscribers wait for it (head:{chat}, the
 * live frame on the chat's channel, the asker's answer), then message.persisted for everybody and
 * message.read for what a send or a new membership does to read positions. What counts is Kafka:
 * what Redis did not take is published by the gateways that consume message.persisted.
 */

#include "common/clock.h"
#include "common/id.h"
#include "common/kafka_producer.h"
#include "events/redis_hints.h"
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
