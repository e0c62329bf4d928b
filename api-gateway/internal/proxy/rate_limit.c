/* Token buckets. Requests queue up from listener threads; the thread "rate-limit" empties the queue
 * in batches, each one pipelined round trip to Redis, and runs the callbacks. */

#include "proxy/rate_limit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/hash_map.h"
#include "common/id.h"
#include "common/log.h"
#include "common/rate_bucket.h"

#define QUEUE_MAX        4096
#define BATCH_MAX        64
#define LOCAL_MAX        50000
#define REDIS_REST_MS    1000 /* how long Redis is left alone after a failure */
#define BUCKETS_MAX      3    /* class, address, global */
#define BUCKET_ARGUMENTS 3

struct bucket {
    enum gateway_rate_class which;
    char key[CC_RATE_NAME_BYTES];
};
struct question {
    struct bucket buckets[BUCKETS_MAX]; /* those that have a limit */
    size_t count;
    void (*done)(void *arg, const struct gateway_rate_verdict *verdict);
    void *arg;
};

struct local_bucket {
    char key[CC_RATE_NAME_BYTES];
    double tokens;
    int64_t at_ms;
};

struct gateway_rate_limiter {
    struct cc_redis *redis;
    const struct cc_clock *clock;
    struct gateway_rate rates[GATEWAY_RATE_COUNT];
    pthread_mutex_t lock; /* queue, stopping */
    pthread_cond_t wake;
    struct question *queue; /* a ring */
    size_t first, count;
    bool stopping;
    pthread_t thread;
    /* The thread's own. */
    char sha1[41];
    int64_t redis_rests_until_ms;
    struct cc_hash_map *local; /* key -> struct local_bucket */
};

/* ---- verdicts ---- */

