#ifndef MESSAGE_EVENTS_REDIS_BATCH_H
#define MESSAGE_EVENTS_REDIS_BATCH_H

/* Commands for Redis, gathered and sent in few round trips. What they carry is a hint: while Redis
 * is away they are dropped, for a second at a time, instead of making anybody wait. */

#include "common/arena.h"
#include "common/bus.h"
#include "common/clock.h"
#include "common/redis_pool.h"
#include "storage/message_store.h"

struct redis_outlet { /* one thread at a time */
    struct cc_redis *redis;
    const struct cc_clock *clock;
    int64_t away_until_ms; /* monotonic */
};
struct redis_batch {
    struct cc_arena *arena;
    struct cc_redis_args *items;
    size_t count, capacity;
};
/* expected: commands; more are taken too. */
struct redis_batch redis_batch_create(struct cc_arena *arena, size_t expected);
/* Raises head:{chat}; never lowers it: a replay announces old revs again. */
void redis_batch_raise_head(struct redis_batch *batch, const char *chat_id, int64_t rev,
                            int64_t seq);
/* Says how far somebody has read, for as long as the store may not know it. */
void redis_batch_hint_read(struct redis_batch *batch, const struct receipt *receipt);
/* The message with that frame; both are copied. */
void redis_batch_publish(struct redis_batch *batch, const char *channel,
                         struct cc_bus_message message, const struct cc_strbuf *frame);
/* Sends all, in order; logs and gives up when Redis doesn't answer. False: not all of it may be
 * there. */
bool redis_batch_send(struct redis_batch *batch, struct redis_outlet *outlet);

#endif
