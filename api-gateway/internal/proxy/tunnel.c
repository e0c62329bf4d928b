/*
 * The tunnels' thread: one epoll loop that owns every tunnel. Others reach it through a mailbox and
 * an eventfd: listener threads with new requests and with the client's socket after the 101.
 *
 * A tunnel's life: connecting -> asking (request out, answer head in) -> either a plain answer, or
 * answered (101 is on its way to the client) -> pumping -> gone. In the first two the HTTP request
 * is still ours to complete.
 */

#include "proxy/tunnel_private.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"

#define EVENTS_MAX 256
#define TICK_MS    100

/* ---- events ---- */

static void on_event(struct side *side, uint32_t events)
{
    struct tunnel *tunnel = side->tunnel;

    switch (tunnel->state) {
    case CONNECTING:
        tunnel_on_connecting(tunnel);
        break;
    case ASKING:
        tunnel_on_asking(tunnel);
        break;
    case PUMPING:
        tunnel_on_pumping(side, events);
        break;
    case ANSWERED: /* watches nothing */
    case GONE:
        break;
    }
}

static void expire_asking(struct gateway_tunnels *tunnels, int64_t now_ms)
{
    struct tunnel *next;

    for (struct tunnel *tunnel = tunnels->asking; tunnel != NULL; tunnel = next) {
        next = tunnel->next;
        if (tunnel->asking->deadline_ms > now_ms)
            continue;
        tunnel_leave_instance(tunnel, CC_OUTCOME_FAILED, tunnel->state == CONNECTING);
        if (tunnel->state == CONNECTING) {
            tunnel_connect_next(tunnel);
        } else {
            tunnel_refuse(tunnel, CC_TIMEOUT, "the websocket-gateway did not answer");
        }
    }
}

static bool is_late(const struct side *side, int64_t now_ms)
{
    return side->behind_until_ms != 0 && side->behind_until_ms <= now_ms;
}

static void expire_behind(struct gateway_tunnels *tunnels, int64_t now_ms)
{
    struct tunnel *next;

    for (struct tunnel *tunnel = tunnels->behind; tunnel != NULL; tunnel = next) {
        next = tunnel->next;
        if (!is_late(&tunnel->client, now_ms) && !is_late(&tunnel->server, now_ms))
            continue;
        cc_counter_add(tunnels->behind_counter, 1);
        tunnel_end(tunnel);
    }
}

static void expire(struct gateway_tunnels *tunnels)
{
    int64_t now_ms = cc_mono_ms(tunnels->clock);

    if (now_ms < tunnels->next_expiry_ms)
        return;
    tunnels->next_expiry_ms = now_ms + TICK_MS;
    expire_asking(tunnels, now_ms);
    expire_behind(tunnels, now_ms);
}

/* ---- the thread ---- */

static bool is_stopping(struct gateway_tunnels *tunnels)
{
    bool stopping;

    pthread_mutex_lock(&tunnels->lock);
    stopping = tunnels->stopping;
    pthread_mutex_unlock(&tunnels->lock);
    return stopping;
}

static void end_all(struct gateway_tunnels *tunnels)
{
    tunnels_read_mail(tunnels);
    while (tunnels->asking != NULL)
        tunnel_refuse(tunnels->asking, CC_UNAVAILABLE, "the gateway is stopping");
    while (tunnels->answered != NULL)
        tunnel_end(tunnels->answered);
    while (tunnels->behind != NULL)
        tunnel_end(tunnels->behind);
    tunnels_free_gone(tunnels);
}

static bool is_draining(struct gateway_tunnels *tunnels)
{
    bool draining;

    pthread_mutex_lock(&tunnels->lock);
    draining = tunnels->drain_until_ms > 0;
    pthread_mutex_unlock(&tunnels->lock);
    return draining;
}

static void drain_list(struct gateway_tunnels *tunnels, struct tunnel *first, int64_t keep)
{
    for (struct tunnel *tunnel = first, *next;
         tunnel != NULL && atomic_load(&tunnels->count) > keep; tunnel = next) {
        next = tunnel->next;
        if (tunnel->state == PUMPING)
            tunnel_end(tunnel);
    }
}

/* Ends as many tunnels as it takes to be on the straight line from all to none. */
static void drain_some(struct gateway_tunnels *tunnels)
{
    int64_t now_ms = cc_mono_ms(tunnels->clock), span_ms, keep = 0;

    if (!is_draining(tunnels))
        return;
    span_ms = tunnels->drain_until_ms - tunnels->drain_from_ms;
    if (now_ms < tunnels->drain_until_ms)
        keep = (tunnels->drain_count * (tunnels->drain_until_ms - now_ms) + span_ms - 1) / span_ms;
    drain_list(tunnels, tunnels->behind, keep);
    drain_list(tunnels, tunnels->answered, keep);
}

static bool waits_for_time(struct gateway_tunnels *tunnels)
{
    return tunnels->asking != NULL || tunnels->behind != NULL || is_draining(tunnels);
}

