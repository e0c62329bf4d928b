/* One TLS connection, from its handshake to its end; see tls_connection.h. */

#include "tls_connection.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <openssl/err.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/tcp.h"

#define INSIDE_BYTES    65536 /* what the kernel keeps of an answer for a slow reader */
#define HANDSHAKE_MS    10000
#define BEHIND_MS       30000 /* to take all that is there; as for an answer over a plain socket */
#define LINGER_MS       1000
#define CONNECTIONS_MAX 40000

int64_t tls_now_ms(const struct cc_tls *tls)
{
    return cc_mono_ms(tls->options.clock);
}

/* ---- connections ---- */

static void watch(struct tls_end *end, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = end};
    int operation = events == 0 ? EPOLL_CTL_DEL : end->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

    if (end->fd < 0 || end->watched == events)
        return;
    if (epoll_ctl(end->connection->tls->epoll_fd, operation, end->fd, &event) == 0)
        end->watched = events;
}

static void close_end(struct tls_end *end)
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

void tls_connection_end(struct tls_connection *connection)
{
    struct cc_tls *tls = connection->tls;

    if (connection->state == TLS_GONE)
        return;
    connection->state = TLS_GONE;
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

void tls_free_gone(struct cc_tls *tls)
{
    while (tls->gone != NULL) {
        struct tls_connection *next = tls->gone->next;

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

void tls_connection_add(struct cc_tls *tls, int fd, const struct sockaddr_storage *peer,
                        socklen_t peer_length)
{
    SSL *ssl = meet_peer(tls, peer) && tls->count < CONNECTIONS_MAX ? new_session(tls, fd) : NULL;
    struct tls_connection *connection;

    if (ssl == NULL) {
        close(fd);
        part_from_peer(tls, peer);
        return;
    }
    cc_tcp_prepare(fd);
    connection = cc_calloc(1, sizeof(*connection));
    connection->tls = tls;
    connection->ssl = ssl;
    connection->client = (struct tls_end){.connection = connection, .fd = fd};
    connection->inside = (struct tls_end){.connection = connection, .fd = -1};
    connection->peer = *peer;
    connection->peer_length = peer_length;
    connection->deadline_ms = tls_now_ms(tls) + HANDSHAKE_MS;
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
static int write_tls(struct tls_connection *connection, const char *bytes, size_t count)
{
    int written, error;

    ERR_clear_error();
    written = SSL_write(connection->ssl, bytes, (int)count);
    if (written > 0)
        return written;
    error = SSL_get_error(connection->ssl, written);
    return error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ ? 0 : -1;
}

static bool send_to_client(struct tls_connection *connection, const char *bytes, size_t count)
{
    int written = write_tls(connection, bytes, count);

    if (written < 0)
        return false;
    if ((size_t)written < count)
        cc_unsent_keep(&connection->to_client, bytes + written, count - (size_t)written);
    return true;
}

static bool flush_to_client(struct tls_connection *connection)
{
    struct cc_unsent *unsent = &connection->to_client;
    int written = write_tls(connection, unsent->bytes + unsent->first, unsent->count);

    if (written < 0)
        return false;
    cc_unsent_drop(unsent, (size_t)written);
    return true;
}

/* One record. False when the connection is broken. */
static bool read_client(struct tls_connection *connection)
{
    char *scratch = connection->tls->scratch;
    int got, error;

    ERR_clear_error();
    got = SSL_read(connection->ssl, scratch, TLS_RECORD_BYTES);
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

static bool read_inside(struct tls_connection *connection)
{
    char *scratch = connection->tls->scratch;
    ssize_t got = recv(connection->inside.fd, scratch, TLS_RECORD_BYTES, 0);

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
static void linger(struct tls_connection *connection)
{
    connection->state = TLS_LINGERING;
    SSL_shutdown(connection->ssl);
    ERR_clear_error();
    shutdown(connection->client.fd, SHUT_WR);
    close_end(&connection->inside);
    connection->deadline_ms = tls_now_ms(connection->tls) + LINGER_MS;
    watch(&connection->client, EPOLLIN);
}

static void drain_lingering(struct tls_connection *connection)
{
    ssize_t got = recv(connection->client.fd, connection->tls->scratch, TLS_RECORD_BYTES, 0);

    if (got == 0 || (got < 0 && !cc_would_block()))
        tls_connection_end(connection);
}

/* A client is behind from the first byte that it could not take until it has taken all there is:
 * what it takes meanwhile does not give it more time. */
static void notice_behind(struct tls_connection *connection)
{
    if (connection->to_client.bytes != NULL && connection->deadline_ms == INT64_MAX)
        connection->deadline_ms = tls_now_ms(connection->tls) + BEHIND_MS;
}

bool tls_connection_has_caught_up(const struct tls_connection *connection)
{
    int unread = 0;

    return connection->state == TLS_OPEN && connection->deadline_ms != INT64_MAX &&
           connection->to_client.bytes == NULL &&
           ioctl(connection->inside.fd, FIONREAD, &unread) == 0 && unread == 0;
}

static void settle(struct tls_connection *connection)
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
static bool hand_over(struct tls_connection *connection, int fd)
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

static void open_inside(struct tls_connection *connection)
{
    const int bytes = INSIDE_BYTES;
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) {
        tls_connection_end(connection);
        return;
    }
    setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    connection->inside.fd = fds[0];
    if (!hand_over(connection, fds[1])) {
        tls_connection_end(connection);
        return;
    }
    connection->state = TLS_OPEN;
    connection->deadline_ms = INT64_MAX;
    connection->tls->crowd++;
    connection->tls->last_handshake_ms = tls_now_ms(connection->tls);
    settle(connection);
}

static void shake_hands(struct tls_connection *connection)
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
        tls_connection_end(connection);
    }
}

/* ---- events ---- */

static void on_open(struct tls_connection *connection, bool is_client, uint32_t events)
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
        tls_connection_end(connection);
}

void tls_connection_on_event(struct tls_end *end, uint32_t events)
{
    struct tls_connection *connection = end->connection;

    switch (connection->state) {
    case TLS_SHAKING:
        shake_hands(connection);
        break;
    case TLS_OPEN:
        on_open(connection, end == &connection->client, events);
        break;
    case TLS_LINGERING:
        drain_lingering(connection);
        break;
    case TLS_GONE:
        break;
    }
}
