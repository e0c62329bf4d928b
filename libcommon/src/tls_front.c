/*
 * The thread "tls": one epoll loop that owns every TLS connection. Level-triggered.
 */
#include "common/tls_front.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/log.h"

#include "tls_connection.h"
#include "tls_context.h"

#define EVENTS_MAX    256
#define TICK_MS       250
#define STOP_MS       500
#define CROWD         100  /* handshakes after which the heap is full of holes, */
#define CROWD_OVER_MS 2000 /* which go back to the kernel once nobody shakes hands any more */

static void listen_for(struct cc_tls *tls, bool wanted)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = tls};

    if (tls->listening != wanted)
        epoll_ctl(tls->epoll_fd, wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, tls->options.listen_fd,
                  &event);
    tls->listening = wanted;
}

static void accept_some(struct cc_tls *tls)
{
    for (int i = 0; i < EVENTS_MAX; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t length = sizeof(peer);
        int fd = accept4(tls->options.listen_fd, (struct sockaddr *)&peer, &length,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            if (!cc_would_block() && errno != ECONNABORTED)
                listen_for(tls, false); /* no descriptors, or quiesced: not again before a tick */
            return;
        }
        tls_connection_add(tls, fd, &peer, length);
    }
}

static bool read_flags(struct cc_tls *tls, bool *out_quiesced)
{
    bool stopping;

    pthread_mutex_lock(&tls->lock);
    stopping = tls->stopping;
    *out_quiesced = tls->quiesced;
    pthread_mutex_unlock(&tls->lock);
    return stopping;
}

static void expire(struct tls_connection *connection)
{
    if (connection->state == TLS_OPEN)
        cc_counter_add(connection->tls->behind_counter, 1);
    tls_connection_end(connection);
}

/* A handshake takes tens of kilobytes for a moment; of many at once, what stays lies scattered over
 * what is free again, and free(3) gives back only the end of a heap. */
static void give_memory_back(struct cc_tls *tls, int64_t now)
{
    if (tls->crowd < CROWD || now - tls->last_handshake_ms < CROWD_OVER_MS)
        return;
    tls->crowd = 0;
    malloc_trim(0);
}

static void tick(struct cc_tls *tls, bool quiesced)
{
    int64_t now = tls_now_ms(tls);
    struct tls_connection *next;

    if (now < tls->next_tick_ms)
        return;
    tls->next_tick_ms = now + TICK_MS;
    listen_for(tls, !quiesced);
    give_memory_back(tls, now);
    for (struct tls_connection *connection = tls->connections; connection != NULL;
         connection = next) {
        next = connection->next;
        if (tls_connection_has_caught_up(connection))
            connection->deadline_ms = INT64_MAX;
        if (connection->deadline_ms <= now)
            expire(connection);
    }
}

static void handle_events(struct cc_tls *tls)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(tls->epoll_fd, events, EVENTS_MAX, TICK_MS);
    uint64_t ignored;

    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == tls)
            accept_some(tls);
        else if (events[i].data.ptr != NULL)
            tls_connection_on_event(events[i].data.ptr, events[i].events);
        else if (read(tls->event_fd, &ignored, sizeof(ignored)) > 0)
            tls->next_tick_ms = 0;
    }
}

static void *run(void *arg)
{
    struct cc_tls *tls = arg;
    int64_t stop_at_ms = INT64_MAX;
    bool quiesced = false;

    pthread_setname_np(pthread_self(), "tls");
    listen_for(tls, true);
    while (tls->count > 0 || stop_at_ms == INT64_MAX) {
        if (read_flags(tls, &quiesced) && stop_at_ms == INT64_MAX)
            stop_at_ms = tls_now_ms(tls) + STOP_MS;
        if (tls_now_ms(tls) >= stop_at_ms)
            break;
        tick(tls, quiesced);
        tls_free_gone(tls);
        if (tls->count > 0 || stop_at_ms == INT64_MAX)
            handle_events(tls);
        tls_free_gone(tls);
    }
    while (tls->connections != NULL)
        tls_connection_end(tls->connections);
    tls_free_gone(tls);
    return NULL;
}

/* ---- public ---- */

static enum cc_code load(struct cc_tls *tls, struct cc_error *err)
{
    const struct cc_tls_files files = {.certificate = tls->certificate, .key = tls->key};
    SSL_CTX *fresh = NULL, *old;

    CC_TRY(cc_tls_context_create(&files, &fresh, err));
    pthread_mutex_lock(&tls->lock);
    old = tls->context;
    tls->context = fresh;
    pthread_mutex_unlock(&tls->lock);
    SSL_CTX_free(old); /* open connections hold their own reference */
    return CC_OK;
}

static void destroy(struct cc_tls *tls)
{
    if (tls->epoll_fd >= 0)
        close(tls->epoll_fd);
    if (tls->event_fd >= 0)
        close(tls->event_fd);
    SSL_CTX_free(tls->context);
    pthread_mutex_destroy(&tls->lock);
    cc_free(tls->certificate);
    cc_free(tls->key);
    cc_free(tls);
}

enum cc_code cc_tls_start(const struct cc_tls_options *options, struct cc_tls **out,
                          struct cc_error *err)
{
    struct cc_tls *tls = cc_calloc(1, sizeof(*tls));
    struct epoll_event event = {.events = EPOLLIN};
    enum cc_code code;

    tls->options = *options;
    tls->certificate = cc_strdup(options->files.certificate);
    tls->key = cc_strdup(options->files.key);
    pthread_mutex_init(&tls->lock, NULL);
    tls->failed_counter =
        cc_counter_get("http_tls_handshakes_failed_total", "TLS handshakes that failed", NULL);
    tls->accepted_counter =
        cc_counter_get("http_tls_connections_total", "TLS connections accepted", NULL);
    tls->behind_counter = cc_counter_get(
        "http_tls_behind_total",
        "TLS connections closed because the client did not take what was there", NULL);
    tls->open_gauge = cc_gauge_get("http_tls_connections_open", "TLS connections open now", NULL);
    tls->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    tls->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    code = load(tls, err);
    if (code == CC_OK && epoll_ctl(tls->epoll_fd, EPOLL_CTL_ADD, tls->event_fd, &event) == 0)
        tls->has_thread = pthread_create(&tls->thread, NULL, run, tls) == 0;
    if (code == CC_OK && !tls->has_thread)
        code = cc_fail_detail(err, CC_INTERNAL, "the TLS thread could not be started");
    if (code != CC_OK)
        destroy(tls);
    else
        *out = tls;
    return code;
}

enum cc_code cc_tls_reload(struct cc_tls *tls, struct cc_error *err)
{
    return load(tls, err);
}

static void tell(struct cc_tls *tls, bool *flag)
{
    const uint64_t one = 1;

    pthread_mutex_lock(&tls->lock);
    *flag = true;
    pthread_mutex_unlock(&tls->lock);
    if (write(tls->event_fd, &one, sizeof(one)) < 0)
        cc_log(CC_LOG_ERROR, "the TLS thread could not be woken", NULL);
}

void cc_tls_quiesce(struct cc_tls *tls)
{
    tell(tls, &tls->quiesced);
}

void cc_tls_stop(struct cc_tls *tls)
{
    if (tls == NULL)
        return;
    cc_tls_quiesce(tls);
    tell(tls, &tls->stopping);
    pthread_join(tls->thread, NULL);
    destroy(tls);
}
