#ifndef GATEWAY_RATE_LIMIT_H
#define GATEWAY_RATE_LIMIT_H

/*
 * Token buckets in Redis, shared by all gateways and filled by the server's clock. No thread
 * waits for it: a lone request is asked about at once, a crowd together (common/redis_pipe.h); and
 * where much is left, no request does (rate_known.h). While Redis is
 * away each process limits on its own (its buckets start full): n gateways then admit up to n times
 * the rate, and nobody is locked out.
 */

#include "common/clock.h"
#include "common/http_client.h"

enum gateway_rate_class {
    GATEWAY_RATE_READ,
    GATEWAY_RATE_WRITE,
    GATEWAY_RATE_AUTH,
    GATEWAY_RATE_TOKEN,
    GATEWAY_RATE_ADDRESS, /* these two count every request besides its own class */
    GATEWAY_RATE_GLOBAL,
    GATEWAY_RATE_COUNT
};
struct gateway_rate {
    const char *name;
    int64_t amount, period_s; /* `amount` tokens per period; 0 = no limit */
    int64_t burst;
};
struct gateway_rate_verdict {
    bool admitted;
    const char *name;
    int64_t burst; /* 0 = this class has no limit */
    int64_t window_s, remaining;
    int64_t retry_after_ms; /* until a token is there; 0 when one is left */
};

struct gateway_rate_limiter;
/* Becomes the companion of the client (common/http_client.h), which must be destroyed first; it and
 * the clock are borrowed, `rates` is copied. Errors: those of cc_redis_pipe_create. */
CC_MUST_CHECK enum cc_code
gateway_rate_limiter_create(const char *redis_url, struct cc_http_client *client,
                            const struct gateway_rate *rates, const struct cc_clock *clock,
                            struct gateway_rate_limiter **out, struct cc_error *err);
void gateway_rate_limiter_destroy(struct gateway_rate_limiter *limiter);

/* Takes one token from each of three buckets, or none when one of them is empty: that of the class
 * and `key` (not for GATEWAY_RATE_ADDRESS), that of the address, and the one of all. The verdict is
 * the empty one's, else the class's. `done` runs once, on the client's thread or, when
 * nobody has to be asked first, or can be, on the caller's before this returns. Thread-safe. */
void gateway_rate_limiter_take(struct gateway_rate_limiter *limiter, enum gateway_rate_class which,
                               const char *key, const char *address,
                               void (*done)(void *arg, const struct gateway_rate_verdict *verdict),
                               void *arg);

#endif
