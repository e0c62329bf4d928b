#ifndef COMMON_REDIS_POOL_H
#define COMMON_REDIS_POOL_H

/*
 * Pool of blocking hiredis connections (connect 0.5 s, command 0.2 s), made on demand and dropped
 * on any error; plus one subscriber thread for pub/sub. Redis holds hints, never the only copy.
 */

#include <hiredis/hiredis.h>

#include "common/cleanup.h"
#include "common/error.h"

struct cc_redis;
static inline void cc_redis_free_reply(redisReply *reply)
{
    freeReplyObject(reply);
}
CC_DEFINE_AUTO(redis_reply, redisReply, cc_redis_free_reply);

/* url: redis://[:password@]host:port/db. size 1..32. Never fails because the server is away; NULL
 * only for a bad url. */
CC_MUST_CHECK enum cc_code cc_redis_create(const char *url, int size, struct cc_redis **out,
                                           struct cc_error *err);
void cc_redis_destroy(struct cc_redis *redis);
enum cc_code cc_redis_probe(void *redis, struct cc_error *err);

/* argv form only, binary safe (lengths NULL = NUL-terminated). out NULL = reply dropped. Errors:
 * CC_UNAVAILABLE (no connection, nothing sent, or no answer to what only reads), CC_OUTCOME_UNKNOWN
 * (no answer to anything else), CC_INTERNAL (error reply, text in detail). Thread-safe. */
CC_MUST_CHECK enum cc_code cc_redis_command(struct cc_redis *redis, size_t argc,
                                            const char *const *argv, const size_t *lengths,
                                            redisReply **out, struct cc_error *err);
/* The same for texts: cc_redis_do(redis, &reply, err, "HGET", key, field, NULL). */
CC_MUST_CHECK enum cc_code cc_redis_do(struct cc_redis *redis, redisReply **out,
                                       struct cc_error *err, ...) __attribute__((sentinel));
/* Several commands in one round trip; stops at the first failure. */
struct cc_redis_args {
    size_t argc;
    const char *const *argv;
    const size_t *lengths;
};
CC_MUST_CHECK enum cc_code cc_redis_pipeline(struct cc_redis *redis,
                                             const struct cc_redis_args *commands, size_t count,
                                             redisReply **out_replies, struct cc_error *err);
/* EVALSHA with fall-back to EVAL. script lives for ever. */
struct cc_redis_script {
    const char *source;
    char sha1[41]; /* filled on first use */
};
CC_MUST_CHECK enum cc_code cc_redis_eval(struct cc_redis *redis, struct cc_redis_script *script,
                                         size_t keys, size_t argc, const char *const *argv,
                                         const size_t *lengths, redisReply **out,
                                         struct cc_error *err);

/* One connection and thread. Channels are reference-counted here; after a reconnect everything is
 * subscribed again, then on_reconnect runs. All callbacks run on the subscriber's thread and must
 * not block. */
struct cc_redis_subscriber;
struct cc_redis_subscriber_events {
    void (*on_message)(void *arg, const char *channel, const char *payload, size_t length);
    void (*on_subscribed)(
        void *arg, const char *channel); /* confirmed by the server (again after each reconnect) */
    void (*on_reconnect)(void *arg);
    void (*on_lost)(void *arg); /* may be NULL; from now on messages are missed. A server that fell
                                   silent is found out after 6 s */
};
CC_MUST_CHECK enum cc_code
cc_redis_subscriber_create(const char *url, const struct cc_redis_subscriber_events *events,
                           void *arg, struct cc_redis_subscriber **out, struct cc_error *err);
void cc_redis_subscriber_destroy(struct cc_redis_subscriber *subscriber);
void cc_redis_subscribe(struct cc_redis_subscriber *subscriber,
                        const char *channel); /* thread-safe, returns at once */
void cc_redis_unsubscribe(struct cc_redis_subscriber *subscriber,
                          const char *channel); /* thread-safe, returns at once */

#endif
