#ifndef HTTP_WAIT_H
#define HTTP_WAIT_H

/* Waiting for an asynchronous call: the blocking forms of client and peer. Nothing outside
 * libcommon/src includes this. */

#include <pthread.h>
#include <stdbool.h>

#include "common/http_client.h"

struct cc_http_waiter {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool has_ended;
    struct cc_arena *arena; /* of the copied answer */
    struct cc_http_answer answer;
    enum cc_code code;
    struct cc_error *err; /* may be NULL */
};
#define CC_HTTP_WAITER(where, error)                                                               \
    {                                                                                              \
        .lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER, .arena = (where),    \
        .err = (error)                                                                             \
    }
/* A cc_http_done; arg is the waiter. */
void cc_http_wake(void *arg, enum cc_code code, const struct cc_http_answer *answer,
                  const struct cc_error *err);
/* Blocks until it was woken; copies the answer out when that is CC_OK. */
enum cc_code cc_http_wait(struct cc_http_waiter *waiter, struct cc_http_answer *out);

#endif
