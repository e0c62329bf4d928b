#ifndef COMMON_RATE_BUCKET_H
#define COMMON_RATE_BUCKET_H

/*
 * Token buckets in Redis that several processes, and daemons, take from: one hash each, filled by
 * the server's clock. Two ways to take: asking first (cc_rate_take_script: the edge, before it
 * forwards) and telling afterwards (cc_rate_charge: a WebSocket gateway, which never waits). What
 * is told may leave a bucket in debt; nobody gets anything from it before that is refilled, so that
 * in the long run no more is done than the rate allows. Source: docs/contracts.md (rate:*).
 */

#include "common/redis_pool.h"

#define CC_RATE_NAME_BYTES 96
#define CC_RATE_CHARGE_MAX 28      /* buckets in one call */
#define CC_BUCKET_WRITE    "write" /* the class of everything a person changes */

struct cc_rate {
    int64_t amount, period_ms; /* `amount` tokens per period, both above 0 */
    int64_t burst;
};

/* rate:{class}:{key} */
void cc_rate_name(const char *rate_class, const char *key, char out[CC_RATE_NAME_BYTES]);

/* KEYS buckets; ARGV burst, amount, period in ms of each. Takes a token from all or from none, and
 * answers {number of the emptiest bucket that refuses or 0, tokens left there (in the first), ms
 * until its next token, and where none refuses what is left in each}. A refusal writes nothing. One
 * more ARGV, "1", tells what was done already: none refuses, and a debt of up to one burst is kept.
 * The keys have no common slot: a Redis Cluster needs a proxy or one node for them. */
extern const char cc_rate_take_script[];

/* Takes tokens[i], whether they are there or not, from the bucket of the class and keys[i]; the
 * debt of a bucket ends at one burst. out_levels[i]: thousandths of a token left, below 0 in debt.
 * count <= CC_RATE_CHARGE_MAX. Blocks like any command. Errors: as cc_redis_eval. Thread-safe. */
CC_MUST_CHECK enum cc_code cc_rate_charge(struct cc_redis *redis, const struct cc_rate *rate,
                                          const char *rate_class, const char *const *keys,
                                          const int64_t *tokens, size_t count, int64_t *out_levels,
                                          struct cc_error *err);

#endif
