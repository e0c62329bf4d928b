/*
 * The thread "tls": one epoll loop that owns every TLS connection, each a pair of sockets, the
 * client's and the plain one that the server holds the other end of. Level-triggered; one TLS
 * record a turn, so that nobody starves the rest and nothing waits unseen inside OpenSSL. A
 * connection's life: shaking hands -> open -> lingering (our end was said, the client's is awaited)
 * -> gone.
 */
#include "common/tls_front.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <openssl/err.h>

#include "common/alloc.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/tcp.h"
#include "common/unsent.h"

#include "tls_context.h"

#define EVENTS_MAX      256
#define RECORD_BYTES    16384
#define INSIDE_BYTES    65536 /* what the kernel keeps of an answer for a slow reader */
#define TICK_MS         250
#define HANDSHAKE_MS    10000
#define BEHIND_MS       30000 /* to take all that is there; as for an answer over a plain socket */
#define LINGER_MS       1000
#define STOP_MS         500
#define CONNECTIONS_MAX 40000
#define CROWD           100  /* handshakes after which the heap is full of holes, */
#define CROWD_OVER_MS   2000 /* which go back to the kernel once nobody shakes hands any more */

enum state { SHAKING, OPEN, LINGERING, GONE };

struct connection;
struct end { /* what epoll knows of a socket */
    struct connection *connection;
    int fd;
    uint32_t watched;
};
struct connection {
    struct cc_tls *tls;
    struct connection *previous, *next;
    enum state state;
    SSL *ssl;
    struct end client, inside;
    struct cc_unsent to_client, to_inside;
    bool client_ended, inside_ended, inside_told;
    bool inside_deaf;    /* it reads no more; what it has answered still goes out */
    bool read_wants_out; /* TLS has to write before it can read on */
    int64_t deadline_ms; /* monotonic; INT64_MAX = none runs; while open: to catch up */
    struct sockaddr_storage peer;
    socklen_t peer_length;
};

struct cc_tls {
    struct cc_tls_options options;
    char *certificate, *key;
    int epoll_fd, event_fd;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; /* context, quiesced, stopping */
    SSL_CTX *context;
    bool quiesced, stopping;
    /* The thread's own. */
    struct connection *connections, *gone;
    size_t count;
    bool listening;
    int64_t next_tick_ms;
    size_t crowd; /* handshakes since memory was given back */
    int64_t last_handshake_ms;
    struct cc_counter *failed_counter, *accepted_counter, *behind_counter;
    struct cc_gauge *open_gauge;
    char scratch[RECORD_BYTES];
};

static int64_t now_ms(const struct cc_tls *tls)
{
    return cc_mono_ms(tls->options.clock);
}

/* ---- connections ---- */

static void watch(struct end *end, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = end};
    int operation = events == 0 ? EPOLL_CTL_DEL : end->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

    if (end->fd < 0 || end->watched == events)
        return;
    if (epoll_ctl(end->connection->tls->epoll_fd, operation, end->fd, &event) == 0)
        end->watched = events;
}

static void close_end(struct end *end)
{
    if (end->fd >= 0)
        close(end->fd); /* which also leaves the epoll set: no duplicate exists */
    end->fd = -1;
}

static bool meet_peer(struct cc_tls *tls, const struct sockaddr_storage *peer)
{
    return tls->options.peer_came == NULL ||
           tls->options.peer_came(tls->options.arg, (const struct sockaddr *)peer);
}

static void part_from_peer(struct cc_tls *tls, const struct sockaddr_storage *peer)
{
    if (tls->options.peer_left != NULL)
        tls->options.peer_left(tls->options.arg, (const struct sockaddr *)peer);
}

/* The memory lives until no event of this batch can mention it. */
static void end_connection(struct connection *connection)
{
    struct cc_tls *tls = connection->tls;

    if (connection->state == GONE)
        return;
    connection->state = GONE;
    close_end(&connection->client);
    close_end(&connection->inside);
    SSL_free(connection->ssl);
    cc_unsent_finish(&connection->to_client);
    cc_unsent_finish(&connection->to_inside);
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        tls->connections = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    connection->next = tls->gone;
    tls->gone = connection;
    tls->count--;
    cc_gauge_add(tls->open_gauge, -1);
    part_from_peer(tls, &connection->peer);
}

static void free_gone(struct cc_tls *tls)
{
    while (tls->gone != NULL) {
        struct connection *next = tls->gone->next;

        cc_free(tls->gone);
        tls->gone = next;
    }
}

static SSL *new_session(struct cc_tls *tls, int fd)
{
    SSL *ssl;

    pthread_mutex_lock(&tls->lock);
    ssl = SSL_new(tls->context);
    pthread_mutex_unlock(&tls->lock);
    if (ssl != NULL && SSL_set_fd(ssl, fd) == 1) {
        SSL_set_accept_state(ssl);
        return ssl;
    }
    SSL_free(ssl);
    return NULL;
}

