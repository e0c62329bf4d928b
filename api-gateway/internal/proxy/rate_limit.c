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

#define QUEUE_MAX        8192
#define BATCH_MAX        64
#define KEY_BYTES        96
#define LOCAL_MAX        50000
#define REDIS_REST_MS    1000 /* how long Redis is left alone after a failure */
#define SCRIPT_ARGUMENTS 4

/* KEYS[1] bucket; ARGV burst, amount, period in ms. Answers {admitted, tokens left, ms until the
 * next token}. The bucket keeps thousandths of a token, so that slow rates lose nothing. */
static const char bucket_script[] =
    "local t = redis.call('TIME')\n"
    "local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
    "local burst, amount, period = ARGV[1] * 1000, tonumber(ARGV[2]), tonumber(ARGV[3])\n"
    "local b = redis.call('HMGET', KEYS[1], 'v', 't')\n"
    "local v, at = tonumber(b[1]) or burst, tonumber(b[2]) or now\n"
    "v = math.min(burst, v + math.max(0, now - at) * amount * 1000 / period)\n"
    "local admitted = 0\n"
    "if v >= 1000 then v = v - 1000; admitted = 1 end\n"
    "redis.call('HSET', KEYS[1], 'v', math.floor(v), 't', now)\n"
    "redis.call('PEXPIRE', KEYS[1], math.ceil(burst * period / amount / 1000) + 1000)\n"
    "local wait = 0\n"
    "if v < 1000 then wait = math.ceil((1000 - v) * period / amount / 1000) end\n"
    "return {admitted, math.floor(v / 1000), wait}\n";

struct question {
    enum gateway_rate_class which;
    char key[KEY_BYTES];
    void (*done)(void *arg, const struct gateway_rate_verdict *verdict);
    void *arg;
};

struct local_bucket {
    char key[KEY_BYTES];
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
                                         const struct question *question, int64_t now_ms)
{
    struct local_bucket *bucket = cc_hash_map_get(limiter->local, question->key);

    if (bucket != NULL)
        return bucket;
    if (cc_hash_map_count(limiter->local) >= LOCAL_MAX)
        forget_local(limiter); /* every bucket full again: lenient, and bounded */
    bucket = cc_calloc(1, sizeof(*bucket));
    memcpy(bucket->key, question->key, sizeof(bucket->key));
    bucket->tokens = (double)limiter->rates[question->which].burst;
    bucket->at_ms = now_ms;
    cc_hash_map_put(limiter->local, bucket->key, bucket);
    return bucket;
}

static struct gateway_rate_verdict judge_locally(struct gateway_rate_limiter *limiter,
                                                 const struct question *question)
{
    const struct gateway_rate *rate = &limiter->rates[question->which];
    int64_t now_ms = cc_mono_ms(limiter->clock);
    struct local_bucket *bucket = local_bucket(limiter, question, now_ms);
    double per_ms = (double)rate->amount / (double)(rate->period_s * 1000);
    bool admitted;

    bucket->tokens += (double)(now_ms - bucket->at_ms) * per_ms;
    if (bucket->tokens > (double)rate->burst)
        bucket->tokens = (double)rate->burst;
    bucket->at_ms = now_ms;
    admitted = bucket->tokens >= 1;
    if (admitted)
        bucket->tokens -= 1;
    return verdict_for(rate, admitted, (int64_t)bucket->tokens,
                       bucket->tokens < 1 ? (int64_t)((1 - bucket->tokens) / per_ms) + 1 : 0);
}

/* ---- Redis ---- */

static bool load_script(struct gateway_rate_limiter *limiter, struct cc_error *err)
{
    CC_AUTO(redis_reply) redisReply *reply = NULL;

    if (cc_redis_do(limiter->redis, &reply, err, "SCRIPT", "LOAD", bucket_script, NULL) != CC_OK ||
        reply->type != REDIS_REPLY_STRING || reply->len != 40)
        return false;
    memcpy(limiter->sha1, reply->str, 41);
    return true;
}

struct words {
    char burst[24], amount[24], period[24];
    const char *argv[3 + SCRIPT_ARGUMENTS];
};

static void write_words(const struct gateway_rate_limiter *limiter, const struct question *question,
                        struct words *out)
{
    const struct gateway_rate *rate = &limiter->rates[question->which];

    snprintf(out->burst, sizeof(out->burst), "%lld", (long long)rate->burst);
    snprintf(out->amount, sizeof(out->amount), "%lld", (long long)rate->amount);
    snprintf(out->period, sizeof(out->period), "%lld", (long long)rate->period_s * 1000);
    out->argv[0] = "EVALSHA";
    out->argv[1] = limiter->sha1;
    out->argv[2] = "1";
    out->argv[3] = question->key;
    out->argv[4] = out->burst;
    out->argv[5] = out->amount;
    out->argv[6] = out->period;
}

static enum cc_code ask_redis(struct gateway_rate_limiter *limiter, const struct question *batch,
                              size_t count, redisReply **replies, struct cc_error *err)
{
    struct words words[BATCH_MAX];
    struct cc_redis_args commands[BATCH_MAX];

    for (size_t i = 0; i < count; i++) {
        write_words(limiter, &batch[i], &words[i]);
        commands[i] = (struct cc_redis_args){.argc = 3 + SCRIPT_ARGUMENTS, .argv = words[i].argv};
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

static struct gateway_rate_verdict read_reply(const struct gateway_rate *rate,
                                              const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3)
        return unlimited(rate);
    return verdict_for(rate, reply->element[0]->integer == 1, reply->element[1]->integer,
                       reply->element[2]->integer);
}

/* ---- the thread ---- */

static void judge(struct gateway_rate_limiter *limiter, const struct question *batch, size_t count)
{
    redisReply *replies[BATCH_MAX] = {NULL};
    bool from_redis = ask_redis_with_script(limiter, batch, count, replies);

    for (size_t i = 0; i < count; i++) {
        struct gateway_rate_verdict verdict =
            from_redis ? read_reply(&limiter->rates[batch[i].which], replies[i])
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

void gateway_rate_limiter_take(struct gateway_rate_limiter *limiter, enum gateway_rate_class which,
                               const char *key,
                               void (*done)(void *arg, const struct gateway_rate_verdict *verdict),
                               void *arg)
{
    const struct gateway_rate *rate = &limiter->rates[which];
    struct question question = {.which = which, .done = done, .arg = arg};
    struct gateway_rate_verdict verdict = unlimited(rate);

    snprintf(question.key, sizeof(question.key), "rate:%s:%s", rate->name, key);
    if (rate->amount > 0 && rate->burst > 0 && enqueue(limiter, &question))
        return;
    done(arg, &verdict);
}
