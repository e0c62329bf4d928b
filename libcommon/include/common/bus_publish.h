#ifndef COMMON_BUS_PUBLISH_H
#define COMMON_BUS_PUBLISH_H

/*
 * Messages onto the bus (common/bus.h): one at once, or many in few round trips, with what else
 * Redis is to be told in between. Blocks; a batch belongs to one thread.
 */

#include "common/arena.h"
#include "common/bus.h"
#include "common/redis_pool.h"

/* Errors: those of cc_redis_command. */
CC_MUST_CHECK enum cc_code cc_bus_publish(struct cc_redis *redis, const char *channel,
                                          const struct cc_bus_message *message,
                                          struct cc_error *err);

struct cc_bus_batch {
    struct cc_arena *arena; /* holds all of it; must outlive the batch */
    struct cc_redis_args *commands;
    size_t count, capacity;
};
struct cc_bus_batch cc_bus_batch_create(struct cc_arena *arena);
/* Channel and message, its frame included, are copied. */
void cc_bus_batch_publish(struct cc_bus_batch *batch, const char *channel,
                          const struct cc_bus_message *message);
/* argv and its texts are borrowed until the batch is sent. */
void cc_bus_batch_command(struct cc_bus_batch *batch, size_t argc, const char *const *argv);
/* In order. Errors: those of cc_redis_pipeline; some of it may have been done. May be sent again.
 */
CC_MUST_CHECK enum cc_code cc_bus_batch_send(const struct cc_bus_batch *batch,
                                             struct cc_redis *redis, struct cc_error *err);

#endif
