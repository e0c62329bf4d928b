#ifndef MESSAGE_EVENTS_REDIS_HINTS_H
#define MESSAGE_EVENTS_REDIS_HINTS_H

/* What Redis is told besides what is published. All of it is a hint: while Redis is away it is
 * dropped, for a second at a time, instead of making anybody wait. */

#include "common/bus_publish.h"
#include "common/clock.h"
#include "storage/message_store.h"

struct redis_outlet { /* one thread at a time */
    struct cc_redis *redis;
    const struct cc_clock *clock;
    int64_t away_until_ms; /* monotonic */
};
/* Raises head:{chat}; never lowers it: a replay announces old revs again. */
void redis_hint_head(struct cc_bus_batch *batch, const char *chat_id, int64_t rev, int64_t seq);
/* Says how far somebody has read, for as long as the store may not know it. */
void redis_hint_read(struct cc_bus_batch *batch, const struct receipt *receipt);
/* Sends all, in order; logs and gives up when Redis doesn't answer. False: not all of it may be
 * there. */
bool redis_outlet_send(struct redis_outlet *outlet, const struct cc_bus_batch *batch);

#endif
