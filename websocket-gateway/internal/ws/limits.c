/* Token buckets: `per_second` tokens a second up to `burst`, counted in thousandths so that
 * nothing is lost to rounding. Runs on the loop thread. */

#include "ws/limits.h"

#define WHOLE_TOKEN 1000

bool ws_bucket_take_many(struct ws_bucket *bucket, int64_t now_ms, int count, int per_second,
                         int burst, int *out_wait_ms)
{
    int64_t full = (int64_t)burst * WHOLE_TOKEN, wanted = (int64_t)count * WHOLE_TOKEN;
    int64_t have = bucket->updated_ms == 0
                       ? full
                       : bucket->milli_tokens + (now_ms - bucket->updated_ms) * per_second;

    if (have > full)
        have = full;
    bucket->updated_ms = now_ms > 0 ? now_ms : 1;
    bucket->milli_tokens = (int32_t)have;
    if (have < wanted) {
        *out_wait_ms = (int)((wanted - have + per_second - 1) / per_second);
        return false;
    }
    bucket->milli_tokens -= (int32_t)wanted;
    return true;
}

bool ws_bucket_take(struct ws_bucket *bucket, int64_t now_ms, int per_second, int burst,
                    int *out_wait_ms)
{
    return ws_bucket_take_many(bucket, now_ms, 1, per_second, burst, out_wait_ms);
}
