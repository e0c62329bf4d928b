/* The sweeper of old notifications and deliveries, on a thread of its own. */

#include "sweep.h"

#include <pthread.h>
#include <time.h>

#include "common/alloc.h"
#include "common/log.h"

#define INTERVAL_S      3600
#define WEEKS_LOOKED_AT 52 /* back from the last kept one: after an outage nothing stays behind */

struct notification_sweeper {
    struct notification_store *store;
    const struct cc_clock *clock;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool stopping;
};

enum cc_code notification_sweep(struct notification_store *store, int64_t now_ms,
                                struct cc_error *err)
{
    int64_t oldest_kept = notification_week(now_ms) - NOTIFICATION_WEEKS_KEPT;
    for (int64_t week = oldest_kept - 1; week >= oldest_kept - WEEKS_LOOKED_AT; week--)
        CC_TRY(store->ops->purge_week(store, week, err));
    return CC_OK;
}

/* False when the sweeper is to end. */
static bool wait_for_next(struct notification_sweeper *sweeper)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += INTERVAL_S;
    pthread_mutex_lock(&sweeper->mutex);
    int waited = 0;
    while (!sweeper->stopping && waited == 0)
        waited = pthread_cond_timedwait(&sweeper->wake, &sweeper->mutex, &until);
    bool go_on = !sweeper->stopping;
    pthread_mutex_unlock(&sweeper->mutex);
    return go_on;
}

static void *run_sweeper(void *arg)
{
    struct notification_sweeper *sweeper = arg;
    pthread_setname_np(pthread_self(), "sweeper");
    do {
        struct cc_error err = {0};
        if (notification_sweep(sweeper->store, cc_wall_ms(sweeper->clock), &err) != CC_OK)
            cc_log_error(CC_LOG_WARN, "old notifications were not thrown away", &err, NULL);
    } while (wait_for_next(sweeper));
    return NULL;
}

struct notification_sweeper *notification_sweeper_start(struct notification_store *store,
                                                        const struct cc_clock *clock)
{
    struct notification_sweeper *sweeper = cc_calloc(1, sizeof *sweeper);
    pthread_condattr_t monotonic;

    sweeper->store = store;
    sweeper->clock = clock;
    pthread_mutex_init(&sweeper->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&sweeper->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&sweeper->thread, NULL, run_sweeper, sweeper) == 0)
        return sweeper;
    cc_log(CC_LOG_ERROR, "no thread for the sweeper", NULL);
    cc_free(sweeper);
    return NULL;
}

void notification_sweeper_stop(struct notification_sweeper *sweeper)
{
    if (sweeper == NULL)
        return;
    pthread_mutex_lock(&sweeper->mutex);
    sweeper->stopping = true;
    pthread_cond_signal(&sweeper->wake);
    pthread_mutex_unlock(&sweeper->mutex);
    pthread_join(sweeper->thread, NULL);
    pthread_cond_destroy(&sweeper->wake);
    pthread_mutex_destroy(&sweeper->mutex);
    cc_free(sweeper);
}
