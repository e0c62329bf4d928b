/*
 * The tunnels' thread: one epoll loop that owns every tunnel. Others reach it through a mailbox and
 * an eventfd: listener threads with new requests and with the client's socket after the 101.
 *
 * A tunnel's life: connecting -> asking (request out, answer head in) -> either a plain answer, or
 * answered (101 is on its way to the client) -> pumping -> gone. In the first two the HTTP request
 * is still ours to complete.
 */

#include "proxy/tunnel.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "app.h"
#include "common/alloc.h"
#include "common/log.h"
#include "common/metrics.h"
#include "proxy/address_counts.h"
#include "proxy/upgrade_answer.h"

#define EVENTS_MAX      256
#define SCRATCH_BYTES   (64 * 1024)
#define TICK_MS         100
#define CONNECT_MS      300
#define ANSWER_MS       5000
#define USER_TIMEOUT_MS 20000 /* unacknowledged bytes: the peer is gone */

enum state { CONNECTING, ASKING, ANSWERED, PUMPING, GONE };

struct tunnel;
struct side {
    struct tunnel *tunnel;
    int fd; /* -1 = none */
    uint32_t watched;
    bool ended;    /* it sends no more */
    bool shut;     /* we send no more to it */
    bool deaf;     /* it takes no more; what it has said still goes on */
    char *pending; /* what it could not take yet; NULL = nothing */
    uint32_t pending_first, pending_count;
};
struct tunnel {
    struct gateway_tunnels *tunnels;
    struct tunnel **list; /* the one it is in */
    struct tunnel *previous, *next;
    enum state state;
    struct side client, server;
    struct cc_target_turn turn; /* which websocket-gateway */
    bool reported;              /* whether it answered has been told */
    struct gateway_address *address;
    struct asking *asking; /* until the request is completed */
};

/* The part that is only needed before the pump runs. */
struct asking {
    struct gateway_tunnel_request request;
    char *head; /* what is being sent */
    size_t head_count, head_sent;
    struct cc_strbuf answer;
    int64_t deadline_ms;
};

struct mail {
    struct mail *next;
    struct tunnel *tunnel; /* the client's socket for it ... */
    int fd;
    struct gateway_tunnel_request request; /* ... or, with tunnel NULL, a new one */
    struct gateway_address *address;
    size_t extra_count;
    char extra[];
};

struct gateway_tunnels {
    const struct cc_clock *clock;
    struct gateway_upstreams *upstreams;
    struct gateway_addresses *addresses; /* how many each holds */
    int64_t max_count;
    _Atomic int64_t count;
    int epoll_fd, event_fd;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; /* the mailbox, stopping, the drain */
    struct mail *mail_first, *mail_last;
    bool stopping;
    int64_t drain_from_ms, drain_until_ms, drain_count; /* until_ms 0 = not draining */
    /* The thread's own. */
    struct tunnel *asking, *answered; /* by whether a deadline runs */
    struct tunnel *gone;              /* freed after the current batch of events */
    int64_t next_expiry_ms;
    struct cc_gauge *open_gauge;
    struct cc_counter *failed_counter;
    char scratch[SCRATCH_BYTES];
};

/* ---- sides ---- */

/* A side that waits for nothing leaves the epoll set, which would go on telling of its hang-up. */
static void watch(struct side *side, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = side};
    int operation = events == 0          ? EPOLL_CTL_DEL
                    : side->watched == 0 ? EPOLL_CTL_ADD
                                         : EPOLL_CTL_MOD;

    if (side->fd < 0 || side->watched == events)
        return;
    if (epoll_ctl(side->tunnel->tunnels->epoll_fd, operation, side->fd, &event) == 0)
        side->watched = events;
}

/* The client's descriptor is a duplicate: closing it would leave neither the epoll set nor the wire
 * as long as the listener still holds its own, hence both are said aloud. */
static void close_side(struct side *side)
{
    if (side->fd >= 0) {
        watch(side, 0);
        shutdown(side->fd, SHUT_RDWR);
        close(side->fd);
    }
    side->fd = -1;
    side->watched = 0;
    cc_free(side->pending);
    side->pending = NULL;
    side->pending_count = 0;
}

static void prepare_socket(int fd)
{
    const int on = 1, user_timeout_ms = USER_TIMEOUT_MS;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof(user_timeout_ms));
}

static bool would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* ---- tunnels ---- */

