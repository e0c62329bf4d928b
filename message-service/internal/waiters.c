/* Waiting requests. Deliveries run on the Redis subscriber's thread, waiting on workers; one lock,
 * held for moments. Knows neither Kafka nor the store. */

#include "waiters.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "common/alloc.h"
#include "common/hash_map.h"

struct waiter {
    char id[CC_UUID_BYTES];
    bool answered;
    struct outcome_seen answer;
};
struct waiters {
    const struct cc_clock *clock;
    struct cc_ids *ids;
    pthread_mutex_t lock;
    pthread_cond_t answered; /* any of them: there are at most as many as workers */
    struct cc_hash_map *by_id;
};

struct waiters *waiters_create(const struct cc_clock *clock, struct cc_ids *ids)
{
    struct waiters *waiters = cc_calloc(1, sizeof *waiters);
    pthread_condattr_t monotonic;

    waiters->clock = clock;
    waiters->ids = ids;
    waiters->by_id = cc_hash_map_create();
    pthread_mutex_init(&waiters->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&waiters->answered, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return waiters;
}

void waiters_destroy(struct waiters *waiters)
{
    if (waiters == NULL)
        return;
    cc_hash_map_destroy(waiters->by_id);
    pthread_cond_destroy(&waiters->answered);
    pthread_mutex_destroy(&waiters->lock);
    cc_free(waiters);
}

struct waiter *waiter_start(struct waiters *waiters)
{
    struct waiter *waiter = cc_calloc(1, sizeof *waiter);

    cc_ids_next(waiters->ids, waiter->id);
    pthread_mutex_lock(&waiters->lock);
    cc_hash_map_put(waiters->by_id, waiter->id, waiter);
    pthread_mutex_unlock(&waiters->lock);
    return waiter;
}

void waiter_finish(struct waiters *waiters, struct waiter *waiter)
{
    pthread_mutex_lock(&waiters->lock);
    cc_hash_map_remove(waiters->by_id, waiter->id);
    pthread_mutex_unlock(&waiters->lock);
    cc_free(waiter);
}

const char *waiter_id(const struct waiter *waiter)
{
    return waiter->id;
}

/* The condition variable knows the real monotonic clock: how long is left is asked of the injected
 * one. */
static struct timespec deadline_in(int64_t left_ms)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += left_ms / 1000;
    at.tv_nsec += (left_ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

bool waiter_wait(struct waiters *waiters, struct waiter *waiter, int64_t until_mono_ms,
                 struct outcome_seen *out)
{
    int64_t left_ms = until_mono_ms - cc_mono_ms(waiters->clock);
    struct timespec deadline = deadline_in(left_ms < 0 ? 0 : left_ms);
    int waited = 0;

    pthread_mutex_lock(&waiters->lock);
    while (!waiter->answered && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&waiters->answered, &waiters->lock, &deadline);
    bool answered = waiter->answered;
    if (answered)
        *out = waiter->answer;
    pthread_mutex_unlock(&waiters->lock);
    return answered;
}

void waiters_deliver(struct waiters *waiters, const char *payload, size_t length)
{
    struct cc_bus_message message;
    struct outcome_seen seen;

    if (!cc_bus_read(payload, length, &message) || message.kind != CC_BUS_OUTCOME ||
        !outcome_frame_parse(message.frame, message.frame_count, &seen))
        return;
    pthread_mutex_lock(&waiters->lock);
    struct waiter *waiter = cc_hash_map_get(waiters->by_id, message.conn_id);
    if (waiter != NULL) {
        waiter->answer = seen;
        waiter->answered = true;
        pthread_cond_broadcast(&waiters->answered);
    }
    pthread_mutex_unlock(&waiters->lock);
}