static void add_connection(struct cc_tls *tls, int fd, const struct sockaddr_storage *peer,
                           socklen_t peer_length)
{
    SSL *ssl = meet_peer(tls, peer) && tls->count < CONNECTIONS_MAX ? new_session(tls, fd) : NULL;
    struct connection *connection;

    if (ssl == NULL) {
        close(fd);
        part_from_peer(tls, peer);
        return;
    }
    cc_tcp_prepare(fd);
    connection = cc_calloc(1, sizeof(*connection));
    connection->tls = tls;
    connection->ssl = ssl;
    connection->client = (struct end){.connection = connection, .fd = fd};
    connection->inside = (struct end){.connection = connection, .fd = -1};
    connection->peer = *peer;
    connection->peer_length = peer_length;
    connection->deadline_ms = now_ms(tls) + HANDSHAKE_MS;
    connection->next = tls->connections;
    if (connection->next != NULL)
        connection->next->previous = connection;
    tls->connections = connection;
    tls->count++;
    cc_counter_add(tls->accepted_counter, 1);
    cc_gauge_add(tls->open_gauge, 1);
    watch(&connection->client, EPOLLIN);
}

/* ---- carrying ---- */

/* What OpenSSL took; 0 when it must wait, -1 when the connection is broken. */
static int write_tls(struct connection *connection, const char *bytes, size_t count)
{
    int written, error;

    ERR_clear_error();
    written = SSL_write(connection->ssl, bytes, (int)count);
    if (written > 0)
        return written;
    error = SSL_get_error(connection->ssl, written);
    return error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ ? 0 : -1;
}

static bool send_to_client(struct connection *connection, const char *bytes, size_t count)
{
    int written = write_tls(connection, bytes, count);

    if (written < 0)
        return false;
    if ((size_t)written < count)
        cc_unsent_keep(&connection->to_client, bytes + written, count - (size_t)written);
    return true;
}

static bool flush_to_client(struct connection *connection)
{
    struct cc_unsent *unsent = &connection->to_client;
    int written = write_tls(connection, unsent->bytes + unsent->first, unsent->count);

    if (written < 0)
        return false;
    cc_unsent_drop(unsent, (size_t)written);
    return true;
}

/* One record. False when the connection is broken. */
static bool read_client(struct connection *connection)
{
    char *scratch = connection->tls->scratch;
    int got, error;

    ERR_clear_error();
    got = SSL_read(connection->ssl, scratch, RECORD_BYTES);
    error = got > 0 ? SSL_ERROR_NONE : SSL_get_error(connection->ssl, got);
    connection->read_wants_out = error == SSL_ERROR_WANT_WRITE;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return true;
    if (error == SSL_ERROR_ZERO_RETURN) {
        connection->client_ended = true;
        return true;
    }
    if (got <= 0)
        return false;
    if (!connection->inside_deaf)
        connection->inside_deaf =
            !cc_unsent_send(&connection->to_inside, connection->inside.fd, scratch, (size_t)got);
    return true;
}

static bool read_inside(struct connection *connection)
{
    char *scratch = connection->tls->scratch;
    ssize_t got = recv(connection->inside.fd, scratch, RECORD_BYTES, 0);

    if (got < 0)
        return cc_would_block();
    if (got == 0) {
        connection->inside_ended = true;
        return true;
    }
    return send_to_client(connection, scratch, (size_t)got);
}

/* ---- ending ---- */

/* The server is done and everything is sent: our end is said, and the client's awaited, because
 * closing over unread bytes would reset the connection and cost the client the answer. */
static void linger(struct connection *connection)
{
    connection->state = LINGERING;
    SSL_shutdown(connection->ssl);
    ERR_clear_error();
    shutdown(connection->client.fd, SHUT_WR);
    close_end(&connection->inside);
    connection->deadline_ms = now_ms(connection->tls) + LINGER_MS;
    watch(&connection->client, EPOLLIN);
}

static void drain_lingering(struct connection *connection)
{
    ssize_t got = recv(connection->client.fd, connection->tls->scratch, RECORD_BYTES, 0);

    if (got == 0 || (got < 0 && !cc_would_block()))
        end_connection(connection);
}

/* A client is behind from the first byte that it could not take until it has taken all there is:
 * what it takes meanwhile does not give it more time. */
static void notice_behind(struct connection *connection)
{
    if (connection->to_client.bytes != NULL && connection->deadline_ms == INT64_MAX)
        connection->deadline_ms = now_ms(connection->tls) + BEHIND_MS;
}

/* Seen at ticks only: in between the server may just not have refilled what was taken. */
static bool has_caught_up(const struct connection *connection)
{
    int unread = 0;

    return connection->state == OPEN && connection->deadline_ms != INT64_MAX &&
           connection->to_client.bytes == NULL &&
           ioctl(connection->inside.fd, FIONREAD, &unread) == 0 && unread == 0;
}