static void link_tunnel(struct tunnel *tunnel, struct tunnel **list)
{
    tunnel->list = list;
    tunnel->previous = NULL;
    tunnel->next = *list;
    if (tunnel->next != NULL)
        tunnel->next->previous = tunnel;
    *list = tunnel;
}

static void unlink_tunnel(struct tunnel *tunnel)
{
    if (tunnel->previous != NULL)
        tunnel->previous->next = tunnel->next;
    else
        *tunnel->list = tunnel->next;
    if (tunnel->next != NULL)
        tunnel->next->previous = tunnel->previous;
}

static struct tunnel *create_tunnel(struct gateway_tunnels *tunnels)
{
    struct tunnel *tunnel = cc_calloc(1, sizeof(*tunnel));

    tunnel->tunnels = tunnels;
    tunnel->client = (struct side){.tunnel = tunnel, .fd = -1};
    tunnel->server = (struct side){.tunnel = tunnel, .fd = -1};
    link_tunnel(tunnel, &tunnels->asking);
    return tunnel;
}

static void free_asking(struct tunnel *tunnel)
{
    if (tunnel->asking == NULL)
        return;
    cc_free(tunnel->asking->head);
    cc_strbuf_finish(&tunnel->asking->answer);
    cc_free(tunnel->asking);
    tunnel->asking = NULL;
}

/* ---- the websocket-gateway of a tunnel ---- */

static struct cc_targets *targets_of(const struct tunnel *tunnel)
{
    return gateway_upstream_targets(tunnel->tunnels->upstreams, GATEWAY_WEBSOCKET);
}

static void report(struct tunnel *tunnel, enum cc_outcome outcome, bool unreachable)
{
    if (tunnel->turn.taken && !tunnel->reported)
        cc_targets_report(targets_of(tunnel), &tunnel->turn, outcome, unreachable);
    tunnel->reported = true;
}

static void leave_instance(struct tunnel *tunnel, enum cc_outcome outcome, bool unreachable)
{
    report(tunnel, outcome, unreachable);
    cc_targets_release(targets_of(tunnel), &tunnel->turn);
}

/* Closes both sides; the memory lives until no event of this batch can mention it. */
static void end_tunnel(struct tunnel *tunnel)
{
    struct gateway_tunnels *tunnels = tunnel->tunnels;

    if (tunnel->state == GONE)
        return;
    if (tunnel->state == PUMPING)
        cc_gauge_add(tunnels->open_gauge, -1);
    tunnel->state = GONE;
    leave_instance(tunnel, CC_OUTCOME_NEUTRAL, false);
    gateway_address_release(tunnels->addresses, tunnel->address);
    close_side(&tunnel->client);
    close_side(&tunnel->server);
    free_asking(tunnel);
    unlink_tunnel(tunnel);
    tunnel->next = tunnels->gone;
    tunnels->gone = tunnel;
    atomic_fetch_sub(&tunnels->count, 1);
}

static void free_gone(struct gateway_tunnels *tunnels)
{
    while (tunnels->gone != NULL) {
        struct tunnel *next = tunnels->gone->next;

        cc_free(tunnels->gone);
        tunnels->gone = next;
    }
}

/* Ends the request and the tunnel. */
static void refuse(struct tunnel *tunnel, enum cc_code code, const char *reason)
{
    struct cc_request *req = tunnel->asking->request.req;
    struct cc_error err = {0};

    cc_counter_add(tunnel->tunnels->failed_counter, 1);
    cc_fail_detail(&err, code, "%s", reason);
    report(tunnel, code == CC_UNAVAILABLE ? CC_OUTCOME_NEUTRAL : CC_OUTCOME_FAILED, false);
    end_tunnel(tunnel);
    cc_request_complete(req, code, &err);
}

/* ---- connecting ---- */

static bool connect_to(struct tunnel *tunnel)
{
    struct sockaddr_storage address;
    socklen_t length;
    int fd;

    if (!gateway_upstream_address(tunnel->tunnels->upstreams, GATEWAY_WEBSOCKET, tunnel->turn.index,
                                  &address, &length))
        return false;
    fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    if (connect(fd, (struct sockaddr *)&address, length) != 0 && errno != EINPROGRESS) {
        close(fd);
        return false;
    }
    prepare_socket(fd);
    tunnel->server.fd = fd;
    return true;
}

