/* Token buckets in memory. The lock guards the map and what is in it. */

#include "proxy/rate_local.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "common/alloc.h"
#include "common/hash_map.h"

#define BUCKETS_MAX 50000

struct local_bucket {
    char key[CC_RATE_NAME_BYTES];
    double tokens;
    int64_t at_ms;
};
struct gateway_local_rates {
    const struct gateway_rate *rates;
    const struct cc_clock *clock;
    pthread_mutex_t lock;
    struct cc_hash_map *buckets; /* key -> struct local_bucket */
};

struct gateway_rate_verdict gateway_rate_verdict_for(const struct gateway_rate *rate, bool admitted,
                                                     int64_t remaining, int64_t retry_after_ms)
{
    return (struct gateway_rate_verdict){
        .admitted = admitted,
        .name = rate->name,
        .burst = rate->burst,
        .window_s = (rate->burst * rate->period_s + rate->amount - 1) / rate->amount,
        .remaining = remaining,
        .retry_after_ms = retry_after_ms,
    };
}

static void forget(struct gateway_local_rates *local)
{
    void *bucket;

    for (size_t at = 0; cc_hash_map_next(local->buckets, &at, &bucket);)
        cc_free(bucket);
    cc_hash_map_destroy(local->buckets);
    local->buckets = NULL;
}

static struct local_bucket *find(struct gateway_local_rates *local,
                                 const struct gateway_rate_bucket *wanted, int64_t now_ms)
{
    struct local_bucket *bucket = cc_hash_map_get(local->buckets, wanted->key);

    if (bucket != NULL)
        return bucket;
    bucket = cc_calloc(1, sizeof(*bucket));
    memcpy(bucket->key, wanted->key, sizeof(bucket->key));
    bucket->tokens = (double)local->rates[wanted->which].burst;
    bucket->at_ms = now_ms;
    cc_hash_map_put(local->buckets, bucket->key, bucket);
    return bucket;
}

static double tokens_per_ms(const struct gateway_rate *rate)
{
    return (double)rate->amount / (double)(rate->period_s * 1000);
}

static int64_t until_next_ms(const struct gateway_rate *rate, double tokens)
{
    return tokens < 1 ? (int64_t)((1 - tokens) / tokens_per_ms(rate)) + 1 : 0;
}

static void refill(const struct gateway_rate *rate, struct local_bucket *bucket, int64_t now_ms)
{
    bucket->tokens += (double)(now_ms - bucket->at_ms) * tokens_per_ms(rate);
    if (bucket->tokens > (double)rate->burst)
        bucket->tokens = (double)rate->burst;
    bucket->at_ms = now_ms;
}

/* What is shown to a client whom nothing limits is its first bucket. */
static struct gateway_rate_verdict take(const struct gateway_local_rates *local,
                                        const struct gateway_rate_bucket *buckets,
                                        struct local_bucket *const *found, size_t count)
{
    const struct gateway_rate *rate = &local->rates[buckets[0].which];

    for (size_t i = 0; i < count; i++)
        found[i]->tokens -= 1;
    return gateway_rate_verdict_for(rate, true, (int64_t)found[0]->tokens,
                                    until_next_ms(rate, found[0]->tokens));
}

static struct gateway_rate_verdict judge(struct gateway_local_rates *local,
                                         const struct gateway_rate_bucket *buckets, size_t count)
{
    struct local_bucket *found[GATEWAY_RATE_BUCKETS_MAX];
    int64_t now_ms = cc_mono_ms(local->clock), longest_ms = -1;
    const struct gateway_rate *refusing = NULL;

    assert(count > 0);
    for (size_t i = 0; i < count; i++) {
        const struct gateway_rate *rate = &local->rates[buckets[i].which];

        found[i] = find(local, &buckets[i], now_ms);
        refill(rate, found[i], now_ms);
        if (found[i]->tokens < 1 && until_next_ms(rate, found[i]->tokens) > longest_ms) {
            longest_ms = until_next_ms(rate, found[i]->tokens);
            refusing = rate;
        }
    }
    return refusing != NULL ? gateway_rate_verdict_for(refusing, false, 0, longest_ms)
                            : take(local, buckets, found, count);
}

struct gateway_rate_verdict gateway_local_rates_take(struct gateway_local_rates *local,
                                                     const struct gateway_rate_bucket *buckets,
                                                     size_t count)
{
    struct gateway_rate_verdict verdict;

    pthread_mutex_lock(&local->lock);
    if (cc_hash_map_count(local->buckets) + count > BUCKETS_MAX) {
        forget(local);
        local->buckets = cc_hash_map_create();
    }
    verdict = judge(local, buckets, count);
    pthread_mutex_unlock(&local->lock);
    return verdict;
}

struct gateway_local_rates *gateway_local_rates_create(const struct gateway_rate *rates,
                                                       const struct cc_clock *clock)
{
    struct gateway_local_rates *local = cc_calloc(1, sizeof(*local));

    local->rates = rates;
    local->clock = clock;
    pthread_mutex_init(&local->lock, NULL);
    local->buckets = cc_hash_map_create();
    return local;
}

void gateway_local_rates_destroy(struct gateway_local_rates *local)
{
    if (local == NULL)
        return;
    forget(local);
    pthread_mutex_destroy(&local->lock);
    cc_free(local);
}
