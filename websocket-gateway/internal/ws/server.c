/* libwebsockets on a libuv loop of our own, on one thread: the loop thread. Other threads reach it
 * through app->queue and lws_cancel_service alone. It moves bytes and close codes; what they mean
 * is session.c's and frames.c's. Connections come accepted, from listener.c or the TLS thread.
 * Waived: libwebsockets 4.1 accepts unmasked client frames (README).
 */

#include "ws/server.h"

#include <libwebsockets.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "common/alloc.h"
#include "common/listen.h"
#include "common/log.h"

#include "app.h"
#include "chats/heads.h"
#include "ws/echo.h"
#include "ws/listener.h"
#include "ws/secure.h"
#include "ws/session.h"

#define PATH           "/v1/ws"
#define ECHO_PATH      "/v1/echo" /* with the setting echo_endpoint alone */
#define BEARER         "Bearer "
#define VERSION        "13"
#define TICK_MS        100
#define RX_BYTES       512           /* per connection; longer frames come in pieces */
#define TX_BYTES       (1024 * 1024) /* of one send(): otherwise RX_BYTES, and each frame two of them */
#define SERVICE_BYTES  8192          /* per thread */
#define HEADER_BYTES   8192
#define WRITES_AT_ONCE 16
#define DRAIN_POLL_US  20000

_Static_assert(WS_BUFFER_ROOM >= LWS_PRE, "frames need room for the header of libwebsockets");

struct ws_server {
    struct ws_app *app;
    struct lws_context *context;
    struct ws_listener listener; /* without TLS */
    struct ws_secure *secure;    /* NULL = plain */
    uv_loop_t loop;
    uv_timer_t tick;
    uv_async_t stop;
    pthread_t thread;
    pthread_mutex_t lock; /* of `gone`: the other threads outlive the context */
    bool gone;
    atomic_bool drain_asked;
    atomic_size_t connections;
};

struct connection { /* libwebsockets' user space, per connection: one of the two */
    struct ws_session *session;
    struct ws_echo *echo;
};

/* ---- what sessions ask of their connection ---- */

static struct ws_app *app_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

static void kill_connection(void *conn)
{
    lws_set_timeout(conn, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
}

static bool write_frame(struct lws *wsi, struct ws_app *app, struct ws_buffer *frame)
{
    int written = lws_write(wsi, frame->bytes + WS_BUFFER_ROOM, frame->count, LWS_WRITE_TEXT);

    cc_counter_add(app->hub.metrics.frames_out, 1);
    if (written >= 0 && frame->occurred_at_ms != 0)
        cc_histogram_observe_us(app->hub.metrics.delivery_seconds,
                                (ws_wall_ms(app) - frame->occurred_at_ms) * 1000);
    return written >= 0;
}

/* libwebsockets keeps what the kernel does not take, and says so until that is gone: so at most one
 * frame of a slow reader is copied. */
static bool write_now(void *conn, struct ws_buffer *frame)
{
    if (lws_partial_buffered(conn))
        return false;
    if (!write_frame(conn, app_of(conn), frame))
        kill_connection(conn);
    return true;
}

static void want_write(void *conn)
{
    lws_callback_on_writable(conn);
}

static void read_on(void *conn, bool on)
{
    lws_rx_flow_control(conn, on ? 1 : 0);
}

static const struct ws_transport transport = {write_now, want_write, read_on, kill_connection};

/* ---- callbacks of libwebsockets ---- */

static bool path_is(struct lws *wsi, const char *wanted)
{
    char path[sizeof ECHO_PATH + 1];
    int length = lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI);

    return length == (int)strlen(wanted) && memcmp(path, wanted, (size_t)length) == 0;
}

/* RFC 6455 4.2.1; libwebsockets takes any version. */
static bool version_is_ours(struct lws *wsi)
{
    char version[sizeof VERSION + 1];
    int length = lws_hdr_copy(wsi, version, sizeof version, WSI_TOKEN_VERSION);

    return length == (int)strlen(VERSION) && memcmp(version, VERSION, (size_t)length) == 0;
}

static bool wants_echo(struct lws *wsi)
{
    return app_of(wsi)->settings->echo_endpoint && path_is(wsi, ECHO_PATH);
}

static void open_session(struct lws *wsi, struct connection *connection)
{
    struct ws_app *app = app_of(wsi);
    char header[CC_JWT_MAX_BYTES + sizeof BEARER];
    int length = lws_hdr_copy(wsi, header, sizeof header, WSI_TOKEN_HTTP_AUTHORIZATION);
    bool bearer = length > 0 && strncasecmp(header, BEARER, strlen(BEARER)) == 0;

    if (wants_echo(wsi)) {
        connection->echo = ws_echo_open();
        return;
    }
    atomic_fetch_add(&app->server->connections, 1);
    connection->session = ws_session_open(app, wsi, bearer ? header + strlen(BEARER) : NULL);
}

