/*
 * Starts and stops the listeners and their worker pool, and runs the watchdog: one thread a server
 * that shuts down the sockets whose absolute deadline has passed (libmicrohttpd knows inactivity
 * only, and times suspended connections not at all). What happens to a request is http_exchange.c.
 */
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "common/alloc.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/tls_front.h"

#include "http_private.h"

#define WATCHDOG_PERIOD_MS  200
#define CONNECTIONS_MAX     16384
#define STOP_WAIT_MS        35000 /* above the longest deadline of a handler */
#define CONNECTION_MEMORY   (32 * 1024)
#define REQUEST_ARENA_BYTES 4096

/* ---- connections ---- */

static void write_address(const struct sockaddr *address, char *out, size_t size)
{
    out[0] = '\0';
    if (address->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, out, (socklen_t)size);
    else if (address->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, out,
                  (socklen_t)size);
}

static void read_peer(struct MHD_Connection *mhd, char *out, size_t size)
{
    write_address(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr,
                  out, size);
}

/* Behind TLS the front has asked already. */
static void meet_peer(struct cc_http_server *server, const struct cc_http_connection *connection)
{
    if (server->options.tls_certificate_path != NULL || server->hooks.peer_came == NULL)
        return;
    if (!server->hooks.peer_came(server->options.app, connection->peer))
        shutdown(connection->fd, SHUT_RDWR); /* the listener thread reads its end */
}

static void part_from_peer(struct cc_http_server *server,
                           const struct cc_http_connection *connection)
{
    if (server->options.tls_certificate_path == NULL && server->hooks.peer_left != NULL)
        server->hooks.peer_left(server->options.app, connection->peer);
}

static struct cc_http_connection *open_connection(struct cc_http_server *server,
                                                  struct MHD_Connection *mhd)
{
    struct cc_http_connection *connection = cc_calloc(1, sizeof(*connection));

    connection->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    connection->arena = cc_arena_create(REQUEST_ARENA_BYTES);
    atomic_init(&connection->deadline_ms, cc_mono_ms(server->options.clock) + CC_HTTP_HEAD_MS);
    read_peer(mhd, connection->peer, sizeof(connection->peer));
    pthread_mutex_lock(&server->lock);
    connection->next = server->connections;
    if (connection->next != NULL)
        connection->next->previous = connection;
    server->connections = connection;
    pthread_mutex_unlock(&server->lock);
    meet_peer(server, connection);
    return connection;
}

static void close_connection(struct cc_http_server *server, struct cc_http_connection *connection)
{
    part_from_peer(server, connection);
    pthread_mutex_lock(&server->lock);
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        server->connections = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    pthread_mutex_unlock(&server->lock);
    cc_arena_destroy(connection->arena);
    cc_free(connection);
}

static void on_connection(void *arg, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode event)
{
    if (event == MHD_CONNECTION_NOTIFY_STARTED)
        *context = open_connection(arg, mhd);
    else
        close_connection(arg, *context);
}

/* ---- the watchdog ---- */

static void shut_down_late_connections(struct cc_http_server *server)
{
    int64_t now = cc_mono_ms(server->options.clock);

    for (struct cc_http_connection *c = server->connections; c != NULL; c = c->next)
        if (atomic_load(&c->deadline_ms) < now) {
            atomic_store(&c->deadline_ms, INT64_MAX); /* once; the listener thread closes it */
            shutdown(c->fd, SHUT_RDWR);
        }
}

static void *watch(void *arg)
{
    struct cc_http_server *server = arg;

    pthread_setname_np(pthread_self(), "http-watchdog");
    pthread_mutex_lock(&server->lock);
    while (!server->watchdog_stop) {
        struct timespec until;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += WATCHDOG_PERIOD_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&server->wake, &server->lock, &until);
        shut_down_late_connections(server);
    }
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

/* ---- starting ---- */

static void log_library(void *arg, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
static void log_library(void *arg, const char *format, va_list arguments)
{
    char text[256];

    (void)arg;
    vsnprintf(text, sizeof(text), format, arguments);
    text[strcspn(text, "\n")] = '\0';
    cc_log(CC_LOG_DEBUG, "libmicrohttpd", "reason", text, NULL);
}

/* Targets are decoded by http_router.c, after they were split. */
static size_t leave_escaped(void *arg, struct MHD_Connection *mhd, char *text)
{
    (void)arg, (void)mhd;
    return strlen(text);
}

static enum cc_code start_daemon(struct cc_http_server *server, struct cc_error *err)
{
    const struct cc_http_options *options = &server->options;
    int threads = options->listener_threads;
    bool is_behind_tls = server->options.tls_certificate_path != NULL;
    struct MHD_OptionItem chosen[] = {
        {MHD_OPTION_LISTEN_SOCKET, server->listen_fd, NULL},
        {threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };

    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE |
            MHD_USE_ERROR_LOG | (is_behind_tls ? MHD_USE_NO_LISTEN_SOCKET : MHD_NO_FLAG),
        0, NULL, NULL, cc_http_on_request, server, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)options->connection_memory_bytes, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_URI_LOG_CALLBACK,
        cc_http_on_target, server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
        MHD_OPTION_NOTIFY_COMPLETED, cc_http_on_completed, server, MHD_OPTION_ARRAY,
        is_behind_tls ? chosen + 1 : chosen, MHD_OPTION_END);
    if (server->daemon == NULL)
        return cc_fail_detail(err, CC_INTERNAL, "libmicrohttpd did not start");
    return CC_OK;
}

