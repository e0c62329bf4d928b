/* Work that the loop thread hands out and gets back. ws_worker is one thread that runs blocking
 * Redis commands in order; ws_call answers come from the HTTP client's thread. It knows nothing of
 * sessions. */

#include "jobs.h"

#include <pthread.h>
#include <string.h>

#include "common/alloc.h"
#include "common/log.h"

#include "app.h"

#define CALL_TIMEOUT_MS 2000

struct ws_worker {
    struct cc_redis *redis;
    struct ws_loop_queue *loop;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct ws_item *first, **last;
    size_t depth, limit;
    bool stopping;
};

static void job_back(struct ws_item *item)
{
    struct ws_job *job = WS_CONTAINER(item, struct ws_job, item);

    if (job->done != NULL)
        job->done(job);
    job->discard(job);
}

static void job_drop(struct ws_item *item)
{
    struct ws_job *job = WS_CONTAINER(item, struct ws_job, item);

    job->discard(job);
}

static struct ws_item *next_job(struct ws_worker *worker)
{
    struct ws_item *item;

    pthread_mutex_lock(&worker->lock);
    while (worker->first == NULL && !worker->stopping)
        pthread_cond_wait(&worker->more, &worker->lock);
    item = worker->first;
    if (item != NULL) {
        worker->first = item->next;
        if (worker->first == NULL)
            worker->last = &worker->first;
        worker->depth--;
    }
    pthread_mutex_unlock(&worker->lock);
    return item;
}

static void *run(void *arg)
{
    struct ws_worker *worker = arg;

    for (struct ws_item *item; (item = next_job(worker)) != NULL;) {
        struct ws_job *job = WS_CONTAINER(item, struct ws_job, item);
        struct cc_error err = {0};

        job->code = job->work(job, worker->redis, &err);
        if (job->code != CC_OK)
            cc_log_error(CC_LOG_WARN, "a Redis command failed", &err, NULL);
        ws_loop_queue_push(worker->loop, item);
    }
    return NULL;
}

struct ws_worker *ws_worker_create(struct cc_redis *redis, struct ws_loop_queue *loop, size_t limit)
{
    struct ws_worker *worker = cc_calloc(1, sizeof *worker);

    worker->redis = redis;
    worker->loop = loop;
    worker->limit = limit;
    worker->last = &worker->first;
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->more, NULL);
    pthread_create(&worker->thread, NULL, run, worker);
    return worker;
}

void ws_worker_destroy(struct ws_worker *worker)
{
    if (worker == NULL)
        return;
    pthread_mutex_lock(&worker->lock);
    worker->stopping = true;
    pthread_cond_signal(&worker->more);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    pthread_cond_destroy(&worker->more);
    pthread_mutex_destroy(&worker->lock);
    cc_free(worker);
}

static bool enqueue(struct ws_worker *worker, struct ws_item *item)
{
    bool taken;

    item->next = NULL;
    pthread_mutex_lock(&worker->lock);
    taken = worker->depth < worker->limit && !worker->stopping;
    if (taken) {
        *worker->last = item;
        worker->last = &item->next;
        worker->depth++;
        pthread_cond_signal(&worker->more);
    }
    pthread_mutex_unlock(&worker->lock);
    return taken;
}

void ws_job_submit(struct ws_app *app, struct ws_job *job)
{
    job->app = app;
    job->item.run = job_back;
    job->item.drop = job_drop;
    if (enqueue(app->worker, &job->item))
        return;
    job->code = CC_UNAVAILABLE;
    ws_loop_queue_push(app->queue, &job->item);
}

void ws_job_free(struct ws_job *job)
{
    cc_free(job);
}

static void call_back(struct ws_item *item)
{
    struct ws_call *call = WS_CONTAINER(item, struct ws_call, item);

    call->done(call);
    call->discard(call);
}

static void call_drop(struct ws_item *item)
{
    struct ws_call *call = WS_CONTAINER(item, struct ws_call, item);

    call->discard(call);
}

static void answered(void *arg, enum cc_code code, const struct cc_http_answer *answer,
                     const struct cc_error *err)
{
    struct ws_call *call = arg;

    call->code = code;
    if (code != CC_OK && err != NULL)
        call->err = *err;
    if (code == CC_OK && answer != NULL) {
        call->body_count = answer->body_count;
        call->body = cc_strndup(answer->body_count > 0 ? answer->body : "", answer->body_count);
    }
    ws_loop_queue_push(call->app->queue, &call->item);
}

void ws_call_send(struct ws_app *app, struct ws_call *call, struct cc_peer *peer,
                  const char *method, const char *path, const struct cc_strbuf *body)
{
    call->app = app;
    call->item.run = call_back;
    call->item.drop = call_drop;
    cc_peer_send(peer, method, path, body == NULL ? NULL : cc_strbuf_text(body),
                 body == NULL ? 0 : body->length, NULL, CALL_TIMEOUT_MS, answered, call);
}

void ws_call_free(struct ws_call *call)
{
    cc_free(call->body);
    cc_free(call);
}