static void close_session(struct ws_app *app, struct connection *connection)
{
    char code[8] = "none";

    ws_echo_close(connection->echo);
    connection->echo = NULL;
    if (connection->session == NULL)
        return;
    if (connection->session->close_code != 0)
        snprintf(code, sizeof code, "%u", connection->session->close_code);
    cc_counter_add(cc_counter_get("ws_closes_total", "Ended connections by our close code.", "code",
                                  code, NULL),
                   1);
    ws_session_closed(connection->session);
    connection->session = NULL;
    atomic_fetch_sub(&app->server->connections, 1);
}

static int receive(struct lws *wsi, const struct connection *connection, const void *bytes,
                   size_t count)
{
    bool last = lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;
    struct ws_session *session = connection->session;

    if (connection->echo != NULL)
        return ws_echo_receive(connection->echo, wsi, bytes, count);
    if (session == NULL)
        return -1;
    if (lws_frame_is_binary(wsi)) {
        ws_session_close(session, WS_CLOSE_PROTOCOL);
        return 0;
    }
    ws_session_receive(session, bytes, count, last);
    return 0;
}

/* One byte of payload: libwebsockets 4.1.6 does not report the pong that answers an empty ping. */
static int write_ping(struct lws *wsi, struct ws_session *session)
{
    unsigned char room[WS_BUFFER_ROOM + 1] = {0};

    session->ping_due = false;
    return lws_write(wsi, room + WS_BUFFER_ROOM, 1, LWS_WRITE_PING) < 0 ? -1 : 0;
}

/* Returning -1 from the writeable callback would close twice in libwebsockets 4.1.6, and the second
 * time without the close frame. This closes once: the frame is sent at the next opportunity. */
static int end_connection(struct lws *wsi, const struct ws_session *session)
{
    lws_close_reason(wsi, (enum lws_close_status)session->close_code, NULL, 0);
    lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_SYNC);
    return 0;
}

static int write_some(struct lws *wsi, struct ws_session *session)
{
    if (session == NULL)
        return 0;
    if (session->ping_due && write_ping(wsi, session) != 0)
        return -1;
    for (int written = 0; written < WRITES_AT_ONCE && !lws_partial_buffered(wsi); written++) {
        struct ws_buffer *frame = ws_session_next(session);

        if (frame == NULL)
            return session->state == WS_CLOSING ? end_connection(wsi, session) : 0;
        bool good = write_frame(wsi, session->app, frame);
        ws_buffer_unref(frame);
        if (!good)
            return -1;
    }
    lws_callback_on_writable(wsi);
    return 0;
}

static void run_queue(struct ws_app *app)
{
    struct ws_server *server = app->server;

    if (server != NULL && atomic_exchange(&server->drain_asked, false)) {
        ws_listener_stop(&server->listener);
        ws_hub_drain(app);
    }
    if (ws_loop_queue_run(app->queue)) {
        cc_counter_add(app->hub.metrics.bus_lost, 1);
        app->hub.losses++;
        ws_heads_compare(app);
    }
    ws_heads_ask_baselines(app);
}

static int answer_plain_http(struct lws *wsi)
{
    if (lws_return_http_status(wsi, HTTP_STATUS_NOT_FOUND, NULL) != 0)
        return -1;
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t length)
{
    struct connection *connection = user;

    switch (reason) {
    case LWS_CALLBACK_HTTP:
        return answer_plain_http(wsi);
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return version_is_ours(wsi) && (path_is(wsi, PATH) || wants_echo(wsi)) ? 0 : 1;
    case LWS_CALLBACK_ESTABLISHED:
        open_session(wsi, connection);
        return 0;
    case LWS_CALLBACK_RECEIVE:
        return receive(wsi, connection, in, length);
    case LWS_CALLBACK_RECEIVE_PONG:
        if (connection->session != NULL)
            ws_session_heard(connection->session);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return connection->echo != NULL ? ws_echo_write(connection->echo, wsi)
                                        : write_some(wsi, connection->session);
    case LWS_CALLBACK_CLOSED:
        close_session(app_of(wsi), connection);
        return 0;
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        run_queue(app_of(wsi));
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "chat.v1",
     .callback = on_event,
     .per_session_data_size = sizeof(struct connection),
     .rx_buffer_size = RX_BYTES,
     .tx_packet_size = TX_BYTES},
    {.name = NULL},
};

/* All zero: libwebsockets watches no connection's validity by itself. Its timers stand in one
 * sorted list, in which every pong would look for its place from the front; session.c pings. */
static const lws_retry_bo_t no_validity_timers;

/* ---- the loop ---- */

static void on_tick(uv_timer_t *timer)
{
    struct ws_server *server = timer->data;

    ws_listener_tick(&server->listener);
    ws_hub_tick(server->app);
}

