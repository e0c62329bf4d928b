/* Levels of buckets as Redis last told them. The lock guards the map and what is in it. */

#include "proxy/rate_known.h"

#include <pthread.h>
#include <string.h>

#include "common/alloc.h"
#include "common/hash_map.h"
#include "common/metrics.h"

#define BUCKETS_MAX 50000 /* beyond it all are forgotten: then everybody asks again */
#define SWEEP_AT    1024  /* and at twice what a sweep has left: what is old goes */
#define BURST_MIN   16    /* half of a smaller one is nothing to go ahead on */
#define FRESH_MS    100
#define KNOWN_MS    10000

struct known_bucket {
    char key[CC_RATE_NAME_BYTES];
    int64_t left;      /* as Redis last said */
    int64_t under_way; /* questions that it has not answered */
    int64_t heard_ms;  /* monotonic */
};
struct gateway_known_rates {
    const struct gateway_rate *rates;
    const struct cc_clock *clock;
    pthread_mutex_t lock;
    struct cc_hash_map *buckets; /* key -> struct known_bucket */
    size_t sweep_at;
    struct cc_gauge *count;
};

struct gateway_known_rates *gateway_known_rates_create(const struct gateway_rate *rates,
                                                       const struct cc_clock *clock)
{
    struct gateway_known_rates *known = cc_calloc(1, sizeof(*known));

    known->rates = rates;
    known->clock = clock;
    pthread_mutex_init(&known->lock, NULL);
    known->buckets = cc_hash_map_create();
    known->sweep_at = SWEEP_AT;
    known->count = cc_gauge_get("gateway_rate_buckets_known",
                                "Buckets of which this gateway has heard lately", NULL);
    return known;
}

static bool is_old(const struct gateway_known_rates *known, const struct known_bucket *bucket)
{
    return bucket->under_way == 0 && cc_mono_ms(known->clock) - bucket->heard_ms >= KNOWN_MS;
}

static void forget(struct gateway_known_rates *known, bool all)
{
    struct cc_hash_map *kept = cc_hash_map_create();
    void *value;

    for (size_t at = 0; cc_hash_map_next(known->buckets, &at, &value);) {
        struct known_bucket *bucket = value;

        if (all || is_old(known, bucket))
            cc_free(bucket);
        else
            cc_hash_map_put(kept, bucket->key, bucket);
    }
    cc_hash_map_destroy(known->buckets);
    known->buckets = kept;
}

static void keep_bounded(struct gateway_known_rates *known)
{
    if (cc_hash_map_count(known->buckets) < known->sweep_at)
        return;
    forget(known, false);
    if (cc_hash_map_count(known->buckets) >= BUCKETS_MAX)
        forget(known, true);
    known->sweep_at = 2 * cc_hash_map_count(known->buckets);
    if (known->sweep_at < SWEEP_AT)
        known->sweep_at = SWEEP_AT;
}

void gateway_known_rates_destroy(struct gateway_known_rates *known)
{
    if (known == NULL)
        return;
    forget(known, true);
    cc_hash_map_destroy(known->buckets);
    pthread_mutex_destroy(&known->lock);
    cc_free(known);
}

static struct known_bucket *enter(struct gateway_known_rates *known,
                                  const struct gateway_rate_bucket *bucket)
{
    struct known_bucket *found = cc_hash_map_get(known->buckets, bucket->key);

    if (found != NULL)
        return found;
    found = cc_calloc(1, sizeof(*found));
    memcpy(found->key, bucket->key, sizeof(found->key));
    cc_hash_map_put(known->buckets, found->key, found);
    return found;
}

static bool has_plenty(const struct gateway_known_rates *known, const struct known_bucket *bucket,
                       enum gateway_rate_class which)
{
    const struct gateway_rate *rate = &known->rates[which];

    if (rate->burst < BURST_MIN || bucket->left - bucket->under_way <= rate->burst / 2)
        return false;
    int64_t age_ms = cc_mono_ms(known->clock) - bucket->heard_ms;
    return age_ms < FRESH_MS || (age_ms < KNOWN_MS && bucket->under_way == 0);
}

bool gateway_known_rates_ask(struct gateway_known_rates *known,
                             const struct gateway_rate_bucket *buckets, size_t count,
                             struct gateway_rate_verdict *out)
{
    int64_t remaining = 0; /* in the first */
    bool plenty = true;

    pthread_mutex_lock(&known->lock);
    keep_bounded(known);
    for (size_t i = 0; i < count; i++) {
        struct known_bucket *bucket = enter(known, &buckets[i]);

        plenty = plenty && has_plenty(known, bucket, buckets[i].which);
        bucket->under_way++;
        remaining = i == 0 ? bucket->left - bucket->under_way : remaining;
    }
    cc_gauge_set(known->count, (int64_t)cc_hash_map_count(known->buckets));
    if (plenty)
        *out = gateway_rate_verdict_for(&known->rates[buckets[0].which], true, remaining, 0);
    pthread_mutex_unlock(&known->lock);
    return plenty;
}

void gateway_known_rates_heard(struct gateway_known_rates *known,
                               const struct gateway_rate_bucket *buckets, size_t count,
                               const int64_t *left)
{
    pthread_mutex_lock(&known->lock);
    for (size_t i = 0; i < count; i++) {
        struct known_bucket *bucket = cc_hash_map_get(known->buckets, buckets[i].key);

        if (bucket == NULL) /* forgotten meanwhile */
            continue;
        bucket->under_way -= bucket->under_way > 0;
        if (left[i] == GATEWAY_RATE_UNTOLD)
            continue;
        bucket->left = left[i];
        bucket->heard_ms = cc_mono_ms(known->clock);
    }
    pthread_mutex_unlock(&known->lock);
}
