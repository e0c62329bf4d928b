/*
 * Pool of blocking Redis connections; see common/redis_pool.h. Runs on the callers' threads; a
 * command blocks up to 0.2 s. Pub/sub is not here but in redis_subscriber.c.
 */

#include "common/redis_pool.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/sha.h>

#include "client_metrics.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "lender.h"
#include "redis_connection.h"

#define WORDS_MAX    64  /* of cc_redis_do */
#define PIPELINE_MAX 512 /* commands in one round trip */

struct cc_redis {
    struct cc_lender lender;
    struct cc_redis_address address;
    struct cc_histogram *durations;
};

static void *open_connection(void *pool, struct cc_error *err)
{
    return cc_redis_connect(&((struct cc_redis *)pool)->address, err);
}

static bool connection_alive(void *connection)
{
    redisContext *context = connection;
    struct pollfd readable = {.fd = context->fd, .events = POLLIN};
    return poll(&readable, 1, 0) == 0; /* an idle server that says anything is closing */
}

static void close_connection(void *connection)
{
    redisFree(connection);
}

static const struct cc_lender_ops lender_ops = {open_connection, connection_alive,
                                                close_connection};

enum cc_code cc_redis_create(const char *url, int size, struct cc_redis **out, struct cc_error *err)
{
    struct cc_redis_address address;
    CC_TRY(cc_redis_address_parse(url, &address, err));
    struct cc_redis *redis = cc_calloc(1, sizeof *redis);
    redis->address = address;
    redis->durations = cc_client_durations("redis");
    cc_lender_init(&redis->lender, "redis", size, &lender_ops, redis);
    *out = redis;
    return CC_OK;
}

void cc_redis_destroy(struct cc_redis *redis)
{
    if (redis == NULL)
        return;
    cc_lender_finish(&redis->lender);
    cc_redis_address_finish(&redis->address);
    cc_free(redis);
}

enum cc_code cc_redis_probe(void *redis, struct cc_error *err)
{
    return cc_redis_do(redis, NULL, err, "PING", NULL);
}

static bool only_reads(const struct cc_redis_args *command)
{
    static const char *const those[] = {"GET",    "MGET",  "HMGET", "HGETALL", "EXISTS",
                                        "ZCOUNT", "ZCARD", "PTTL",  "PING"};
    for (size_t i = 0; i < sizeof those / sizeof those[0]; i++) {
        if (strcmp(command->argv[0], those[i]) == 0)
            return true;
    }
    return false;
}

static enum cc_code code_when_lost(const struct cc_redis_args *commands, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!only_reads(&commands[i]))
            return CC_OUTCOME_UNKNOWN;
    }
    return CC_UNAVAILABLE;
}

/* One command whose answer is lost may have been done, unless it did not leave this machine as a
 * whole, or only reads. Of a pipeline the first ones may have been done in any case. */
static enum cc_code exchange(redisContext *context, const struct cc_redis_args *commands,
                             size_t count, redisReply **replies, struct cc_error *err)
{
    enum cc_code when_lost = code_when_lost(commands, count);
    for (size_t i = 0; i < count; i++) {
        /* hiredis takes argv as not const, and leaves it alone. */
        if (redisAppendCommandArgv(context, (int)commands[i].argc, (const char **)commands[i].argv,
                                   commands[i].lengths) != REDIS_OK)
            return cc_fail_detail(err, CC_UNAVAILABLE, "redis: %s", context->errstr);
    }
    for (int written = 0; written == 0;) {
        if (redisBufferWrite(context, &written) != REDIS_OK)
            return cc_fail_detail(err, count == 1 ? CC_UNAVAILABLE : when_lost, "redis: %s",
                                  context->errstr);
    }
    for (size_t i = 0; i < count; i++) {
        void *reply = NULL;
        if (redisGetReply(context, &reply) != REDIS_OK)
            return cc_fail_detail(err, when_lost, "redis: %s", context->errstr);
        replies[i] = reply;
    }
    return CC_OK;
}

static void free_replies(redisReply **replies, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (replies[i] != NULL)
            freeReplyObject(replies[i]);
        replies[i] = NULL;
    }
}

static enum cc_code check_replies(redisReply *const *replies, size_t count, bool *out_reconnect,
                                  struct cc_error *err)
{
    for (size_t i = 0; i < count; i++) {
        /* NOLINTNEXTLINE(clang-analyzer-core.*): redisGetReply gave one each time */
        if (replies[i]->type != REDIS_REPLY_ERROR)
            continue;
        *out_reconnect = cc_redis_reply_is_transient(replies[i]);
        return cc_fail_detail(err, *out_reconnect ? CC_UNAVAILABLE : CC_INTERNAL, "redis: %s",
                              replies[i]->str);
    }
    return CC_OK;
}

