#ifndef GATEWAY_RATE_KNOWN_H
#define GATEWAY_RATE_KNOWN_H

/*
 * What this gateway has just heard of buckets in Redis. As long as much is left in all that a
 * request takes from, it need not wait for Redis: it is let through and counted behind. Below half
 * a burst it asks as if nothing were known; what was heard longer than 100 ms ago lets one request
 * through, whose answer tells more; after ten seconds it counts no more. Two gateways can not let
 * through more than a bucket holds by that, and one for each of them on old knowledge; what more of
 * them let pass before they hear of each other is owed (common/rate_bucket.h). Thread-safe.
 */

#include "proxy/rate_local.h"

struct gateway_known_rates;

/* rates: of every class, borrowed; clock likewise. */
struct gateway_known_rates *gateway_known_rates_create(const struct gateway_rate *rates,
                                                       const struct cc_clock *clock);
void gateway_known_rates_destroy(struct gateway_known_rates *known); /* accepts NULL */

/* Before each question about 1 to 3 buckets. True when it need not be waited for: much is left,
 * also if all that is under way takes its tokens; *out is the verdict then. */
bool gateway_known_rates_ask(struct gateway_known_rates *known,
                             const struct gateway_rate_bucket *buckets, size_t count,
                             struct gateway_rate_verdict *out);
/* After it: what is left in each, 0 where no answer came, or that nothing was said of it. */
#define GATEWAY_RATE_UNTOLD INT64_MIN
void gateway_known_rates_heard(struct gateway_known_rates *known,
                               const struct gateway_rate_bucket *buckets, size_t count,
                               const int64_t *left);

#endif