static void settle(struct connection *connection)
{
    uint32_t client_events = 0, inside_events = 0;

    if (connection->inside_ended && connection->to_client.bytes == NULL) {
        linger(connection);
        return;
    }
    notice_behind(connection);
    if (connection->client_ended && connection->to_inside.bytes == NULL &&
        !connection->inside_told) {
        shutdown(connection->inside.fd, SHUT_WR);
        connection->inside_told = true;
    }
    if (!connection->client_ended && connection->to_inside.bytes == NULL)
        client_events |= EPOLLIN;
    if (connection->to_client.bytes != NULL || connection->read_wants_out)
        client_events |= EPOLLOUT;
    if (!connection->inside_ended && connection->to_client.bytes == NULL)
        inside_events |= EPOLLIN;
    if (connection->to_inside.bytes != NULL)
        inside_events |= EPOLLOUT;
    watch(&connection->client, client_events);
    watch(&connection->inside, inside_events);
}

/* ---- shaking hands ---- */

/* Not while the server behind is being stopped. */
static bool hand_over(struct connection *connection, int fd)
{
    struct cc_tls *tls = connection->tls;
    bool taken;

    pthread_mutex_lock(&tls->lock);
    if (tls->quiesced) {
        close(fd);
        taken = false;
    } else {
        taken =
            tls->options.hand_over(tls->options.arg, fd, (const struct sockaddr *)&connection->peer,
                                   connection->peer_length);
    }
    pthread_mutex_unlock(&tls->lock);
    return taken;
}

static void open_inside(struct connection *connection)
{
    const int bytes = INSIDE_BYTES;
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) {
        end_connection(connection);
        return;
    }
    setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    connection->inside.fd = fds[0];
    if (!hand_over(connection, fds[1])) {
        end_connection(connection);
        return;
    }
    connection->state = OPEN;
    connection->deadline_ms = INT64_MAX;
    connection->tls->crowd++;
    connection->tls->last_handshake_ms = now_ms(connection->tls);
    settle(connection);
}

static void shake_hands(struct connection *connection)
{
    int result, error;

    ERR_clear_error();
    result = SSL_do_handshake(connection->ssl);
    if (result == 1) {
        open_inside(connection);
        return;
    }
    error = SSL_get_error(connection->ssl, result);
    if (error == SSL_ERROR_WANT_READ) {
        watch(&connection->client, EPOLLIN);
    } else if (error == SSL_ERROR_WANT_WRITE) {
        watch(&connection->client, EPOLLOUT);
    } else {
        cc_counter_add(connection->tls->failed_counter, 1);
        end_connection(connection);
    }
}

/* ---- events ---- */

static void on_open(struct connection *connection, bool is_client, uint32_t events)
{
    bool alive = true;
    bool readable = (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;

    if (is_client) {
        if (connection->to_client.bytes != NULL && (events & EPOLLOUT) != 0)
            alive = flush_to_client(connection);
        if (alive && !connection->client_ended && connection->to_inside.bytes == NULL &&
            (readable || connection->read_wants_out))
            alive = read_client(connection);
    } else {
        if (connection->to_inside.bytes != NULL && (events & (EPOLLOUT | EPOLLHUP)) != 0)
            connection->inside_deaf =
                !cc_unsent_flush(&connection->to_inside, connection->inside.fd);
        if (!connection->inside_ended && connection->to_client.bytes == NULL && readable)
            alive = read_inside(connection);
    }
    if (alive)
        settle(connection);
    else
        end_connection(connection);
}

static void on_event(struct end *end, uint32_t events)
{
    struct connection *connection = end->connection;

    switch (connection->state) {
    case SHAKING:
        shake_hands(connection);
        break;
    case OPEN:
        on_open(connection, end == &connection->client, events);
        break;
    case LINGERING:
        drain_lingering(connection);
        break;
    case GONE:
        break;
    }
}

/* ---- the thread ---- */

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
        add_connection(tls, fd, &peer, length);
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

static void expire(struct connection *connection)
{
    if (connection->state == OPEN)
        cc_counter_add(connection->tls->behind_counter, 1);
    end_connection(connection);
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
    int64_t now = now_ms(tls);
    struct connection *next;

    if (now < tls->next_tick_ms)
        return;
    tls->next_tick_ms = now + TICK_MS;
    listen_for(tls, !quiesced);
    give_memory_back(tls, now);
    for (struct connection *connection = tls->connections; connection != NULL; connection = next) {
        next = connection->next;
        if (has_caught_up(connection))
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
            on_event(events[i].data.ptr, events[i].events);
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
            stop_at_ms = now_ms(tls) + STOP_MS;
        if (now_ms(tls) >= stop_at_ms)
            break;
        tick(tls, quiesced);
        free_gone(tls);
        if (tls->count > 0 || stop_at_ms == INT64_MAX)
            handle_events(tls);
        free_gone(tls);
    }
    while (tls->connections != NULL)
        end_connection(tls->connections);
    free_gone(tls);
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
