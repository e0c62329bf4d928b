#ifndef COMMON_SRC_LENDER_H
#define COMMON_SRC_LENDER_H

/*
 * What the PostgreSQL and Redis pools have in common: connections made on demand up to a number,
 * lent to one thread at a time, dropped when broken, made again with back-off (50 ms to 2 s). While
 * nothing is connected and the back-off runs, borrowing fails at once instead of letting every
 * request wait for a server that is away. One that has fallen silent counts as away too: its
 * connections are dropped, and all but one borrower at a time, who tries to connect, are refused
 * until that succeeds. Thread-safe. Metrics, by server: pool_connections,
 * pool_open_failures_total, pool_exhausted_total.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/metrics.h"

#define CC_LENDER_MAX 32

struct cc_lender_ops {
    /* May block; NULL with *err filled on failure. */
    void *(*open)(void *pool, struct cc_error *err);
    /* Is an idle connection still good, as far as can be told without asking the server? */
    bool (*alive)(void *connection);
    void (*close)(void *connection);
};

struct cc_lender {
    const struct cc_lender_ops *ops;
    void *pool; /* handed to ops->open */
    const char *what;
    pthread_mutex_t lock;
    pthread_cond_t returned;
    void *idle[CC_LENDER_MAX];
    int idle_count;
    int made; /* idle, lent or being opened */
    int size;
    int backoff_ms;           /* 0 = the last attempt succeeded */
    int64_t retry_at_mono_ms; /* no attempt before */
    int64_t heard_at_mono_ms; /* when a connection was last made or given back as good */
    bool silent;              /* until a connection is made */
    bool probing;             /* somebody tries to, while it is silent */
    struct cc_gauge *connections;
    struct cc_counter *failures, *exhausted;
};

/* what: the server's name for error details and metrics; borrowed. */
void cc_lender_init(struct cc_lender *lender, const char *what, int size,
                    const struct cc_lender_ops *ops, void *pool);
void cc_lender_finish(struct cc_lender *lender); /* everything must have been given back */
/* Waits up to 1 s. Errors: CC_UNAVAILABLE. */
CC_MUST_CHECK enum cc_code cc_lender_take(struct cc_lender *lender, void **out,
                                          struct cc_error *err);
void cc_lender_give(struct cc_lender *lender, void *connection, bool usable);
/* The server has left something unanswered since asked_at_mono_ms: the connection is dropped, and
 * the server is taken for silent unless another borrower has heard from it since. */
void cc_lender_give_unanswered(struct cc_lender *lender, void *connection,
                               int64_t asked_at_mono_ms);

#endif