static void write_head(const struct tunnel *tunnel)
{
    struct asking *asking = tunnel->asking;
    struct cc_strbuf head;

    cc_strbuf_init(&head, 32 * 1024);
    cc_strbuf_append_text(&head, asking->request.head_start);
    cc_strbuf_append_text(&head, gateway_upstream_authority(tunnel->tunnels->upstreams,
                                                            GATEWAY_WEBSOCKET, tunnel->turn.index));
    cc_strbuf_append_text(&head, asking->request.head_rest);
    cc_free(asking->head);
    asking->head = cc_strbuf_take(&head, &asking->head_count);
    asking->head_sent = 0;
    cc_strbuf_reset(&asking->answer);
}

static void connect_next(struct tunnel *tunnel)
{
    struct asking *asking = tunnel->asking;

    close_side(&tunnel->server);
    leave_instance(tunnel, CC_OUTCOME_NEUTRAL, false); /* unless it was told already */
    while (cc_targets_take(targets_of(tunnel), asking->request.key, &tunnel->turn)) {
        tunnel->reported = false;
        if (connect_to(tunnel)) {
            tunnel->state = CONNECTING;
            asking->deadline_ms = cc_mono_ms(tunnel->tunnels->clock) + CONNECT_MS;
            watch(&tunnel->server, EPOLLOUT);
            return;
        }
        leave_instance(tunnel, CC_OUTCOME_FAILED, true);
    }
    refuse(tunnel, CC_UNAVAILABLE, "no websocket-gateway takes connections");
}

