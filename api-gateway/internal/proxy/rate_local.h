#ifndef GATEWAY_RATE_LOCAL_H
#define GATEWAY_RATE_LOCAL_H

/* Token buckets of this process alone, for as long as Redis does not answer. Thread-safe. */

#include "common/rate_bucket.h"
#include "proxy/rate_limit.h"

#define GATEWAY_RATE_BUCKETS_MAX 3 /* class, address, all */

struct gateway_rate_bucket {
    enum gateway_rate_class which;
    char key[CC_RATE_NAME_BYTES];
};
struct gateway_local_rates;

/* rates: of every class, borrowed; clock likewise. */
struct gateway_local_rates *gateway_local_rates_create(const struct gateway_rate *rates,
                                                       const struct cc_clock *clock);
void gateway_local_rates_destroy(struct gateway_local_rates *local);

/* Takes a token from each of 1 to 3 buckets, or none when one is empty. A bucket nobody has asked
 * for is full; beyond 50,000 all are forgotten: lenient, and bounded. */
struct gateway_rate_verdict gateway_local_rates_take(struct gateway_local_rates *local,
                                                     const struct gateway_rate_bucket *buckets,
                                                     size_t count);
struct gateway_rate_verdict gateway_rate_verdict_for(const struct gateway_rate *rate, bool admitted,
                                                     int64_t remaining, int64_t retry_after_ms);

#endif
