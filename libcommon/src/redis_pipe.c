/* See common/redis_pipe.h. The lock guards the connection and the questions under way; callbacks
 * run without it. Only the turning thread lets go of a connection, since it may be watching it. */

#include "common/redis_pipe.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/log.h"

#include "redis_connection.h"

#define QUESTIONS_MAX   4096
#define ANSWERS_AT_ONCE 64
#define RETRY_MS        1000

struct question {
    cc_redis_pipe_done done;
    void *arg;
};
struct cc_redis_pipe {
    struct cc_redis_address address;
    void (*connected)(void *arg);
    void *connected_arg;
    pthread_t thread;
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t lost;
    bool stopping;
    redisContext *context;        /* NULL = not connected */
    bool broken;                  /* a write failed: the turning thread lets go of it */
    struct question *questions;   /* a ring, in the order of their answers */
    size_t first, count, written; /* of `count` under way; the rest is in hiredis' buffer */
    int64_t heard_ms;             /* monotonic: the last answer, or the write that ended silence */
};

static int64_t now_ms(void)
{
    return cc_mono_ms(cc_clock_system());
}

/* ---- connecting ---- */

static redisContext *connect_unblocking(struct cc_redis_pipe *pipe, bool is_first)
{
    struct cc_error err = {0};
    redisContext *context = cc_redis_connect(&pipe->address, &err);

    if (context != NULL && cc_redis_unblock(context))
        return context;
    if (is_first)
        cc_log_error(CC_LOG_WARN, "redis is not there", &err, NULL);
    if (context != NULL)
        redisFree(context);
    return NULL;
}

static void take_connection(struct cc_redis_pipe *pipe, redisContext *context)
{
    pthread_mutex_lock(&pipe->lock);
    pipe->context = context;
    pipe->broken = false;
    pthread_mutex_unlock(&pipe->lock);
    if (context != NULL)
        pipe->connected(pipe->connected_arg);
}

/* Called with the lock held. */
static void wait_before_retry(struct cc_redis_pipe *pipe)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += RETRY_MS / 1000;
    while (!pipe->stopping && pthread_cond_timedwait(&pipe->lost, &pipe->lock, &until) == 0)
        ;
}

static void *keep_connected(void *arg)
{
    struct cc_redis_pipe *pipe = arg;

    pthread_setname_np(pthread_self(), "redis-pipe");
    pthread_mutex_lock(&pipe->lock);
    while (!pipe->stopping) {
        if (pipe->context != NULL) {
            pthread_cond_wait(&pipe->lost, &pipe->lock);
            continue;
        }
        wait_before_retry(pipe);
        bool goes_on = !pipe->stopping;
        pthread_mutex_unlock(&pipe->lock);
        if (goes_on)
            take_connection(pipe, connect_unblocking(pipe, false));
        pthread_mutex_lock(&pipe->lock);
    }
    pthread_mutex_unlock(&pipe->lock);
    return NULL;
}

/* ---- asking ---- */

/* Called with the lock held. */
static void write_waiting(struct cc_redis_pipe *pipe)
{
    int is_empty = 0;

    if (pipe->written == 0 && pipe->count > 0)
        pipe->heard_ms = now_ms();
    pipe->broken = pipe->broken || redisBufferWrite(pipe->context, &is_empty) != REDIS_OK;
    pipe->written = pipe->count; /* what the socket did not take goes with the next turn */
}

bool cc_redis_pipe_ask(struct cc_redis_pipe *pipe, size_t argc, const char *const *argv,
                       cc_redis_pipe_done done, void *arg)
{
    pthread_mutex_lock(&pipe->lock);
    bool taken =
        pipe->context != NULL && !pipe->broken && pipe->count < QUESTIONS_MAX &&
        redisAppendCommandArgv(pipe->context, (int)argc, (const char **)argv, NULL) == REDIS_OK;
    if (taken) {
        pipe->questions[(pipe->first + pipe->count++) % QUESTIONS_MAX] =
            (struct question){done, arg};
        if (pipe->written == 0)
            write_waiting(pipe);
    }
    pthread_mutex_unlock(&pipe->lock);
    return taken;
}

/* ---- turning ---- */

static struct question take_question(struct cc_redis_pipe *pipe)
{
    struct question question = pipe->questions[pipe->first];

    pipe->first = (pipe->first + 1) % QUESTIONS_MAX;
    pipe->count--;
    pipe->written -= pipe->written > 0;
    return question;
}

struct answer {
    struct question question;
    redisReply *reply; /* NULL = none came */
};

/* Called with the lock held; returns how many were taken. */
static size_t take_answers(struct cc_redis_pipe *pipe, struct answer answers[ANSWERS_AT_ONCE])
{
    size_t count = 0;
    void *reply = NULL;

    while (count < ANSWERS_AT_ONCE && pipe->written > 0 && !pipe->broken) {
        pipe->broken = redisGetReplyFromReader(pipe->context, &reply) != REDIS_OK;
        if (pipe->broken || reply == NULL)
            break;
        answers[count++] = (struct answer){take_question(pipe), reply};
    }
    if (count > 0)
        pipe->heard_ms = now_ms();
    return count;
}

