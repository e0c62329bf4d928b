#ifndef COMMON_REDIS_PIPE_H
#define COMMON_REDIS_PIPE_H

/*
 * One connection for questions whose askers must not wait. Any thread asks: a question is written
 * at once when none is under way, else together with all others that came meanwhile when the next
 * answer is there, so that nobody waits for a tick and a crowd shares its round trips. One thread,
 * the caller's own, watches the descriptor and turns the pipe; answers come on it. A thread of the
 * pipe's own connects, again and again while the server is away.
 */

#include <hiredis/hiredis.h>

#include "common/cleanup.h"
#include "common/error.h"

/* The pipe is to be turned when its descriptor is readable, and at least this often: an answer that
 * is late by 200 ms is noticed then. */
#define CC_REDIS_PIPE_PERIOD_MS 100

struct cc_redis_pipe;

/* Runs on the turning thread. reply NULL: no answer came; whether the question was carried out is
 * not known. The reply is freed afterwards. */
typedef void (*cc_redis_pipe_done)(void *arg, const redisReply *reply);

/* Tries to connect once, up to 0.5 s, and goes on trying by itself; never fails because the server
 * is away. connected(arg): there is another descriptor to watch; any thread. CC_INVALID: a bad url;
 * CC_INTERNAL: no thread. */
CC_MUST_CHECK enum cc_code cc_redis_pipe_create(const char *url, void (*connected)(void *arg),
                                                void *arg, struct cc_redis_pipe **out,
                                                struct cc_error *err);
/* Nobody may ask or turn any more. Questions under way are told that there is no answer. */
void cc_redis_pipe_destroy(struct cc_redis_pipe *pipe);

/* Thread-safe. What argv points to is copied. False: not connected, or 4,096 questions are under
 * way; `done` will not run. */
CC_MUST_CHECK bool cc_redis_pipe_ask(struct cc_redis_pipe *pipe, size_t argc,
                                     const char *const *argv, cc_redis_pipe_done done, void *arg);

/* The turning thread's. The descriptor may be another after each turn; -1 = not connected. */
int cc_redis_pipe_fd(struct cc_redis_pipe *pipe);
void cc_redis_pipe_turn(struct cc_redis_pipe *pipe);

#endif