static bool take_connection(void *arg, int fd, const struct sockaddr *peer, socklen_t peer_length)
{
    struct cc_http_server *server = arg;

    return MHD_add_connection(server->daemon, fd, peer, peer_length) == MHD_YES;
}

static bool on_tls_peer(void *arg, const struct sockaddr *peer)
{
    struct cc_http_server *server = arg;
    char text[CC_ADDRESS_BYTES];

    write_address(peer, text, sizeof(text));
    return server->hooks.peer_came == NULL || server->hooks.peer_came(server->options.app, text);
}

static void on_tls_peer_gone(void *arg, const struct sockaddr *peer)
{
    struct cc_http_server *server = arg;
    char text[CC_ADDRESS_BYTES];

    write_address(peer, text, sizeof(text));
    if (server->hooks.peer_left != NULL)
        server->hooks.peer_left(server->options.app, text);
}

static enum cc_code start_tls(struct cc_http_server *server, struct cc_error *err)
{
    const struct cc_tls_options options = {
        .listen_fd = server->listen_fd,
        .files = {.certificate = server->options.tls_certificate_path,
                  .key = server->options.tls_key_path},
        .clock = server->options.clock,
        .peer_came = on_tls_peer,
        .peer_left = on_tls_peer_gone,
        .hand_over = take_connection,
        .arg = server,
    };

    if (server->options.tls_certificate_path == NULL)
        return CC_OK;
    return cc_tls_start(&options, &server->tls, err);
}

enum cc_code cc_http_server_reload_tls(struct cc_http_server *server, struct cc_error *err)
{
    return server->tls != NULL ? cc_tls_reload(server->tls, err) : CC_OK;
}

static void apply_defaults(struct cc_http_options *options)
{
    if (options->listener_threads <= 0)
        options->listener_threads = 1;
    if (options->workers <= 0)
        options->workers = 8;
    if (options->queue <= 0)
        options->queue = 64;
    if (options->connection_memory_bytes <= 0)
        options->connection_memory_bytes = CONNECTION_MEMORY;
}

static bool needs_workers(const struct cc_route *rows)
{
    for (; rows != NULL && rows->method != NULL; rows++)
        if (rows->handling == CC_BLOCKING)
            return true;
    return false;
}

enum cc_code cc_http_server_start(const struct cc_http_options *options,
                                  struct cc_http_server **out, struct cc_error *err)
{
    struct cc_http_server *server = cc_calloc(1, sizeof(*server));
    enum cc_code code;

    server->options = *options;
    server->listen_fd = -1;
    if (options->hooks != NULL)
        server->hooks = *options->hooks;
    apply_defaults(&server->options);
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->wake, NULL);
    server->router = cc_http_router_create(options->routes);
    if (needs_workers(options->routes))
        server->workers = cc_http_workers_create(server->options.workers, server->options.queue);
    code = pthread_create(&server->watchdog, NULL, watch, server) == 0
               ? CC_OK
               : cc_fail_detail(err, CC_INTERNAL, "no thread for the watchdog");
    if (code == CC_OK)
        code = cc_listen(&(struct cc_listen_at){.host = options->host, .port = options->port},
                         &server->listen_fd, &server->port, err);
    if (code == CC_OK)
        code = start_daemon(server, err);
    if (code == CC_OK)
        code = start_tls(server, err);
    if (code != CC_OK)
        cc_http_server_stop(server);
    else
        *out = server;
    return code;
}

int cc_http_server_port(const struct cc_http_server *server)
{
    return server->port;
}

/* ---- stopping ---- */

void cc_http_server_quiesce(struct cc_http_server *server)
{
    if (server->daemon == NULL || atomic_exchange(&server->quiesced, true))
        return;
    if (server->tls != NULL)
        cc_tls_quiesce(server->tls);
    else if (server->options.tls_certificate_path == NULL)
        MHD_quiesce_daemon(server->daemon);
    shutdown(server->listen_fd,
             SHUT_RDWR); /* refuse, rather than let clients wait in the backlog */
}

static bool wait_until_zero(const struct cc_http_server *server, const _Atomic int *counter,
                            int64_t deadline_ms)
{
    const struct timespec pause = {.tv_nsec = 2000000};

    while (atomic_load(counter) > 0) {
        if (cc_mono_ms(server->options.clock) >= deadline_ms)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

bool cc_http_server_wait_idle(struct cc_http_server *server, int64_t deadline_mono_ms)
{
    return wait_until_zero(server, &server->running, deadline_mono_ms);
}

static void stop_watchdog(struct cc_http_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->watchdog_stop = true;
    pthread_cond_signal(&server->wake);
    pthread_mutex_unlock(&server->lock);
    if (server->watchdog != 0)
        pthread_join(server->watchdog, NULL);
}

void cc_http_server_stop(struct cc_http_server *server)
{
    if (server == NULL)
        return;
    cc_http_server_quiesce(server);
    cc_http_workers_destroy(server->workers);
    /* libmicrohttpd aborts when it is stopped with suspended connections. */
    if (!wait_until_zero(server, &server->suspended,
                         cc_mono_ms(server->options.clock) + STOP_WAIT_MS)) {
        cc_log(CC_LOG_ERROR, "a handler never ended its request; the listener is left running",
               NULL);
        return;
    }
    if (server->daemon != NULL)
        MHD_stop_daemon(server->daemon);
    cc_tls_stop(server->tls);
    stop_watchdog(server);
    if (server->listen_fd >= 0)
        close(server->listen_fd);
    cc_http_router_destroy(server->router);
    pthread_cond_destroy(&server->wake);
    pthread_mutex_destroy(&server->lock);
    cc_free(server);
}