static void on_stop(uv_async_t *async)
{
    struct ws_server *server = async->data;

    pthread_mutex_lock(&server->lock);
    server->gone = true;
    pthread_mutex_unlock(&server->lock);
    ws_listener_stop(&server->listener);
    uv_close((uv_handle_t *)&server->tick, NULL);
    uv_close((uv_handle_t *)&server->stop, NULL);
    lws_context_destroy(server->context); /* closes its handles; without any, the loop ends */
}

static void *run(void *arg)
{
    struct ws_server *server = arg;

    uv_run(&server->loop, UV_RUN_DEFAULT);
    return NULL;
}

static void lws_says(int level, const char *line)
{
    cc_log(level == LLL_ERR ? CC_LOG_ERROR : CC_LOG_WARN, "libwebsockets", "line", line, NULL);
}

static struct lws_context *create_context(struct ws_server *server)
{
    void *loops[] = {&server->loop};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_VALIDATE_UTF8 |
                   LWS_SERVER_OPTION_DISABLE_IPV6 | LWS_SERVER_OPTION_UV_NO_SIGSEGV_SIGFPE_SPIN |
                   LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME,
        .foreign_loops = loops,
        .user = server->app,
        .gid = -1,
        .uid = -1,
        .alpn = "http/1.1",
        .max_http_header_data = HEADER_BYTES,
        .pt_serv_buf_size = SERVICE_BYTES,
        .timeout_secs = 10,
        .retry_and_idle_policy = &no_validity_timers,
    };

    lws_set_log_level(LLL_ERR, lws_says);
    return lws_create_context(&info);
}

static void adopt(struct ws_app *app, int fd)
{
    if (app->hub.draining)
        close(fd);
    else
        lws_adopt_socket(app->server->context, fd); /* closes it when it can't */
}

static void adopt_accepted(void *app, int fd)
{
    adopt(app, fd);
}

static enum cc_code listen_where_wanted(const struct ws_settings *settings, int *out_fd,
                                        struct cc_error *err)
{
    const struct cc_listen_at at = {.host = settings->common.host,
                                    .port = (int)settings->common.port,
                                    .shared = settings->listen_shared};
    int port;

    return cc_listen(&at, out_fd, &port, err);
}

static void start_timer_and_stop(struct ws_server *server)
{
    uv_timer_init(&server->loop, &server->tick);
    server->tick.data = server;
    uv_timer_start(&server->tick, on_tick, TICK_MS, TICK_MS);
    uv_async_init(&server->loop, &server->stop, on_stop);
    server->stop.data = server;
}

enum cc_code ws_server_start(struct ws_app *app, struct cc_error *err)
{
    struct ws_server *server;
    bool secure = ws_secure_wanted(app);
    int listen_fd;

    CC_TRY(listen_where_wanted(app->settings, &listen_fd, err));
    server = cc_calloc(1, sizeof *server);
    server->app = app;
    server->listener = (struct ws_listener){.fd = -1, .accepted = adopt_accepted, .arg = app};
    pthread_mutex_init(&server->lock, NULL);
    app->hub.transport = &transport;
    uv_loop_init(&server->loop);
    server->context = create_context(server);
    if (server->context == NULL) {
        close(listen_fd);
        cc_free(server);
        return cc_fail_detail(err, CC_INTERNAL, "no context of libwebsockets");
    }
    start_timer_and_stop(server);
    if (!secure)
        ws_listener_start(&server->listener, &server->loop, listen_fd);
    atomic_store(&app->server, server); /* before the thread: its callbacks look there */
    pthread_create(&server->thread, NULL, run, server);
    ws_server_wake(app); /* for what other threads have pushed before */
    return secure ? ws_secure_start(app, listen_fd, adopt, &server->secure, err) : CC_OK;
}

void ws_server_reload(struct ws_server *server)
{
    ws_secure_reload(server->secure);
}

void ws_server_wake(void *app)
{
    struct ws_server *server = atomic_load(&((struct ws_app *)app)->server);

    if (server == NULL)
        return;
    pthread_mutex_lock(&server->lock);
    if (!server->gone)
        lws_cancel_service(server->context);
    pthread_mutex_unlock(&server->lock);
}

void ws_server_drain(struct ws_server *server, int64_t deadline_mono_ms)
{
    ws_secure_quiesce(server->secure);
    atomic_store(&server->drain_asked, true);
    ws_server_wake(server->app);
    while (atomic_load(&server->connections) > 0 && ws_now_ms(server->app) < deadline_mono_ms)
        usleep(DRAIN_POLL_US);
}

void ws_server_stop(struct ws_server *server)
{
    if (server == NULL)
        return;
    ws_secure_quiesce(server->secure);
    uv_async_send(&server->stop);
    pthread_join(server->thread, NULL);
    lws_context_destroy(server->context); /* the rest, now that the loop has closed its handles */
    ws_secure_stop(server->secure);
    uv_loop_close(&server->loop);
}

void ws_server_destroy(struct ws_server *server)
{
    if (server == NULL)
        return;
    pthread_mutex_destroy(&server->lock);
    cc_free(server);
}