static struct gateway_rate_verdict verdict_for(const struct gateway_rate *rate, bool admitted,
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

static struct gateway_rate_verdict unlimited(const struct gateway_rate *rate)
{
    return (struct gateway_rate_verdict){.admitted = true, .name = rate->name};
}

/* ---- local buckets ---- */

static void forget_local(struct gateway_rate_limiter *limiter)
{
    void *bucket;

    for (size_t at = 0; cc_hash_map_next(limiter->local, &at, &bucket);)
        cc_free(bucket);
    cc_hash_map_destroy(limiter->local);
    limiter->local = cc_hash_map_create();
}

static struct local_bucket *local_bucket(struct gateway_rate_limiter *limiter,
                                         const struct bucket *wanted, int64_t now_ms)
{
    struct local_bucket *bucket = cc_hash_map_get(limiter->local, wanted->key);

    if (bucket != NULL)
        return bucket;
    bucket = cc_calloc(1, sizeof(*bucket));
    memcpy(bucket->key, wanted->key, sizeof(bucket->key));
    bucket->tokens = (double)limiter->rates[wanted->which].burst;
    bucket->at_ms = now_ms;
    cc_hash_map_put(limiter->local, bucket->key, bucket);
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
static struct gateway_rate_verdict take_locally(struct gateway_rate_limiter *limiter,
                                                const struct question *question, int64_t now_ms)
{
    const struct gateway_rate *rate = &limiter->rates[question->buckets[0].which];
    double left;

    for (size_t i = 0; i < question->count; i++)
        local_bucket(limiter, &question->buckets[i], now_ms)->tokens -= 1;
    left = local_bucket(limiter, &question->buckets[0], now_ms)->tokens;
    return verdict_for(rate, true, (int64_t)left, until_next_ms(rate, left));
}

static struct gateway_rate_verdict judge_locally(struct gateway_rate_limiter *limiter,
                                                 const struct question *question)
{
    int64_t now_ms = cc_mono_ms(limiter->clock), longest_ms = -1;
    const struct gateway_rate *shown = NULL;

    if (cc_hash_map_count(limiter->local) + question->count > LOCAL_MAX)
        forget_local(limiter); /* every bucket full again: lenient, and bounded */
    for (size_t i = 0; i < question->count; i++) {
        const struct gateway_rate *rate = &limiter->rates[question->buckets[i].which];
        struct local_bucket *bucket = local_bucket(limiter, &question->buckets[i], now_ms);

        refill(rate, bucket, now_ms);
        if (bucket->tokens < 1 && until_next_ms(rate, bucket->tokens) > longest_ms) {
            longest_ms = until_next_ms(rate, bucket->tokens);
            shown = rate;
        }
    }
    return shown != NULL ? verdict_for(shown, false, 0, longest_ms)
                         : take_locally(limiter, question, now_ms);
}

/* ---- Redis ---- */

static bool load_script(struct gateway_rate_limiter *limiter, struct cc_error *err)
{
    CC_AUTO(redis_reply) redisReply *reply = NULL;

    if (cc_redis_do(limiter->redis, &reply, err, "SCRIPT", "LOAD", cc_rate_take_script, NULL) !=
            CC_OK ||
        reply->type != REDIS_REPLY_STRING || reply->len != 40)
        return false;
    memcpy(limiter->sha1, reply->str, 41);
    return true;
}

struct words {
    char numbers[BUCKETS_MAX * BUCKET_ARGUMENTS][24], count[4];
    const char *argv[3 + BUCKETS_MAX + BUCKETS_MAX * BUCKET_ARGUMENTS];
    size_t argc;
};

static void write_words(const struct gateway_rate_limiter *limiter, const struct question *question,
                        struct words *out)
{
    size_t used = 0;

    snprintf(out->count, sizeof(out->count), "%zu", question->count);
    out->argc = 0;
    out->argv[out->argc++] = "EVALSHA";
    out->argv[out->argc++] = limiter->sha1;
    out->argv[out->argc++] = out->count;
    for (size_t i = 0; i < question->count; i++)
        out->argv[out->argc++] = question->buckets[i].key;
    for (size_t i = 0; i < question->count; i++) {
        const struct gateway_rate *rate = &limiter->rates[question->buckets[i].which];
        const int64_t values[] = {rate->burst, rate->amount, rate->period_s * 1000};

        for (size_t k = 0; k < BUCKET_ARGUMENTS; k++, used++) {
            snprintf(out->numbers[used], sizeof(out->numbers[used]), "%lld", (long long)values[k]);
            out->argv[out->argc++] = out->numbers[used];
        }
    }
}

static enum cc_code ask_redis(struct gateway_rate_limiter *limiter, const struct question *batch,
                              size_t count, redisReply **replies, struct cc_error *err)
{
    struct words words[BATCH_MAX];
    struct cc_redis_args commands[BATCH_MAX];

    for (size_t i = 0; i < count; i++) {
        write_words(limiter, &batch[i], &words[i]);
        commands[i] = (struct cc_redis_args){.argc = words[i].argc, .argv = words[i].argv};
    }
    return cc_redis_pipeline(limiter->redis, commands, count, replies, err);
}

static bool ask_redis_with_script(struct gateway_rate_limiter *limiter,
                                  const struct question *batch, size_t count, redisReply **replies)
{
    struct cc_error err = {0};
    enum cc_code code = CC_INTERNAL;

    if (cc_mono_ms(limiter->clock) < limiter->redis_rests_until_ms)
        return false;
    if (limiter->sha1[0] != '\0' || load_script(limiter, &err))
        code = ask_redis(limiter, batch, count, replies, &err);
    if (code == CC_INTERNAL && strstr(err.detail, "NOSCRIPT") != NULL && load_script(limiter, &err))
        code = ask_redis(limiter, batch, count, replies, &err);
    if (code == CC_OK)
        return true;
    cc_log_error(CC_LOG_WARN, "rate limits are kept per process", &err, NULL);
    limiter->redis_rests_until_ms = cc_mono_ms(limiter->clock) + REDIS_REST_MS;
    return false;
}

static struct gateway_rate_verdict read_reply(const struct gateway_rate_limiter *limiter,
                                              const struct question *question,
                                              const redisReply *reply)
{
    const struct gateway_rate *first = &limiter->rates[question->buckets[0].which];
    int64_t refusing;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3)
        return unlimited(first);
    refusing = reply->element[0]->integer;
    if (refusing < 1 || refusing > (int64_t)question->count)
        return verdict_for(first, true, reply->element[1]->integer, reply->element[2]->integer);
    return verdict_for(&limiter->rates[question->buckets[refusing - 1].which], false, 0,
                       reply->element[2]->integer);
}

/* ---- the thread ---- */

static void judge(struct gateway_rate_limiter *limiter, const struct question *batch, size_t count)
{
    redisReply *replies[BATCH_MAX] = {NULL};
    bool from_redis = ask_redis_with_script(limiter, batch, count, replies);

    for (size_t i = 0; i < count; i++) {
        struct gateway_rate_verdict verdict = from_redis
                                                  ? read_reply(limiter, &batch[i], replies[i])
                                                  : judge_locally(limiter, &batch[i]);

        batch[i].done(batch[i].arg, &verdict);
        if (from_redis)
            freeReplyObject(replies[i]);
    }
}

/* 0 when the limiter stops and nothing is left. */
static size_t take_batch(struct gateway_rate_limiter *limiter, struct question *batch)
{
    size_t count = 0;

    pthread_mutex_lock(&limiter->lock);
    while (limiter->count == 0 && !limiter->stopping)
        pthread_cond_wait(&limiter->wake, &limiter->lock);
    while (count < BATCH_MAX && limiter->count > 0) {
        batch[count++] = limiter->queue[limiter->first];
        limiter->first = (limiter->first + 1) % QUEUE_MAX;
        limiter->count--;
    }
    pthread_mutex_unlock(&limiter->lock);
    return count;
}

static void *run(void *arg)
{
    struct question batch[BATCH_MAX];
    size_t count;

    pthread_setname_np(pthread_self(), "rate-limit");
    while ((count = take_batch(arg, batch)) > 0)
        judge(arg, batch, count);
    return NULL;
}

/* ---- public ---- */

struct gateway_rate_limiter *gateway_rate_limiter_create(struct cc_redis *redis,
                                                         const struct gateway_rate *rates,
                                                         const struct cc_clock *clock)
{
    struct gateway_rate_limiter *limiter = cc_calloc(1, sizeof(*limiter));

    limiter->redis = redis;
    limiter->clock = clock;
    memcpy(limiter->rates, rates, sizeof(limiter->rates));
    limiter->queue = cc_calloc(QUEUE_MAX, sizeof(*limiter->queue));
    limiter->local = cc_hash_map_create();
    pthread_mutex_init(&limiter->lock, NULL);
    pthread_cond_init(&limiter->wake, NULL);
    /* Without a thread nothing would be answered: then the queue counts as full, which admits. */
    if (pthread_create(&limiter->thread, NULL, run, limiter) != 0)
        limiter->stopping = true;
    return limiter;
}

void gateway_rate_limiter_destroy(struct gateway_rate_limiter *limiter)
{
    bool has_thread;

    if (limiter == NULL)
        return;
    pthread_mutex_lock(&limiter->lock);
    has_thread = !limiter->stopping;
    limiter->stopping = true;
    pthread_cond_signal(&limiter->wake);
    pthread_mutex_unlock(&limiter->lock);
    if (has_thread)
        pthread_join(limiter->thread, NULL);
    forget_local(limiter);
    cc_hash_map_destroy(limiter->local);
    pthread_cond_destroy(&limiter->wake);
    pthread_mutex_destroy(&limiter->lock);
    cc_free(limiter->queue);
    cc_free(limiter);
}

static bool enqueue(struct gateway_rate_limiter *limiter, const struct question *question)
{
    bool queued;

    pthread_mutex_lock(&limiter->lock);
    queued = limiter->count < QUEUE_MAX && !limiter->stopping;
    if (queued) {
        limiter->queue[(limiter->first + limiter->count++) % QUEUE_MAX] = *question;
        pthread_cond_signal(&limiter->wake);
    }
    pthread_mutex_unlock(&limiter->lock);
    return queued;
}

static void add_bucket(const struct gateway_rate_limiter *limiter, struct question *question,
                       enum gateway_rate_class which, const char *key)
{
    const struct gateway_rate *rate = &limiter->rates[which];
    struct bucket *bucket = &question->buckets[question->count];

    if (rate->amount <= 0 || rate->burst <= 0)
        return;
    bucket->which = which;
    cc_rate_name(rate->name, key, bucket->key);
    question->count++;
}

void gateway_rate_limiter_take(struct gateway_rate_limiter *limiter, enum gateway_rate_class which,
                               const char *key, const char *address,
                               void (*done)(void *arg, const struct gateway_rate_verdict *verdict),
                               void *arg)
{
    struct gateway_rate_verdict verdict = unlimited(&limiter->rates[which]);
    struct question question;

    question.count = 0;
    question.done = done;
    question.arg = arg;
    if (which != GATEWAY_RATE_ADDRESS)
        add_bucket(limiter, &question, which, key);
    add_bucket(limiter, &question, GATEWAY_RATE_ADDRESS, address);
    add_bucket(limiter, &question, GATEWAY_RATE_GLOBAL, "all");
    if (question.count > 0 && enqueue(limiter, &question))
        return;
    done(arg, &verdict);
}
