/* Token buckets in Redis. A request is asked about on the thread that brings it; the answer comes
 * on the HTTP client's thread, which can start what was admitted without waking another one. */

#include "proxy/rate_limit.h"

#include <stdio.h>
#include <string.h>

#include <openssl/sha.h>

#include "common/alloc.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/redis_pipe.h"

#include "proxy/rate_known.h"
#include "proxy/rate_local.h"

#define SHA1_TEXT_BYTES  41
#define BUCKET_ARGUMENTS 3
#define REPLY_NUMBERS    3 /* of the verdict; then what is left in each bucket */

struct gateway_rate_limiter {
    struct cc_redis_pipe *pipe;
    struct gateway_rate rates[GATEWAY_RATE_COUNT];
    struct gateway_known_rates *known;
    struct gateway_local_rates *local; /* for as long as Redis does not answer */
    char sha1[SHA1_TEXT_BYTES];
    struct cc_counter *waited, *went_ahead;
};
struct question {
    struct gateway_rate_limiter *limiter;
    struct gateway_rate_bucket buckets[GATEWAY_RATE_BUCKETS_MAX]; /* those that have a limit */
    size_t count;
    bool has_script; /* sent with the question: Redis did not know it */
    bool ahead;      /* it was let through already, and Redis is told */
    void (*done)(void *arg, const struct gateway_rate_verdict *verdict);
    void *arg;
};

/* ---- verdicts ---- */

static struct gateway_rate_verdict unlimited(const struct gateway_rate *rate)
{
    return (struct gateway_rate_verdict){.admitted = true, .name = rate->name};
}

static bool is_verdict(const redisReply *reply)
{
    return reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements >= REPLY_NUMBERS;
}

static struct gateway_rate_verdict read_reply(const struct question *question,
                                              const redisReply *reply)
{
    const struct gateway_rate *rates = question->limiter->rates;
    const struct gateway_rate *first = &rates[question->buckets[0].which];
    int64_t refusing;

    if (!is_verdict(reply))
        return unlimited(first);
    refusing = reply->element[0]->integer;
    if (refusing < 1 || refusing > (int64_t)question->count)
        return gateway_rate_verdict_for(first, true, reply->element[1]->integer,
                                        reply->element[2]->integer);
    return gateway_rate_verdict_for(&rates[question->buckets[refusing - 1].which], false, 0,
                                    reply->element[2]->integer);
}

static void tell(struct question *question, struct gateway_rate_verdict verdict)
{
    if (!question->ahead)
        question->done(question->arg, &verdict);
    cc_free(question);
}

/* What an answer says of each bucket; NULL: none came. A refusal speaks of one alone. */
static void learn(const struct question *question, const redisReply *reply)
{
    int64_t left[GATEWAY_RATE_BUCKETS_MAX] = {0};

    if (is_verdict(reply)) {
        int64_t refusing = reply->element[0]->integer;

        for (size_t i = 0; i < question->count; i++) {
            left[i] = (int64_t)i + 1 == refusing ? 0 : GATEWAY_RATE_UNTOLD;
            if (refusing == 0 && i + REPLY_NUMBERS < reply->elements)
                left[i] = reply->element[i + REPLY_NUMBERS]->integer;
        }
    }
    gateway_known_rates_heard(question->limiter->known, question->buckets, question->count, left);
}

/* Redis has not counted it: what was known of its buckets ends here. */
static void judge_locally(struct question *question)
{
    learn(question, NULL);
    tell(question,
         gateway_local_rates_take(question->limiter->local, question->buckets, question->count));
}

/* ---- questions ---- */

struct words {
    char numbers[GATEWAY_RATE_BUCKETS_MAX * BUCKET_ARGUMENTS][24], count[4];
    const char *argv[3 + GATEWAY_RATE_BUCKETS_MAX * (1 + BUCKET_ARGUMENTS) + 1];
    size_t argc;
};

static void write_words(const struct question *question, struct words *out)
{
    size_t used = 0;

    snprintf(out->count, sizeof(out->count), "%zu", question->count);
    out->argv[out->argc++] = question->has_script ? "EVAL" : "EVALSHA";
    out->argv[out->argc++] = question->has_script ? cc_rate_take_script : question->limiter->sha1;
    out->argv[out->argc++] = out->count;
    for (size_t i = 0; i < question->count; i++)
        out->argv[out->argc++] = question->buckets[i].key;
    for (size_t i = 0; i < question->count; i++) {
        const struct gateway_rate *rate = &question->limiter->rates[question->buckets[i].which];
        const int64_t values[] = {rate->burst, rate->amount, rate->period_s * 1000};

        for (size_t k = 0; k < BUCKET_ARGUMENTS; k++, used++) {
            snprintf(out->numbers[used], sizeof(out->numbers[used]), "%lld", (long long)values[k]);
            out->argv[out->argc++] = out->numbers[used];
        }
    }
    if (question->ahead)
        out->argv[out->argc++] = "1";
}

