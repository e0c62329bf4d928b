#ifndef COMMON_LIVENESS_H
#define COMMON_LIVENESS_H

/*
 * Whether people are there, as the websocket-gateways keep it in Redis (docs/contracts.md, Redis):
 * each live connection until its expiry, and which of these are away. Who may be told of it is
 * user-service's business. Thread-safe.
 */

#include <stdint.h>

#include "common/redis_pool.h"

enum cc_live_state {
    CC_LIVE_OFFLINE, /* no live connection */
    CC_LIVE_AWAY,    /* all of them are away */
    CC_LIVE_ONLINE,
};
extern const char *const cc_live_state_names[]; /* by value, then NULL */

struct cc_liveness {
    enum cc_live_state state;
    int64_t last_seen_ms; /* when a connection last ended, epoch ms; 0 = never */
};

/* live: connections that have not expired; away: how many of these are away. */
enum cc_live_state cc_live_state_of(int64_t live, int64_t away);

/* out[i] is user_ids[i]'s, for any number of people. Blocks for one round trip per hundred. Errors:
 * those of cc_redis_pipeline. */
CC_MUST_CHECK enum cc_code cc_liveness_load(struct cc_redis *redis, const char *const *user_ids,
                                            size_t count, int64_t now_ms, struct cc_liveness *out,
                                            struct cc_error *err);

#endif
