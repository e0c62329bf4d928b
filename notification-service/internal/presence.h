#ifndef NOTIFICATION_PRESENCE_H
#define NOTIFICATION_PRESENCE_H

/* Who has a live connection now, as the websocket gateways keep it in Redis. */

#include "common/arena.h"
#include "common/redis_pool.h"

/* out_online[i]: user_ids[i] has an entry that has not expired. All false when Redis does not
 * answer: telling somebody twice is better than not at all. Blocks for a round trip per thousand
 * people. */
void notification_presence_load(struct cc_redis *redis, const char *const *user_ids, size_t count,
                                int64_t now_ms, struct cc_arena *arena, bool *out_online);

#endif
