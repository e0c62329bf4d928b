/* The sweeper's thread. Its work is chat_announcer_sweep; here is only when. */

#include "events/sweep.h"

#include <stdio.h>
#include <time.h>

#include "common/alloc.h"
#include "common/log.h"
#include "common/metrics.h"

/* A change that is younger is most likely being announced by the request that made it. */
#define MIN_AGE_MS 3000

struct chat_sweeper {
    struct chat_announcer *announcer;
    const struct cc_clock *clock;
    int interval_ms;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping; /* under lock */
};

static void sweep(struct chat_sweeper *sweeper)
{
    int64_t older_than_ms = cc_wall_ms(sweeper->clock) - MIN_AGE_MS;
    struct cc_error err;
    size_t count = 0, states = 0;

    if (chat_announcer_sweep(sweeper->announcer, older_than_ms, &count, &err) != CC_OK ||
        chat_announcer_sweep_personal(sweeper->announcer, older_than_ms, &states, &err) != CC_OK)
        cc_log_error(CC_LOG_WARN, "the sweep left changes unannounced", &err, NULL);
    count += states;
    if (count == 0)
        return;
    char text[24];
    snprintf(text, sizeof(text), "%zu", count);
    cc_log(CC_LOG_INFO, "the sweep announced changes", "count", text, NULL);
    cc_counter_add(
        cc_counter_get("chat_changes_swept_total", "Changes that the sweep had to announce.", NULL),
        count);
}

/* True when it is time for the next sweep, false when there shall be none. */
static bool wait_for_turn(struct chat_sweeper *sweeper)
{
    struct timespec until;
    bool go_on;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += sweeper->interval_ms / 1000;
    until.tv_nsec += (long)(sweeper->interval_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&sweeper->lock);
    while (!sweeper->stopping &&
           pthread_cond_timedwait(&sweeper->wake, &sweeper->lock, &until) == 0)
        ;
    go_on = !sweeper->stopping;
    pthread_mutex_unlock(&sweeper->lock);
    return go_on;
}

static void *run(void *arg)
{
    struct chat_sweeper *sweeper = arg;

    do
        sweep(sweeper);
    while (wait_for_turn(sweeper));
    return NULL;
}

struct chat_sweeper *chat_sweeper_start(struct chat_announcer *announcer,
                                        const struct cc_clock *clock, int interval_ms)
{
    struct chat_sweeper *sweeper = cc_calloc(1, sizeof(*sweeper));
    pthread_condattr_t attributes;

    sweeper->announcer = announcer;
    sweeper->clock = clock;
    sweeper->interval_ms = interval_ms;
    pthread_mutex_init(&sweeper->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&sweeper->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_create(&sweeper->thread, NULL, run, sweeper);
    return sweeper;
}

void chat_sweeper_stop(struct chat_sweeper *sweeper)
{
    if (sweeper == NULL)
        return;
    pthread_mutex_lock(&sweeper->lock);
    sweeper->stopping = true;
    pthread_cond_signal(&sweeper->wake);
    pthread_mutex_unlock(&sweeper->lock);
    pthread_join(sweeper->thread, NULL);
    pthread_cond_destroy(&sweeper->wake);
    pthread_mutex_destroy(&sweeper->lock);
    cc_free(sweeper);
}
