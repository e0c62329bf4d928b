#ifndef COMMON_SRC_REDIS_CONNECTION_H
#define COMMON_SRC_REDIS_CONNECTION_H

/* A Redis URL and a connection made from it: what the pool and the subscriber share. Stateless;
 * thread-safe. */

#include "common/redis_pool.h"

#define CC_REDIS_COMMAND_TIMEOUT_MS 200

struct cc_redis_address {
    char *host;
    int port;
    char *user;     /* "" = the default user */
    char *password; /* "" = none */
    int database;
};

/* Reads redis://[[user]:password@]host[:port][/db]; user and password percent-decoded. Errors:
 * CC_INVALID, which never quotes the URL: it may hold a password. */
CC_MUST_CHECK enum cc_code cc_redis_address_parse(const char *url, struct cc_redis_address *out,
                                                  struct cc_error *err);
void cc_redis_address_finish(struct cc_redis_address *address);

/* Connected, authenticated and in its database, or NULL with *err CC_UNAVAILABLE. Blocks up to
 * 0.5 s and two commands. */
redisContext *cc_redis_connect(const struct cc_redis_address *address, struct cc_error *err);

/* From now on reads and writes return what there is. False: the socket can't. */
CC_MUST_CHECK bool cc_redis_unblock(redisContext *context);

/* True for error replies that say "not now": the server is loading, failing over or full. */
bool cc_redis_reply_is_transient(const redisReply *reply);

#endif