static void on_reply(void *arg, const redisReply *reply);
static void ask(struct question *question)
{
    struct words words = {.argc = 0};

    write_words(question, &words);
    if (cc_redis_pipe_ask(question->limiter->pipe, words.argc, words.argv, on_reply, question))
        return;
    judge_locally(question);
}

static void on_reply(void *arg, const redisReply *reply)
{
    struct question *question = arg;

    if (reply == NULL) {
        judge_locally(question);
    } else if (reply->type == REDIS_REPLY_ERROR && !question->has_script &&
               strncmp(reply->str, "NOSCRIPT", 8) == 0) {
        question->has_script = true;
        ask(question);
    } else if (reply->type == REDIS_REPLY_ERROR) {
        cc_log(CC_LOG_WARN, "redis refuses to count", "reason", reply->str, NULL);
        judge_locally(question);
    } else {
        learn(question, reply);
        tell(question, read_reply(question, reply));
    }
}

static void add_bucket(struct question *question, enum gateway_rate_class which, const char *key)
{
    const struct gateway_rate *rate = &question->limiter->rates[which];
    struct gateway_rate_bucket *bucket = &question->buckets[question->count];

    if (rate->amount <= 0 || rate->burst <= 0)
        return;
    bucket->which = which;
    cc_rate_name(rate->name, key, bucket->key);
    question->count++;
}

/* Where much is left nobody waits for Redis, which is told all the same. */
static void go_ahead(struct question *question)
{
    struct gateway_rate_verdict verdict;

    question->ahead = gateway_known_rates_ask(question->limiter->known, question->buckets,
                                              question->count, &verdict);
    cc_counter_add(question->ahead ? question->limiter->went_ahead : question->limiter->waited, 1);
    if (question->ahead)
        question->done(question->arg, &verdict);
}

void gateway_rate_limiter_take(struct gateway_rate_limiter *limiter, enum gateway_rate_class which,
                               const char *key, const char *address,
                               void (*done)(void *arg, const struct gateway_rate_verdict *verdict),
                               void *arg)
{
    struct question *question = cc_alloc(sizeof(*question));

    question->limiter = limiter;
    question->count = 0;
    question->has_script = question->ahead = false;
    question->done = done;
    question->arg = arg;
    if (which != GATEWAY_RATE_ADDRESS)
        add_bucket(question, which, key);
    add_bucket(question, GATEWAY_RATE_ADDRESS, address);
    add_bucket(question, GATEWAY_RATE_GLOBAL, "all");
    if (question->count == 0) {
        tell(question, unlimited(&limiter->rates[which]));
        return;
    }
    go_ahead(question);
    ask(question);
}

/* ---- making and ending ---- */

static void name_script(char out[SHA1_TEXT_BYTES])
{
    unsigned char digest[SHA_DIGEST_LENGTH];

    SHA1((const unsigned char *)cc_rate_take_script, strlen(cc_rate_take_script), digest);
    for (size_t i = 0; i < sizeof(digest); i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static struct cc_counter *asked_counter(const char *waited)
{
    return cc_counter_get("gateway_rate_questions_total", "Requests of which Redis was told",
                          "waited", waited, NULL);
}

static void on_connected(void *client)
{
    cc_http_client_wake(client);
}

static int watched_fd(void *limiter)
{
    return cc_redis_pipe_fd(((struct gateway_rate_limiter *)limiter)->pipe);
}

static void turn(void *limiter)
{
    cc_redis_pipe_turn(((struct gateway_rate_limiter *)limiter)->pipe);
}

enum cc_code gateway_rate_limiter_create(const char *redis_url, struct cc_http_client *client,
                                         const struct gateway_rate *rates,
                                         const struct cc_clock *clock,
                                         struct gateway_rate_limiter **out, struct cc_error *err)
{
    struct cc_redis_pipe *pipe;
    CC_TRY(cc_redis_pipe_create(redis_url, on_connected, client, &pipe, err));
    struct gateway_rate_limiter *limiter = cc_calloc(1, sizeof(*limiter));

    limiter->pipe = pipe;
    memcpy(limiter->rates, rates, sizeof(limiter->rates));
    limiter->known = gateway_known_rates_create(limiter->rates, clock);
    limiter->local = gateway_local_rates_create(limiter->rates, clock);
    limiter->waited = asked_counter("yes");
    limiter->went_ahead = asked_counter("no");
    name_script(limiter->sha1);
    cc_http_client_accompany(
        client,
        &(struct cc_http_companion){
            .fd = watched_fd, .turn = turn, .period_ms = CC_REDIS_PIPE_PERIOD_MS, .arg = limiter});
    *out = limiter;
    return CC_OK;
}

void gateway_rate_limiter_destroy(struct gateway_rate_limiter *limiter)
{
    if (limiter == NULL)
        return;
    cc_redis_pipe_destroy(limiter->pipe);
    gateway_known_rates_destroy(limiter->known);
    gateway_local_rates_destroy(limiter->local);
    cc_free(limiter);
}
