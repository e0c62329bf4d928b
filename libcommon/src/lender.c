/*
 * Lending of connections; see lender.h. Runs on the borrowers' threads and has none of its own.
 * Opening and closing happen outside the lock.
 */

#include "lender.h"

#include <time.h>

#include "common/clock.h"

#define WAIT_MS          1000
#define BACKOFF_FIRST_MS 50
#define BACKOFF_MOST_MS  2000

static int64_t now_ms(void)
{
    return cc_mono_ms(cc_clock_system());
}

void cc_lender_init(struct cc_lender *lender, const char *what, int size,
                    const struct cc_lender_ops *ops, void *pool)
{
    if (size < 1)
        size = 1;
    *lender = (struct cc_lender){.ops = ops,
                                 .pool = pool,
                                 .what = what,
                                 .size = size < CC_LENDER_MAX ? size : CC_LENDER_MAX};
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&lender->returned, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&lender->lock, NULL);
    lender->connections =
        cc_gauge_get("pool_connections", "Open connections.", "server", what, NULL);
    lender->failures = cc_counter_get("pool_open_failures_total",
                                      "Connections that could not be made.", "server", what, NULL);
    lender->exhausted =
        cc_counter_get("pool_exhausted_total", "Borrowers refused because everything was lent.",
                       "server", what, NULL);
}

static void close_one(struct cc_lender *lender, void *connection)
{
    lender->ops->close(connection);
    cc_gauge_add(lender->connections, -1);
}

void cc_lender_finish(struct cc_lender *lender)
{
    while (lender->idle_count > 0)
        close_one(lender, lender->idle[--lender->idle_count]);
    pthread_cond_destroy(&lender->returned);
    pthread_mutex_destroy(&lender->lock);
}

/* Called with the lock held. */
static void note_failure(struct cc_lender *lender)
{
    int doubled = lender->backoff_ms == 0 ? BACKOFF_FIRST_MS : lender->backoff_ms * 2;
    lender->backoff_ms = doubled < BACKOFF_MOST_MS ? doubled : BACKOFF_MOST_MS;
    lender->retry_at_mono_ms = now_ms() + lender->backoff_ms;
}

/* Called with the lock held, which is given up while connecting; `made` counts it already. */
static enum cc_code open_one(struct cc_lender *lender, void **out, struct cc_error *err)
{
    lender->probing = lender->silent;
    pthread_mutex_unlock(&lender->lock);
    void *connection = lender->ops->open(lender->pool, err);
    pthread_mutex_lock(&lender->lock);
    lender->probing = false;
    if (connection != NULL) {
        lender->backoff_ms = 0;
        lender->heard_at_mono_ms = now_ms();
        lender->silent = false;
        cc_gauge_add(lender->connections, 1);
        *out = connection;
        return CC_OK;
    }
    lender->made--;
    note_failure(lender);
    cc_counter_add(lender->failures, 1);
    pthread_cond_broadcast(&lender->returned);
    return err == NULL ? CC_UNAVAILABLE : err->code;
}

/* Called with the lock held. */
static void drop(struct cc_lender *lender, void *connection)
{
    lender->made--;
    close_one(lender, connection);
}

/* Called with the lock held: the newest idle connection that is still good, or NULL. */
static void *take_idle(struct cc_lender *lender)
{
    while (lender->idle_count > 0) {
        void *connection = lender->idle[--lender->idle_count];
        if (lender->ops->alive(connection))
            return connection;
        drop(lender, connection);
    }
    return NULL;
}

/* Called with the lock held. */
static void wait_until(struct cc_lender *lender, int64_t until_mono_ms)
{
    struct timespec until = {.tv_sec = until_mono_ms / 1000,
                             .tv_nsec = until_mono_ms % 1000 * 1000000};
    pthread_cond_timedwait(&lender->returned, &lender->lock, &until);
}

/* Called with the lock held. */
static bool is_away(const struct cc_lender *lender, bool resting)
{
    if (lender->silent)
        return resting || lender->probing || lender->made >= lender->size;
    return lender->made == 0 && resting;
}

/* Called with the lock held. */
static enum cc_code refuse(const struct cc_lender *lender, int64_t now, struct cc_error *err)
{
    int64_t left = lender->retry_at_mono_ms - now;
    int next_ms = left > 0 ? (int)left : BACKOFF_MOST_MS; /* no rest is left: somebody tries now */
    enum cc_code code = cc_fail_detail(err, CC_UNAVAILABLE, "%s is away; next attempt in %d ms",
                                       lender->what, next_ms);
    return err == NULL ? code : cc_fail_retry_after(err, next_ms);
}

static enum cc_code take_locked(struct cc_lender *lender, void **out, struct cc_error *err)
{
    int64_t deadline = now_ms() + WAIT_MS;
    for (;;) {
        void *idle = take_idle(lender);
        if (idle != NULL) {
            *out = idle;
            return CC_OK;
        }
        int64_t now = now_ms();
        bool resting = lender->backoff_ms > 0 && now < lender->retry_at_mono_ms;
        if (is_away(lender, resting))
            return refuse(lender, now, err);
        if (lender->made < lender->size && !resting) {
            lender->made++;
            return open_one(lender, out, err);
        }
        if (now >= deadline) {
            cc_counter_add(lender->exhausted, 1);
            return cc_fail_detail(err, CC_UNAVAILABLE, "all %d connections to %s are in use",
                                  lender->size, lender->what);
        }
        wait_until(lender, resting && lender->retry_at_mono_ms < deadline ? lender->retry_at_mono_ms
                                                                          : deadline);
    }
}

enum cc_code cc_lender_take(struct cc_lender *lender, void **out, struct cc_error *err)
{
    pthread_mutex_lock(&lender->lock);
    enum cc_code code = take_locked(lender, out, err);
    pthread_mutex_unlock(&lender->lock);
    return code;
}

void cc_lender_give(struct cc_lender *lender, void *connection, bool usable)
{
    if (!usable)
        close_one(lender, connection);
    pthread_mutex_lock(&lender->lock);
    if (!usable) {
        lender->made--;
    } else if (lender->silent) { /* what it was told before says nothing of now */
        drop(lender, connection);
    } else {
        lender->heard_at_mono_ms = now_ms();
        lender->idle[lender->idle_count++] = connection;
    }
    pthread_cond_signal(&lender->returned);
    pthread_mutex_unlock(&lender->lock);
}

void cc_lender_give_unanswered(struct cc_lender *lender, void *connection, int64_t asked_at_mono_ms)
{
    close_one(lender, connection);
    pthread_mutex_lock(&lender->lock);
    lender->made--;
    if (!lender->silent && lender->heard_at_mono_ms <= asked_at_mono_ms) {
        lender->silent = true;
        note_failure(lender);
        while (lender->idle_count > 0)
            drop(lender, lender->idle[--lender->idle_count]);
    }
    pthread_cond_broadcast(&lender->returned);
    pthread_mutex_unlock(&lender->lock);
}