static void finish_connecting(struct tunnel *tunnel)
{
    struct asking *asking = tunnel->asking;
    socklen_t length = sizeof(int);
    int error = 0;

    if (getsockopt(tunnel->server.fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0) {
        leave_instance(tunnel, CC_OUTCOME_FAILED, true);
        connect_next(tunnel);
        return;
    }
    write_head(tunnel);
    tunnel->state = ASKING;
    asking->deadline_ms = cc_mono_ms(tunnel->tunnels->clock) + ANSWER_MS;
}

/* ---- asking ---- */

static void take_client(int fd, const void *extra, size_t extra_count, void *arg);

/* The 101 goes to the client; what the server sent behind it waits as pending bytes. */
static void accept_upgrade(struct tunnel *tunnel, const struct gateway_upgrade_answer *answer)
{
    struct cc_request *req = tunnel->asking->request.req;
    struct cc_response *res = tunnel->asking->request.res;
    size_t rest_count = tunnel->asking->answer.length - answer->head_count;

    cc_response_header(res, "Sec-WebSocket-Accept", answer->accept);
    if (answer->protocol[0] != '\0')
        cc_response_header(res, "Sec-WebSocket-Protocol", answer->protocol);
    cc_response_upgrade(res, "Upgrade", "websocket", take_client, tunnel);
    if (rest_count > 0) {
        tunnel->client.pending = cc_alloc(rest_count);
        memcpy(tunnel->client.pending, tunnel->asking->answer.data + answer->head_count,
               rest_count);
        tunnel->client.pending_count = (uint32_t)rest_count;
    }
    report(tunnel, CC_OUTCOME_GOOD, false);
    free_asking(tunnel);
    unlink_tunnel(tunnel);
    link_tunnel(tunnel, &tunnel->tunnels->answered);
    tunnel->state = ANSWERED;
    watch(&tunnel->server, 0); /* nothing is read before there is somebody to give it to */
    cc_request_complete(req, CC_OK, NULL);
}

/* The websocket-gateway said no: its answer is the answer. */
static void pass_refusal(struct tunnel *tunnel, const struct gateway_upgrade_answer *answer)
{
    struct cc_request *req = tunnel->asking->request.req;
    struct cc_response *res = tunnel->asking->request.res;

    report(tunnel, answer->status == 503 ? CC_OUTCOME_FAILED : CC_OUTCOME_GOOD, false);
    cc_response_status(res, answer->status);
    if (answer->retry_after[0] != '\0')
        cc_response_header(res, "Retry-After", answer->retry_after);
    if (answer->body_count > 0)
        cc_response_body(res, answer->content_type,
                         tunnel->asking->answer.data + answer->head_count, answer->body_count);
    end_tunnel(tunnel);
    cc_request_complete(req, CC_OK, NULL);
}

static bool has_more_turns(const struct tunnel *tunnel)
{
    return tunnel->turn.attempts < (int)cc_targets_count(targets_of(tunnel));
}

static void read_answer(struct tunnel *tunnel, bool at_end)
{
    struct gateway_upgrade_answer answer;

    switch (gateway_upgrade_answer_read(cc_strbuf_text(&tunnel->asking->answer),
                                        tunnel->asking->answer.length, at_end, &answer)) {
    case GATEWAY_UPGRADE_INCOMPLETE:
        if (at_end || tunnel->asking->answer.overflowed)
            refuse(tunnel, CC_BAD_GATEWAY, "the websocket-gateway's answer broke off");
        return;
    case GATEWAY_UPGRADE_MALFORMED:
        refuse(tunnel, CC_BAD_GATEWAY, "the websocket-gateway's answer is malformed");
        return;
    case GATEWAY_UPGRADE_ACCEPTED:
        accept_upgrade(tunnel, &answer);
        return;
    case GATEWAY_UPGRADE_REFUSED:
        if (answer.status == 503 && has_more_turns(tunnel)) {
            report(tunnel, CC_OUTCOME_FAILED, false);
            connect_next(tunnel);
        } else {
            pass_refusal(tunnel, &answer);
        }
        return;
    }
}

/* Without a word: nothing was done, so another one may be asked. */
static void hung_up(struct tunnel *tunnel)
{
    leave_instance(tunnel, CC_OUTCOME_FAILED, true);
    connect_next(tunnel);
}

static void send_head(struct tunnel *tunnel)
{
    struct asking *asking = tunnel->asking;
    ssize_t sent = send(tunnel->server.fd, asking->head + asking->head_sent,
                        asking->head_count - asking->head_sent, MSG_NOSIGNAL);

    if (sent < 0 && !would_block()) {
        hung_up(tunnel);
        return;
    }
    asking->head_sent += sent > 0 ? (size_t)sent : 0;
    watch(&tunnel->server, asking->head_sent < asking->head_count ? EPOLLOUT : EPOLLIN);
}

static void receive_answer(struct tunnel *tunnel)
{
    struct gateway_tunnels *tunnels = tunnel->tunnels;
    ssize_t got = recv(tunnel->server.fd, tunnels->scratch, SCRATCH_BYTES, 0);

    if (got < 0 && would_block())
        return;
    if (got <= 0 && tunnel->asking->answer.length == 0) {
        hung_up(tunnel);
        return;
    }
    if (got > 0)
        cc_strbuf_append(&tunnel->asking->answer, tunnels->scratch, (size_t)got);
    read_answer(tunnel, got <= 0);
}

/* ---- pumping ---- */

static struct side *other(struct side *side)
{
    struct tunnel *tunnel = side->tunnel;

    return side == &tunnel->client ? &tunnel->server : &tunnel->client;
}

static void watch_pumping(struct side *side)
{
    uint32_t events = 0;

    if (!side->ended && other(side)->pending == NULL)
        events |= EPOLLIN;
    if (side->pending != NULL)
        events |= EPOLLOUT;
    watch(side, events);
}

/* Passes an end of stream on, once everything before it is through; ends the tunnel after both. */
static void settle(struct tunnel *tunnel)
{
    struct side *sides[] = {&tunnel->client, &tunnel->server};

    for (size_t i = 0; i < 2; i++)
        if (other(sides[i])->ended && sides[i]->pending == NULL && !sides[i]->shut) {
            shutdown(sides[i]->fd, SHUT_WR);
            sides[i]->shut = true;
        }
    if (tunnel->client.shut && tunnel->server.shut) {
        end_tunnel(tunnel);
        return;
    }
    watch_pumping(&tunnel->client);
    watch_pumping(&tunnel->server);
}

static void keep_pending(struct side *side, const char *bytes, size_t count)
{
    side->pending = cc_alloc(count);
    memcpy(side->pending, bytes, count);
    side->pending_first = 0;
    side->pending_count = (uint32_t)count;
}

static void drop_pending(struct side *side)
{
    cc_free(side->pending);
    side->pending = NULL;
    side->pending_count = 0;
}

static void flush(struct side *side)
{
    ssize_t sent =
        send(side->fd, side->pending + side->pending_first, side->pending_count, MSG_NOSIGNAL);

    if (sent < 0 && would_block())
        return;
    if (sent < 0) {
        side->deaf = true;
        drop_pending(side);
        return;
    }
    side->pending_first += (uint32_t)sent;
    side->pending_count -= (uint32_t)sent;
    if (side->pending_count == 0)
        drop_pending(side);
}

/* From one side to the other, at most one scratch buffer a turn so that no tunnel starves the rest.
 * False when nothing more can be read. */
static bool pump(struct side *from)
{
    struct side *to = other(from);
    char *scratch = from->tunnel->tunnels->scratch;
    ssize_t got = recv(from->fd, scratch, SCRATCH_BYTES, 0), sent;

    if (got < 0)
        return would_block();
    if (got == 0) {
        from->ended = true;
        return true;
    }
    if (to->deaf)
        return true;
    sent = send(to->fd, scratch, (size_t)got, MSG_NOSIGNAL);
    to->deaf = sent < 0 && !would_block();
    if (sent < 0)
        sent = 0;
    if (sent < got && !to->deaf)
        keep_pending(to, scratch + sent, (size_t)(got - sent));
    return true;
}

/* After a reset the kernel still holds what came before it, the close frame above all: an error is
 * read like anything else, and ends the tunnel when nothing is left to read. */
static void on_pumping(struct side *side, uint32_t events)
{
    struct tunnel *tunnel = side->tunnel;
    bool alive = true;

    if (side->pending != NULL && (events & EPOLLOUT) != 0)
        flush(side);
    if (!side->ended && other(side)->pending == NULL &&
        (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        alive = pump(side);
    if (alive)
        settle(tunnel);
    else
        end_tunnel(tunnel);
}

/* ---- events ---- */

static void on_event(struct side *side, uint32_t events)
{
    struct tunnel *tunnel = side->tunnel;

    switch (tunnel->state) {
    case CONNECTING:
        finish_connecting(tunnel);
        if (tunnel->state == ASKING)
            send_head(tunnel);
        break;
    case ASKING:
        if (tunnel->asking->head_sent < tunnel->asking->head_count)
            send_head(tunnel);
        else
            receive_answer(tunnel);
        break;
    case PUMPING:
        on_pumping(side, events);
        break;
    case ANSWERED: /* watches nothing */
    case GONE:
        break;
    }
}

static void expire(struct gateway_tunnels *tunnels)
{
    int64_t now_ms = cc_mono_ms(tunnels->clock);
    struct tunnel *next;

    if (now_ms < tunnels->next_expiry_ms)
        return;
    tunnels->next_expiry_ms = now_ms + TICK_MS;
    for (struct tunnel *tunnel = tunnels->asking; tunnel != NULL; tunnel = next) {
        next = tunnel->next;
        if (tunnel->asking->deadline_ms > now_ms)
            continue;
        leave_instance(tunnel, CC_OUTCOME_FAILED, tunnel->state == CONNECTING);
        if (tunnel->state == CONNECTING) {
            connect_next(tunnel);
        } else {
            refuse(tunnel, CC_TIMEOUT, "the websocket-gateway did not answer");
        }
    }
}

/* ---- the mailbox ---- */

static void post(struct gateway_tunnels *tunnels, struct mail *mail)
{
    const uint64_t one = 1;

    pthread_mutex_lock(&tunnels->lock);
    if (tunnels->mail_last != NULL)
        tunnels->mail_last->next = mail;
    else
        tunnels->mail_first = mail;
    tunnels->mail_last = mail;
    pthread_mutex_unlock(&tunnels->lock);
    if (write(tunnels->event_fd, &one, sizeof(one)) < 0)
        cc_log(CC_LOG_ERROR, "the tunnels' thread could not be woken", NULL);
}

/* On a listener thread, after the 101 was written; fd -1 when it could not be. */
static void take_client(int fd, const void *extra, size_t extra_count, void *arg)
{
    struct tunnel *tunnel = arg;
    struct mail *mail = cc_calloc(1, sizeof(*mail) + extra_count);

    mail->tunnel = tunnel;
    mail->fd = fd;
    mail->extra_count = extra_count;
    if (extra_count > 0)
        memcpy(mail->extra, extra, extra_count);
    post(tunnel->tunnels, mail);
}

static void begin_pumping(struct tunnel *tunnel, const struct mail *mail)
{
    if (mail->fd < 0) {
        end_tunnel(tunnel);
        return;
    }
    fcntl(mail->fd, F_SETFL, fcntl(mail->fd, F_GETFL) | O_NONBLOCK);
    prepare_socket(mail->fd);
    tunnel->client.fd = mail->fd;
    tunnel->state = PUMPING;
    cc_gauge_add(tunnel->tunnels->open_gauge, 1);
    if (mail->extra_count > 0)
        keep_pending(&tunnel->server, mail->extra, mail->extra_count);
    settle(tunnel);
}

static void begin_asking(struct gateway_tunnels *tunnels, const struct mail *mail)
{
    struct tunnel *tunnel = create_tunnel(tunnels);

    tunnel->address = mail->address;
    tunnel->asking = cc_calloc(1, sizeof(*tunnel->asking));
    tunnel->asking->request = mail->request;
    cc_strbuf_init(&tunnel->asking->answer, GATEWAY_UPGRADE_ANSWER_MAX_BYTES);
    connect_next(tunnel);
}

static void read_mail(struct gateway_tunnels *tunnels)
{
    struct mail *mail;

    pthread_mutex_lock(&tunnels->lock);
    mail = tunnels->mail_first;
    tunnels->mail_first = tunnels->mail_last = NULL;
    pthread_mutex_unlock(&tunnels->lock);
    while (mail != NULL) {
        struct mail *next = mail->next;

        if (mail->tunnel != NULL)
            begin_pumping(mail->tunnel, mail);
        else
            begin_asking(tunnels, mail);
        cc_free(mail);
        mail = next;
    }
}

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
    read_mail(tunnels);
    while (tunnels->asking != NULL)
        refuse(tunnels->asking, CC_UNAVAILABLE, "the gateway is stopping");
    while (tunnels->answered != NULL)
        end_tunnel(tunnels->answered);
    free_gone(tunnels);
}

static bool is_draining(struct gateway_tunnels *tunnels)
{
    bool draining;

    pthread_mutex_lock(&tunnels->lock);
    draining = tunnels->drain_until_ms > 0;
    pthread_mutex_unlock(&tunnels->lock);
    return draining;
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
    for (struct tunnel *tunnel = tunnels->answered, *next;
         tunnel != NULL && atomic_load(&tunnels->count) > keep; tunnel = next) {
        next = tunnel->next;
        if (tunnel->state == PUMPING)
            end_tunnel(tunnel);
    }
}

static void *run(void *arg)
{
    struct gateway_tunnels *tunnels = arg;
    struct epoll_event events[EVENTS_MAX];

    pthread_setname_np(pthread_self(), "tunnels");
    while (!is_stopping(tunnels)) {
        int timeout_ms = tunnels->asking != NULL || is_draining(tunnels) ? TICK_MS : -1;
        int count = epoll_wait(tunnels->epoll_fd, events, EVENTS_MAX, timeout_ms);
        uint64_t ignored;

        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr != NULL)
                on_event(events[i].data.ptr, events[i].events);
            else if (read(tunnels->event_fd, &ignored, sizeof(ignored)) > 0)
                read_mail(tunnels);
        }
        expire(tunnels);
        drain_some(tunnels);
        free_gone(tunnels);
    }
    end_all(tunnels);
    return NULL;
}

