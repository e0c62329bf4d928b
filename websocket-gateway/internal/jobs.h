#ifndef JOBS_H
#define JOBS_H

/*
 * What the loop thread has done elsewhere: a blocking Redis command on the worker thread (ws_job),
 * a request to a peer service on the HTTP client's thread (ws_call). Both are embedded as first
 * member in the caller's struct, come back to the loop thread exactly once through `done`, and are
 * freed by `discard` afterwards (which alone runs when the process stops first).
 */

#include "common/error.h"
#include "common/http_client.h"
#include "common/redis_pool.h"
#include "common/strbuf.h"

#include "loop_queue.h"

struct ws_app;

struct ws_job {
    struct ws_item item;
    struct ws_app *app;
    enum cc_code code; /* CC_UNAVAILABLE when the worker's queue was full */
    enum cc_code (*work)(struct ws_job *job, struct cc_redis *redis, struct cc_error *err);
    void (*done)(struct ws_job *job); /* loop thread; may be NULL */
    void (*discard)(struct ws_job *job);
};
struct ws_worker;
struct ws_worker *ws_worker_create(struct cc_redis *redis, struct ws_loop_queue *loop,
                                   size_t limit);
void ws_worker_destroy(struct ws_worker *worker); /* accepts NULL; runs what is queued, joins */
/* Loop thread. job is zeroed but for work, done, discard. */
void ws_job_submit(struct ws_app *app, struct ws_job *job);
void ws_job_free(struct ws_job *job); /* a discard for jobs that own nothing */

struct ws_call {
    struct ws_item item;
    struct ws_app *app;
    enum cc_code code; /* CC_OK: a 2xx answer */
    struct cc_error err;
    char *body; /* owned */
    size_t body_count;
    void (*done)(struct ws_call *call); /* loop thread */
    void (*discard)(struct ws_call *call);
};
/* Loop thread. body NULL = none. */
void ws_call_send(struct ws_app *app, struct ws_call *call, struct cc_peer *peer,
                  const char *method, const char *path, const struct cc_strbuf *body);
void ws_call_free(struct ws_call *call); /* a discard for calls that own nothing more */

#endif