static void *run(void *arg)
{
    struct gateway_tunnels *tunnels = arg;
    struct epoll_event events[EVENTS_MAX];

    pthread_setname_np(pthread_self(), "tunnels");
    while (!is_stopping(tunnels)) {
        int count = epoll_wait(tunnels->epoll_fd, events, EVENTS_MAX,
                               waits_for_time(tunnels) ? TICK_MS : -1);
        uint64_t ignored;

        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr != NULL)
                on_event(events[i].data.ptr, events[i].events);
            else if (read(tunnels->event_fd, &ignored, sizeof(ignored)) > 0)
                tunnels_read_mail(tunnels);
        }
        expire(tunnels);
        drain_some(tunnels);
        tunnels_free_gone(tunnels);
    }
    end_all(tunnels);
    return NULL;
}

/* ---- public ---- */

enum cc_code gateway_tunnels_create(const struct cc_clock *clock,
                                    struct gateway_upstreams *upstreams,
                                    const struct gateway_settings *settings,
                                    struct gateway_tunnels **out, struct cc_error *err)
{
    struct gateway_tunnels *tunnels = cc_calloc(1, sizeof(*tunnels));
    struct epoll_event event = {.events = EPOLLIN};

    tunnels->clock = clock;
    tunnels->upstreams = upstreams;
    tunnels->addresses = gateway_addresses_create(settings->tunnels_per_address_max);
    tunnels->max_count = settings->tunnels_max;
    tunnels->behind_ms = settings->tunnel_behind_ms;
    pthread_mutex_init(&tunnels->lock, NULL);
    tunnels->open_gauge = cc_gauge_get("gateway_tunnels_open", "WebSocket tunnels open now", NULL);
    tunnels->failed_counter = cc_counter_get("gateway_tunnels_failed_total",
                                             "WebSocket upgrades that reached no gateway", NULL);
    tunnels->behind_counter = cc_counter_get("gateway_tunnels_behind_total",
                                             "WebSocket tunnels closed because a side did not take "
                                             "what was there",
                                             NULL);
    tunnels->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    tunnels->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (epoll_ctl(tunnels->epoll_fd, EPOLL_CTL_ADD, tunnels->event_fd, &event) == 0)
        tunnels->has_thread = pthread_create(&tunnels->thread, NULL, run, tunnels) == 0;
    if (!tunnels->has_thread) {
        gateway_tunnels_destroy(tunnels);
        return cc_fail_detail(err, CC_INTERNAL, "the tunnels' thread could not be started");
    }
    *out = tunnels;
    return CC_OK;
}

void gateway_tunnels_destroy(struct gateway_tunnels *tunnels)
{
    const uint64_t one = 1;

    if (tunnels == NULL)
        return;
    pthread_mutex_lock(&tunnels->lock);
    tunnels->stopping = true;
    pthread_mutex_unlock(&tunnels->lock);
    if (tunnels->has_thread && write(tunnels->event_fd, &one, sizeof(one)) > 0)
        pthread_join(tunnels->thread, NULL);
    close(tunnels->epoll_fd);
    close(tunnels->event_fd);
    gateway_addresses_destroy(tunnels->addresses);
    pthread_mutex_destroy(&tunnels->lock);
    cc_free(tunnels);
}

void gateway_tunnels_drain(struct gateway_tunnels *tunnels, int64_t until_mono_ms)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    const uint64_t one = 1;

    pthread_mutex_lock(&tunnels->lock);
    tunnels->drain_from_ms = cc_mono_ms(tunnels->clock);
    if (until_mono_ms <= tunnels->drain_from_ms)
        until_mono_ms = tunnels->drain_from_ms + 1;
    tunnels->drain_until_ms = until_mono_ms;
    tunnels->drain_count = atomic_load(&tunnels->count);
    pthread_mutex_unlock(&tunnels->lock);
    if (write(tunnels->event_fd, &one, sizeof(one)) < 0)
        return;
    while (atomic_load(&tunnels->count) > 0 &&
           cc_mono_ms(tunnels->clock) < until_mono_ms + 2 * TICK_MS)
        nanosleep(&pause, NULL);
}

static enum cc_code refuse_opening(struct gateway_tunnels *tunnels, const char *reason,
                                   struct cc_error *err)
{
    atomic_fetch_sub(&tunnels->count, 1);
    cc_fail(err, CC_UNAVAILABLE, NULL, "%s", reason);
    return cc_fail_retry_after(err, 5000);
}

enum cc_code gateway_tunnels_open(struct gateway_tunnels *tunnels,
                                  const struct gateway_tunnel_request *request,
                                  struct cc_error *err)
{
    struct gateway_address *address;
    struct mail *mail;

    if (atomic_fetch_add(&tunnels->count, 1) >= tunnels->max_count)
        return refuse_opening(tunnels, "Too many connections", err);
    if (is_draining(tunnels))
        return refuse_opening(tunnels, "This gateway is stopping", err);
    address = gateway_address_take(tunnels->addresses, cc_request_peer(request->req));
    if (address == NULL) {
        atomic_fetch_sub(&tunnels->count, 1);
        cc_fail(err, CC_RATE_LIMITED, NULL, "Too many connections of this address");
        return cc_fail_retry_after(err, 5000);
    }
    mail = cc_calloc(1, sizeof(*mail));
    mail->fd = -1;
    mail->request = *request;
    mail->address = address;
    tunnels_post(tunnels, mail);
    return CC_OK;
}
