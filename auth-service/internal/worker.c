/* Wakeable background thread; see worker.h. Knows nothing of the work. */

#include "worker.h"

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "common/alloc.h"

struct worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool woken, stopping;
    int64_t (*step)(void *arg);
    void *arg;
};

static struct timespec after_ms(int64_t ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += ms % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* False when it is time to stop. */
static bool sleep_until_woken(struct worker *worker, int64_t sleep_ms)
{
    struct timespec deadline = after_ms(sleep_ms);
    int waited = 0;
    pthread_mutex_lock(&worker->lock);
    while (!worker->woken && !worker->stopping && waited == 0)
        waited = pthread_cond_timedwait(&worker->changed, &worker->lock, &deadline);
    worker->woken = false;
    bool go_on = !worker->stopping;
    pthread_mutex_unlock(&worker->lock);
    return go_on;
}

static void *run(void *arg)
{
    struct worker *worker = arg;
    while (sleep_until_woken(worker, worker->step(worker->arg)))
        continue;
    return NULL;
}

struct worker *worker_start(const char *name, int64_t (*step)(void *arg), void *arg)
{
    struct worker *worker = cc_calloc(1, sizeof *worker);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&worker->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&worker->lock, NULL);
    worker->step = step;
    worker->arg = arg;
    pthread_create(&worker->thread, NULL, run, worker);
    pthread_setname_np(worker->thread, name);
    return worker;
}

static void signal_worker(struct worker *worker, bool stop)
{
    pthread_mutex_lock(&worker->lock);
    worker->woken = true;
    worker->stopping = worker->stopping || stop;
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
}

void worker_wake(struct worker *worker)
{
    signal_worker(worker, false);
}

void worker_stop(struct worker *worker)
{
    if (worker == NULL)
        return;
    signal_worker(worker, true);
    pthread_join(worker->thread, NULL);
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->lock);
    cc_free(worker);
}
