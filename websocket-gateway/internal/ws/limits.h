#ifndef WS_LIMITS_H
#define WS_LIMITS_H

/* Token bucket of one connection. Loop thread. */

#include <stdbool.h>
#include <stdint.h>

struct ws_bucket {
    int64_t updated_ms; /* monotonic; 0 = never used, full */
    int32_t milli_tokens;
};

/* Takes so many tokens, at most `burst`, or none; false: out_wait_ms is how long until there are.
 */
bool ws_bucket_take_many(struct ws_bucket *bucket, int64_t now_ms, int count, int per_second,
                         int burst, int *out_wait_ms);
/* Takes one token; false when there is none, then out_wait_ms is how long until there is. */
bool ws_bucket_take(struct ws_bucket *bucket, int64_t now_ms, int per_second, int burst,
                    int *out_wait_ms);

#endif