/* Called with the lock held. */
static bool is_silent(const struct cc_redis_pipe *pipe)
{
    return pipe->written > 0 && now_ms() - pipe->heard_ms >= CC_REDIS_COMMAND_TIMEOUT_MS;
}

/* Called with the lock held: the connection is given up, the first of the questions with it. */
static size_t take_lost(struct cc_redis_pipe *pipe, struct answer answers[ANSWERS_AT_ONCE])
{
    size_t count = 0;

    if (pipe->context != NULL) {
        cc_log(CC_LOG_WARN, "redis does not answer", "reason",
               pipe->context->err != 0 ? pipe->context->errstr : "silence", NULL);
        redisFree(pipe->context);
        pipe->context = NULL;
        pthread_cond_signal(&pipe->lost);
    }
    while (count < ANSWERS_AT_ONCE && pipe->count > 0)
        answers[count++] = (struct answer){take_question(pipe), NULL};
    return count;
}

static size_t take_some(struct cc_redis_pipe *pipe, struct answer answers[ANSWERS_AT_ONCE])
{
    size_t count = 0;

    pthread_mutex_lock(&pipe->lock);
    if (pipe->context != NULL) {
        count = take_answers(pipe, answers);
        if (pipe->count > 0 && !pipe->broken)
            write_waiting(pipe);
        pipe->broken = pipe->broken || is_silent(pipe);
    }
    if (count == 0 && (pipe->context == NULL || pipe->broken))
        count = take_lost(pipe, answers);
    pthread_mutex_unlock(&pipe->lock);
    return count;
}

static void tell(const struct answer *answers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        answers[i].question.done(answers[i].question.arg, answers[i].reply);
        if (answers[i].reply != NULL)
            freeReplyObject(answers[i].reply);
    }
}

static void read_socket(struct cc_redis_pipe *pipe)
{
    pthread_mutex_lock(&pipe->lock);
    if (pipe->context != NULL && !pipe->broken)
        pipe->broken = redisBufferRead(pipe->context) != REDIS_OK;
    pthread_mutex_unlock(&pipe->lock);
}

void cc_redis_pipe_turn(struct cc_redis_pipe *pipe)
{
    struct answer answers[ANSWERS_AT_ONCE];
    size_t count;

    read_socket(pipe);
    do {
        count = take_some(pipe, answers);
        tell(answers, count);
    } while (count > 0);
}

int cc_redis_pipe_fd(struct cc_redis_pipe *pipe)
{
    pthread_mutex_lock(&pipe->lock);
    int fd = pipe->context != NULL ? pipe->context->fd : -1;
    pthread_mutex_unlock(&pipe->lock);
    return fd;
}

/* ---- making and ending ---- */

static void free_pipe(struct cc_redis_pipe *pipe)
{
    if (pipe->context != NULL)
        redisFree(pipe->context);
    cc_redis_address_finish(&pipe->address);
    pthread_cond_destroy(&pipe->lost);
    pthread_mutex_destroy(&pipe->lock);
    cc_free(pipe->questions);
    cc_free(pipe);
}

enum cc_code cc_redis_pipe_create(const char *url, void (*connected)(void *arg), void *arg,
                                  struct cc_redis_pipe **out, struct cc_error *err)
{
    struct cc_redis_address address;
    CC_TRY(cc_redis_address_parse(url, &address, err));
    struct cc_redis_pipe *pipe = cc_calloc(1, sizeof *pipe);

    pipe->address = address;
    pipe->connected = connected;
    pipe->connected_arg = arg;
    pipe->questions = cc_calloc(QUESTIONS_MAX, sizeof *pipe->questions);
    pthread_mutex_init(&pipe->lock, NULL);
    pthread_cond_init(&pipe->lost, NULL);
    take_connection(pipe, connect_unblocking(pipe, true));
    if (pthread_create(&pipe->thread, NULL, keep_connected, pipe) != 0) {
        free_pipe(pipe);
        return cc_fail_detail(err, CC_INTERNAL, "redis pipe: can't start its thread");
    }
    *out = pipe;
    return CC_OK;
}

void cc_redis_pipe_destroy(struct cc_redis_pipe *pipe)
{
    if (pipe == NULL)
        return;
    pthread_mutex_lock(&pipe->lock);
    pipe->stopping = true;
    pthread_cond_signal(&pipe->lost);
    pthread_mutex_unlock(&pipe->lock);
    pthread_join(pipe->thread, NULL);
    while (pipe->count > 0) {
        struct question question = take_question(pipe);

        question.done(question.arg, NULL);
    }
    free_pipe(pipe);
}