/* All commands in one round trip; `replies` is filled only on success. */
static enum cc_code round_trip(struct cc_redis *redis, const struct cc_redis_args *commands,
                               size_t count, redisReply **replies, struct cc_error *err)
{
    void *connection;
    bool reconnect = false;
    CC_TRY(cc_lender_take(&redis->lender, &connection, err));
    redisContext *context = connection;
    memset(replies, 0, count * sizeof *replies);
    int64_t began_us = cc_mono_us(cc_clock_system());
    enum cc_code code = exchange(context, commands, count, replies, err);
    cc_histogram_observe_us(redis->durations, cc_mono_us(cc_clock_system()) - began_us);
    if (code != CC_OK)
        reconnect = true;
    else
        code = check_replies(replies, count, &reconnect, err);
    if (code != CC_OK)
        free_replies(replies, count);
    cc_lender_give(&redis->lender, connection, !reconnect);
    return code;
}

enum cc_code cc_redis_command(struct cc_redis *redis, size_t argc, const char *const *argv,
                              const size_t *lengths, redisReply **out, struct cc_error *err)
{
    redisReply *reply;
    struct cc_redis_args command = {argc, argv, lengths};
    CC_TRY(round_trip(redis, &command, 1, &reply, err));
    if (out != NULL)
        *out = reply;
    else
        freeReplyObject(reply);
    return CC_OK;
}

enum cc_code cc_redis_do(struct cc_redis *redis, redisReply **out, struct cc_error *err, ...)
{
    const char *words[WORDS_MAX];
    size_t count = 0;
    va_list arguments;
    va_start(arguments, err);
    const char *word = va_arg(arguments, const char *);
    for (; word != NULL && count < WORDS_MAX; word = va_arg(arguments, const char *))
        words[count++] = word;
    va_end(arguments);
    if (word != NULL)
        return cc_fail_detail(err, CC_INTERNAL, "redis: more than %d words", WORDS_MAX);
    return cc_redis_command(redis, count, words, NULL, out, err);
}

enum cc_code cc_redis_pipeline(struct cc_redis *redis, const struct cc_redis_args *commands,
                               size_t count, redisReply **out_replies, struct cc_error *err)
{
    if (count == 0)
        return CC_OK;
    if (count > PIPELINE_MAX)
        return cc_fail_detail(err, CC_INTERNAL, "redis: a pipeline of %zu, at most %d", count,
                              PIPELINE_MAX);
    redisReply *replies[PIPELINE_MAX];
    CC_TRY(round_trip(redis, commands, count, replies, err));
    if (out_replies != NULL)
        memcpy(out_replies, replies, count * sizeof *replies);
    else
        free_replies(replies, count);
    return CC_OK;
}

/* Scripts are shared by all threads and pools of the process, hence a lock of the process. */
static const char *script_sha1(struct cc_redis_script *script)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    if (script->sha1[0] == '\0') {
        unsigned char digest[SHA_DIGEST_LENGTH];
        SHA1((const unsigned char *)script->source, strlen(script->source), digest);
        for (size_t i = 0; i < sizeof digest; i++)
            snprintf(script->sha1 + i * 2, 3, "%02x", digest[i]);
    }
    pthread_mutex_unlock(&lock);
    return script->sha1;
}

enum cc_code cc_redis_eval(struct cc_redis *redis, struct cc_redis_script *script, size_t keys,
                           size_t argc, const char *const *argv, const size_t *lengths,
                           redisReply **out, struct cc_error *err)
{
    if (argc + 3 > WORDS_MAX)
        return cc_fail_detail(err, CC_INTERNAL, "redis: more than %d words", WORDS_MAX);
    char key_count[24];
    snprintf(key_count, sizeof key_count, "%zu", keys);
    const char *words[WORDS_MAX] = {"EVALSHA", script_sha1(script), key_count};
    size_t word_lengths[WORDS_MAX] = {strlen("EVALSHA"), 40, strlen(key_count)};
    for (size_t i = 0; i < argc; i++) {
        words[i + 3] = argv[i];
        word_lengths[i + 3] = lengths != NULL ? lengths[i] : strlen(argv[i]);
    }
    struct cc_error first = {0};
    enum cc_code code = cc_redis_command(redis, argc + 3, words, word_lengths, out, &first);
    if (code == CC_INTERNAL && strstr(first.detail, "NOSCRIPT") != NULL) {
        words[0] = "EVAL";
        words[1] = script->source;
        word_lengths[0] = strlen("EVAL");
        word_lengths[1] = strlen(script->source);
        return cc_redis_command(redis, argc + 3, words, word_lengths, out, err);
    }
    if (code != CC_OK && err != NULL)
        *err = first;
    return code;
}
