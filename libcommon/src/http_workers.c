/*
 * Bounded pool of worker threads for blocking handlers: a ring of jobs, a mutex, a condition. The
 * listener threads submit and never wait; a full ring is their answer 503. Knows nothing of HTTP.
 */
#include <pthread.h>
#include <stdio.h>

#include "common/alloc.h"

#include "http_private.h"

struct job {
    void (*run)(void *arg);
    void *arg;
};

struct cc_http_workers {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct job *ring;
    size_t capacity, first, count;
    bool stopping;
    pthread_t *threads;
    size_t thread_count;
};

/* False when the pool stops and nothing is left. */
static bool take_job(struct cc_http_workers *workers, struct job *out)
{
    bool taken;

    pthread_mutex_lock(&workers->lock);
    while (workers->count == 0 && !workers->stopping)
        pthread_cond_wait(&workers->wake, &workers->lock);
    taken = workers->count > 0;
    if (taken) {
        *out = workers->ring[workers->first];
        workers->first = (workers->first + 1) % workers->capacity;
        workers->count--;
    }
    pthread_mutex_unlock(&workers->lock);
    return taken;
}

static void *work(void *arg)
{
    struct job job;

    pthread_setname_np(pthread_self(), "http-worker");
    while (take_job(arg, &job))
        job.run(job.arg);
    return NULL;
}

struct cc_http_workers *cc_http_workers_create(int threads, int queue)
{
    struct cc_http_workers *workers = cc_calloc(1, sizeof(*workers));

    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->wake, NULL);
    workers->capacity = (size_t)queue;
    workers->ring = cc_calloc(workers->capacity, sizeof(*workers->ring));
    workers->threads = cc_calloc((size_t)threads, sizeof(*workers->threads));
    while (workers->thread_count < (size_t)threads &&
           pthread_create(&workers->threads[workers->thread_count], NULL, work, workers) == 0)
        workers->thread_count++;
    return workers;
}

void cc_http_workers_destroy(struct cc_http_workers *workers)
{
    if (workers == NULL)
        return;
    pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->wake);
    pthread_mutex_unlock(&workers->lock);
    for (size_t i = 0; i < workers->thread_count; i++)
        pthread_join(workers->threads[i], NULL);
    pthread_cond_destroy(&workers->wake);
    pthread_mutex_destroy(&workers->lock);
    cc_free(workers->threads);
    cc_free(workers->ring);
    cc_free(workers);
}

bool cc_http_workers_submit(struct cc_http_workers *workers, void (*run)(void *arg), void *arg)
{
    bool accepted;

    pthread_mutex_lock(&workers->lock);
    accepted =
        workers->count < workers->capacity && !workers->stopping && workers->thread_count > 0;
    if (accepted) {
        workers->ring[(workers->first + workers->count) % workers->capacity] =
            (struct job){.run = run, .arg = arg};
        workers->count++;
        pthread_cond_signal(&workers->wake);
    }
    pthread_mutex_unlock(&workers->lock);
    return accepted;
}