/* ---- public ---- */

enum cc_code gateway_tunnels_create(const struct cc_clock *clock,
                                    struct gateway_upstreams *upstreams, int64_t max_count,
                                    int64_t max_per_address, struct gateway_tunnels **out,
                                    struct cc_error *err)
{
    struct gateway_tunnels *tunnels = cc_calloc(1, sizeof(*tunnels));
    struct epoll_event event = {.events = EPOLLIN};

    tunnels->clock = clock;
    tunnels->upstreams = upstreams;
    tunnels->addresses = gateway_addresses_create(max_per_address);
    tunnels->max_count = max_count;
    pthread_mutex_init(&tunnels->lock, NULL);
    tunnels->open_gauge = cc_gauge_get("gateway_tunnels_open", "WebSocket tunnels open now", NULL);
    tunnels->failed_counter = cc_counter_get("gateway_tunnels_failed_total",
                                             "WebSocket upgrades that reached no gateway", NULL);
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
    address = gateway_address_take(tunnels->addresses, cc_request_arena(request->req),
                                   cc_request_peer(request->req));
    if (address == NULL) {
        atomic_fetch_sub(&tunnels->count, 1);
        cc_fail(err, CC_RATE_LIMITED, NULL, "Too many connections of this address");
        return cc_fail_retry_after(err, 5000);
    }
    mail = cc_calloc(1, sizeof(*mail));
    mail->fd = -1;
    mail->request = *request;
    mail->address = address;
    post(tunnels, mail);
    return CC_OK;
}
