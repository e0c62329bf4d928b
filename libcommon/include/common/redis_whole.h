#ifndef COMMON_REDIS_WHOLE_H
#define COMMON_REDIS_WHOLE_H

/*
 * A hash that caches a list, one field for each row. Rows are written as they change, whether the
 * rest is there or not; that none is missing is said by one more field, which whoever fills it
 * writes last. Thread-safe; blocks for one round trip.
 */

#include "common/redis_pool.h"

#define CC_REDIS_WHOLE "*" /* the field; its value means nothing */

enum cc_redis_whole {
    CC_REDIS_WHOLE_AWAY,  /* Redis did not answer, and need not be asked again */
    CC_REDIS_WHOLE_PARTS, /* rows may be missing: ask the store, then fill it up */
    CC_REDIS_WHOLE_ALL,
};

/* *out: of ALL the rows alone, each two elements of text, field and value; otherwise NULL. The
 * caller frees it. */
CC_MUST_CHECK enum cc_redis_whole cc_redis_whole_get(struct cc_redis *redis, const char *name,
                                                     redisReply **out);

#endif
