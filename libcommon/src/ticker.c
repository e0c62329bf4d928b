/* The waiting between two calls, which a stop ends. The ticker's own thread calls; any other thread
 * may stop it, once. */

#include "common/ticker.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "common/alloc.h"

#define NS_PER_MS 1000000L
#define NS_PER_S  1000000000L
#define MS_PER_S  1000

struct cc_ticker {
    int interval_ms;
    void (*tick)(void *arg);
    void *arg;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping; /* under lock */
};

/* False when there shall be no further call. */
static bool wait_for_turn(struct cc_ticker *ticker)
{
    struct timespec until;
    int waited = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ticker->interval_ms / MS_PER_S;
    until.tv_nsec += ticker->interval_ms % MS_PER_S * NS_PER_MS;
    until.tv_sec += until.tv_nsec / NS_PER_S;
    until.tv_nsec %= NS_PER_S;
    pthread_mutex_lock(&ticker->lock);
    while (!ticker->stopping && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&ticker->wake, &ticker->lock, &until);
    bool go_on = !ticker->stopping;
    pthread_mutex_unlock(&ticker->lock);
    return go_on;
}

static void *run(void *arg)
{
    struct cc_ticker *ticker = arg;

    do
        ticker->tick(ticker->arg);
    while (wait_for_turn(ticker));
    return NULL;
}

struct cc_ticker *cc_ticker_start(int interval_ms, void (*tick)(void *arg), void *arg)
{
    struct cc_ticker *ticker = cc_calloc(1, sizeof *ticker);
    pthread_condattr_t monotonic;

    ticker->interval_ms = interval_ms;
    ticker->tick = tick;
    ticker->arg = arg;
    pthread_mutex_init(&ticker->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&ticker->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_create(&ticker->thread, NULL, run, ticker);
    return ticker;
}

void cc_ticker_stop(struct cc_ticker *ticker)
{
    if (ticker == NULL)
        return;
    pthread_mutex_lock(&ticker->lock);
    ticker->stopping = true;
    pthread_cond_signal(&ticker->wake);
    pthread_mutex_unlock(&ticker->lock);
    pthread_join(ticker->thread, NULL);
    pthread_cond_destroy(&ticker->wake);
    pthread_mutex_destroy(&ticker->lock);
    cc_free(ticker);
}
