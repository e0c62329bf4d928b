/* The HTTP server over real loopback sockets: what handlers see, what clients get, what never
 * reaches a handler. Raw bytes, so that malformed requests can be sent. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testing.h"

#include "common/alloc.h"
#include "common/deadline.h"
#include "common/http_server.h"

#define BIG_BYTES ((size_t)12 * 1024 * 1024) /* more than all socket buffers hold */

/* ---- the service under test ---- */

struct service {
    struct cc_http_server *server;
    struct fake_clock clock;
    struct cc_ids *ids;
    pthread_mutex_t gate; /* held by a test to keep /v1/block from ending */
    _Atomic int entered;
    pthread_t completer;
};

static enum cc_code echo(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    size_t count;
    const char *body = cc_request_body(req, &count);
    const char *q = cc_request_query(req, "q");
    struct cc_json_writer *json = cc_response_json(res);

    (void)err;
    cc_json_open_object(json, NULL);
    cc_json_put_text(json, "id", cc_request_param(req, "id"));
    cc_json_put_text(json, "path", cc_request_path(req));
    cc_json_put_text(json, "pattern", cc_request_pattern(req));
    cc_json_put_text(json, "q", q);
    cc_json_put_text(json, "peer", cc_request_peer(req));
    cc_json_put_text(json, "user", cc_request_caller(req)->user_id);
    cc_json_put_text_n(json, "body", body, count);
    cc_json_close_object(json);
    return CC_OK;
}

static enum cc_code read_json(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct cc_json_reader *reader;
    int64_t limit;

    CC_TRY(cc_request_query_int(req, "limit", 1, 200, 50, &limit, err));
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    cc_json_text(reader, "name", CC_REQUIRED, 1, 10);
    if (!cc_json_reader_done(reader))
        return cc_json_reader_error(reader, err);
    cc_response_status(res, 201);
    cc_response_header(res, "Location", "/v1/things/1");
    return CC_OK;
}

static enum cc_code nothing(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    (void)req, (void)res, (void)err;
    return CC_OK;
}

static enum cc_code block(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct service *service = cc_request_app(req);

    (void)res, (void)err;
    atomic_fetch_add(&service->entered, 1);
    pthread_mutex_lock(&service->gate);
    pthread_mutex_unlock(&service->gate);
    return CC_OK;
}

static void *complete_later(void *arg)
{
    cc_request_complete(arg, CC_OK, NULL);
    return NULL;
}

static enum cc_code later(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct service *service = cc_request_app(req);

    (void)err;
    cc_response_body(res, "text/plain", "later", 5);
    pthread_create(&service->completer, NULL, complete_later, req);
    return CC_OK;
}

static enum cc_code limited(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    (void)req, (void)res;
    cc_fail(err, CC_RATE_LIMITED, NULL, "Slow down");
    return cc_fail_retry_after(err, 2500);
}

static enum cc_code crash(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    (void)req, (void)res;
    return cc_fail_detail(err, CC_INTERNAL, "secret detail");
}

static void greet_and_close(int fd, const void *extra, size_t extra_count, void *arg)
{
    (void)extra, (void)extra_count, (void)arg;
    if (fd < 0)
        return;
    assert_int_equal(send(fd, "raw", 3, MSG_NOSIGNAL), 3);
    shutdown(fd, SHUT_RDWR);
    close(fd);
}

static enum cc_code upgrade(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    (void)err;
    cc_response_upgrade(res, "Upgrade", "websocket", greet_and_close, NULL);
    cc_request_complete(req, CC_OK, NULL);
    return CC_OK;
}

/* Milliseconds that a call of 60 s may last on behalf of this request. */
static enum cc_code left(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    (void)req, (void)err;
    cc_json_open_object(cc_response_json(res), NULL);
    cc_json_put_int(cc_response_json(res), "left", cc_deadline_cap_ms(60000));
    cc_json_close_object(cc_response_json(res));
    return CC_OK;
}

static enum cc_code big(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    char *bytes = cc_arena_calloc(cc_request_arena(req), 1, BIG_BYTES);

    (void)err;
    cc_response_body(res, "application/octet-stream", bytes, BIG_BYTES);
    return CC_OK;
}

static bool intercept(void *app, struct cc_request *req, struct cc_response *res)
{
    (void)app;
    if (cc_request_header(req, "x-intercept") == NULL)
        return false;
    cc_response_status(res, 299);
    return true;
}

static void decorate(void *app, const struct cc_request *req, struct cc_response *res)
{
    (void)app, (void)req;
    cc_response_header(res, "X-Decorated", "yes");
}

static void name_client(void *app, struct cc_request *req, const char *tcp_peer,
                        char out[CC_ADDRESS_BYTES])
{
    const char *given = cc_request_header(req, "x-client");

    (void)app;
    snprintf(out, CC_ADDRESS_BYTES, "%s", given != NULL ? given : tcp_peer);
}

static enum cc_code authenticate(void *app, const char *token, size_t length, struct cc_caller *out,
                                 struct cc_error *err)
{
    (void)app;
    if (length < 4 || (memcmp(token, "user", 4) != 0 && memcmp(token, "boss", 4) != 0))
        return cc_fail(err, CC_UNAUTHENTICATED, NULL, "Bad token");
    memcpy(out->user_id, "u-1", 4);
    snprintf(out->role, sizeof(out->role), "%s", memcmp(token, "boss", 4) == 0 ? "admin" : "user");
    return CC_OK;
}

static const struct cc_route routes[] = {
    /* clang-format off */
    {"GET",   "/v1/things/{id}",   CC_AUTH_NONE,     CC_RATE_NONE, 0,    echo,      CC_BLOCKING},
    {"PUT",   "/v1/things/{id}",   CC_AUTH_NONE,     CC_RATE_NONE, 64,   echo,      CC_BLOCKING},
    {"PATCH", "/v1/things/{id}",   CC_AUTH_NONE,     CC_RATE_NONE, 64,   echo,      CC_BLOCKING},
    {"GET",   "/v1/files/{rest...}",CC_AUTH_NONE,    CC_RATE_NONE, 0,    echo,      CC_BLOCKING},
    {"POST",  "/v1/things",        CC_AUTH_NONE,     CC_RATE_NONE, 1024, read_json, CC_BLOCKING},
    {"POST",  "/v1/nothing",       CC_AUTH_NONE,     CC_RATE_NONE, 0,    nothing,   CC_BLOCKING},
    {"GET",   "/v1/block",         CC_AUTH_NONE,     CC_RATE_NONE, 0,    block,     CC_BLOCKING},
    {"GET",   "/v1/later",         CC_AUTH_NONE,     CC_RATE_NONE, 0,    later,     CC_ASYNC},
    {"GET",   "/v1/limited",       CC_AUTH_NONE,     CC_RATE_NONE, 0,    limited,   CC_ASYNC},
    {"GET",   "/v1/crash",         CC_AUTH_NONE,     CC_RATE_NONE, 0,    crash,     CC_BLOCKING},
    {"GET",   "/v1/upgrade",       CC_AUTH_NONE,     CC_RATE_NONE, 0,    upgrade,   CC_ASYNC},
    {"GET",   "/v1/big",           CC_AUTH_NONE,     CC_RATE_NONE, 0,    big,       CC_BLOCKING},
    {"GET",   "/v1/left",          CC_AUTH_NONE,     CC_RATE_NONE, 0,    left,      CC_BLOCKING},
    {"GET",   "/v1/mine",          CC_AUTH_USER,     CC_RATE_NONE, 0,    echo,      CC_BLOCKING},
    {"GET",   "/v1/admin",         CC_AUTH_ADMIN,    CC_RATE_NONE, 0,    echo,      CC_BLOCKING},
    {"GET",   "/internal/x",       CC_AUTH_INTERNAL, CC_RATE_NONE, 0,    echo,      CC_BLOCKING},
    {NULL},
    /* clang-format on */
};

static int start(void **state)
{
    static const struct cc_http_hooks hooks = {.authenticate = authenticate,
                                               .client_address = name_client,
                                               .intercept = intercept,
                                               .decorate = decorate};
    struct service *service = cc_calloc(1, sizeof(*service));
    struct cc_error err = {0};

    fake_clock_init(&service->clock);
    pthread_mutex_init(&service->gate, NULL);
    service->ids = cc_ids_create(&service->clock.clock, cc_random_system());
    const struct cc_http_options options = {.host = "127.0.0.1",
                                            .routes = routes,
                                            .hooks = &hooks,
                                            .app = service,
                                            .workers = 1,
                                            .queue = 1,
                                            .clock = &service->clock.clock,
                                            .ids = service->ids};
    assert_int_equal(cc_http_server_start(&options, &service->server, &err), CC_OK);
    *state = service;
    return 0;
}

static int stop(void **state)
{
    struct service *service = *state;

    cc_http_server_stop(service->server);
    if (service->completer != 0)
        pthread_join(service->completer, NULL);
    cc_ids_destroy(service->ids);
    pthread_mutex_destroy(&service->gate);
    cc_free(service);
    return 0;
}

/* ---- a raw client ---- */

static int dial(const struct service *service)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)cc_http_server_port(service->server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval timeout = {.tv_sec = 5};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void write_all(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);

        if (sent <= 0)
            return; /* the server may have refused and closed: the answer tells */
        bytes += sent;
        count -= (size_t)sent;
    }
}

/* Reads one answer: 204, with a Content-Length, or until the peer closes. False on a silent server.
 */
static bool read_answer(int fd, char *out, size_t size)
{
    size_t used = 0;

    for (;;) {
        ssize_t got = recv(fd, out + used, size - 1 - used, 0);
        const char *end, *length;

        if (got < 0)
            return false;
        if (got == 0)
            break;
        used += (size_t)got;
        out[used] = '\0';
        end = strstr(out, "\r\n\r\n");
        length = strstr(out, "Content-Length: ");
        if (end != NULL && strncmp(out, "HTTP/1.1 204", 12) == 0)
            break;
        if (end != NULL && length != NULL && length < end &&
            used >= (size_t)(end + 4 - out) + strtoul(length + 16, NULL, 10))
            break;
    }
    out[used] = '\0';
    return true;
}

static char *ask(struct service *service, const char *request)
{
    static char answer[65536];
    int fd = dial(service);

    write_all(fd, request, strlen(request));
    assert_true(read_answer(fd, answer, sizeof(answer)));
    close(fd);
    return answer;
}

static int status_of(const char *answer)
{
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? (int)strtol(answer + 9, NULL, 10) : 0;
}

#define assert_contains(text, part)                                                                \
    do {                                                                                           \
        if (strstr((text), (part)) == NULL)                                                        \
            fail_msg("no '%s' in: %s", (part), (text));                                            \
    } while (0)

/* ---- what handlers see ---- */

static void a_handler_sees_decoded_path_query_and_peer(void **state)
{
    char *answer = ask(*state, "GET /v1/things/a%2Fb?q=x+y%26z HTTP/1.1\r\nHost: h\r\n\r\n");

    assert_int_equal(status_of(answer), 200);
    assert_contains(answer, "\"id\":\"a/b\"");
    assert_contains(answer, "\"q\":\"x y&z\"");
    assert_contains(answer, "\"pattern\":\"/v1/things/{id}\"");
    assert_contains(answer, "\"peer\":\"127.0.0.1\"");
    assert_contains(answer, "Content-Type: application/json\r\n");
    assert_contains(answer, "Cache-Control: no-store\r\n");
    assert_contains(answer, "X-Content-Type-Options: nosniff\r\n");
}

static void the_rest_of_a_path_is_one_parameter(void **state)
{
    assert_contains(ask(*state, "GET /v1/files/a/b/c HTTP/1.1\r\nHost: h\r\n\r\n"),
                    "/v1/files/a/b/c");
}

static void a_body_arrives_whole_also_byte_by_byte_and_chunked(void **state)
{
    static const char slow[] =
        "PUT /v1/things/1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
    static char answer[4096];
    int fd = dial(*state);

    for (size_t i = 0; i < sizeof(slow) - 1; i++)
        write_all(fd, slow + i, 1);
    assert_true(read_answer(fd, answer, sizeof(answer)));
    close(fd);
    assert_contains(answer, "\"body\":\"hello\"");
    assert_contains(ask(*state, "PATCH /v1/things/1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
                                "chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
                    "\"body\":\"hello\"");
}

static void a_kept_alive_connection_serves_several_requests(void **state)
{
    static char answer[4096];
    int fd = dial(*state);

    for (int i = 0; i < 3; i++) {
        write_all(fd, "GET /v1/things/1 HTTP/1.1\r\nHost: h\r\n\r\n", 38);
        assert_true(read_answer(fd, answer, sizeof(answer)));
        assert_int_equal(status_of(answer), 200);
    }
    close(fd);
}

static void a_request_id_is_echoed_when_clean_and_replaced_when_not(void **state)
{
    assert_contains(
        ask(*state, "GET /v1/things/1 HTTP/1.1\r\nHost: h\r\nX-Request-Id: ab.1\r\n\r\n"),
        "X-Request-Id: ab.1\r\n");
    assert_null(strstr(
        ask(*state, "GET /v1/things/1 HTTP/1.1\r\nHost: h\r\nX-Request-Id: a b<\r\n\r\n"), "a b<"));
}

static void a_callers_deadline_shortens_the_handlers_time_and_never_lengthens_it(void **state)
{
    static const struct {
        const char *header, *left;
    } rows[] = {
        {"", "\"left\":30000"},
        {"X-Request-Timeout-Ms: 700\r\n", "\"left\":700"},
        {"X-Request-Timeout-Ms: 600000\r\n", "\"left\":30000"},
        {"X-Request-Timeout-Ms: -5\r\n", "\"left\":30000"},
        {"X-Request-Timeout-Ms: 5 years\r\n", "\"left\":30000"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char request[256];

        snprintf(request, sizeof(request), "GET /v1/left HTTP/1.1\r\nHost: h\r\n%s\r\n",
                 rows[i].header);
        assert_contains(ask(*state, request), rows[i].left);
    }
}

static void a_hook_may_answer_name_the_client_and_add_to_every_answer(void **state)
{
    char *answer = ask(*state, "GET /nowhere HTTP/1.1\r\nHost: h\r\nX-Intercept: 1\r\n\r\n");

    assert_int_equal(status_of(answer), 299);
    assert_contains(answer, "X-Decorated: yes\r\n");
    answer = ask(*state, "GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(status_of(answer), 404);
    assert_contains(answer, "X-Decorated: yes\r\n");
    answer = ask(*state, "GET /v1/things/1 HTTP/1.1\r\nHost: h\r\nX-Client: 192.0.2.7\r\n\r\n");
    assert_contains(answer, "\"peer\":\"192.0.2.7\"");
}

static void json_bodies_are_checked_and_statuses_kept(void **state)
{
    char *answer =
        ask(*state, "POST /v1/things HTTP/1.1\r\nHost: h\r\nContent-Type: application/json; "
                    "charset=utf-8\r\nContent-Length: 12\r\n\r\n{\"name\":\"n\"}");

    assert_int_equal(status_of(answer), 201);
    assert_contains(answer, "Location: /v1/things/1\r\n");
    answer = ask(*state, "POST /v1/things HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                         "Content-Length: 2\r\n\r\n{}");
    assert_int_equal(status_of(answer), 400);
    assert_contains(answer, "\"pointer\":\"/name\"");
    assert_contains(answer, "\"code\":\"invalid\"");
    answer = ask(*state, "POST /v1/things HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\n"
                         "Content-Length: 2\r\n\r\n{}");
    assert_int_equal(status_of(answer), 415);
    answer = ask(*state, "POST /v1/things?limit=201 HTTP/1.1\r\nHost: h\r\nContent-Type: "
                         "application/json\r\nContent-Length: 2\r\n\r\n{}");
    assert_int_equal(status_of(answer), 400);
    assert_contains(answer, "\"parameter\":\"limit\"");
}

static void nothing_written_is_204(void **state)
{
    assert_int_equal(status_of(ask(*state, "POST /v1/nothing HTTP/1.1\r\nHost: "
                                           "h\r\nContent-Length: 0\r\n\r\n")),
                     204);
}

static void an_asynchronous_handler_ends_on_another_thread(void **state)
{
    char *answer = ask(*state, "GET /v1/later HTTP/1.1\r\nHost: h\r\n\r\n");

    assert_int_equal(status_of(answer), 200);
    assert_contains(answer, "\r\n\r\nlater");
}

static void an_upgrade_hands_the_socket_over(void **state)
{
    char *answer = ask(*state, "GET /v1/upgrade HTTP/1.1\r\nHost: h\r\nConnection: "
                               "Upgrade\r\nUpgrade: websocket\r\n\r\n");

    assert_int_equal(status_of(answer), 101);
    assert_contains(answer, "Upgrade: websocket\r\n");
    assert_contains(answer, "\r\n\r\nraw");
}

static void head_is_get_without_a_body(void **state)
{
    static char answer[4096];
    int fd = dial(*state);
    static const char request[] =
        "HEAD /v1/things/1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

    write_all(fd, request, sizeof(request) - 1);
    shutdown(fd, SHUT_WR);
    assert_true(recv(fd, answer, sizeof(answer) - 1, MSG_WAITALL) > 0);
    close(fd);
    assert_int_equal(status_of(answer), 200);
    assert_null(strstr(answer, "pattern"));
}

/* ---- problems ---- */

static void unknown_paths_and_methods_are_problems(void **state)
{
    char *answer = ask(*state, "GET /v1/none HTTP/1.1\r\nHost: h\r\n\r\n");

    assert_int_equal(status_of(answer), 404);
    assert_contains(answer, "Content-Type: application/problem+json\r\n");
    assert_contains(answer, "\"instance\":\"/v1/none\"");
    assert_contains(answer, "\"trace_id\":\"");
    answer = ask(*state, "DELETE /v1/things/1 HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(status_of(answer), 405);
    assert_contains(answer, "Allow: ");
    assert_contains(answer, "PATCH");
    assert_int_equal(status_of(ask(*state, "GET /internal/x HTTP/1.1\r\nHost: h\r\n\r\n")), 404);
}

static void a_retry_time_is_rounded_up_to_seconds(void **state)
{
    char *answer = ask(*state, "GET /v1/limited HTTP/1.1\r\nHost: h\r\n\r\n");

    assert_int_equal(status_of(answer), 429);
    assert_contains(answer, "Retry-After: 3\r\n");
    assert_contains(answer, "\"detail\":\"Slow down\"");
}

static void internal_details_stay_inside(void **state)
{
    char *answer = ask(*state, "GET /v1/crash HTTP/1.1\r\nHost: h\r\n\r\n");

    assert_int_equal(status_of(answer), 500);
    assert_null(strstr(answer, "secret"));
}

static void authentication_comes_before_the_handler(void **state)
{
    char *answer = ask(*state, "GET /v1/mine HTTP/1.1\r\nHost: h\r\n\r\n");

    assert_int_equal(status_of(answer), 401);
    assert_contains(answer, "WWW-Authenticate: Bearer\r\n");
    assert_int_equal(
        status_of(
            ask(*state, "GET /v1/mine HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer no\r\n\r\n")),
        401);
    assert_contains(
        ask(*state, "GET /v1/mine HTTP/1.1\r\nHost: h\r\nAuthorization: bearer user\r\n\r\n"),
        "\"user\":\"u-1\"");
    assert_int_equal(status_of(ask(*state, "GET /v1/admin HTTP/1.1\r\nHost: h\r\nAuthorization: "
                                           "Bearer user\r\n\r\n")),
                     403);
    assert_int_equal(status_of(ask(*state, "GET /v1/admin HTTP/1.1\r\nHost: h\r\nAuthorization: "
                                           "Bearer boss\r\n\r\n")),
                     200);
}

static void a_body_above_the_rows_limit_is_413(void **state)
{
    static char request[4096];
    const char *methods[] = {"PUT", "PATCH"};

    for (size_t m = 0; m < 2; m++) {
        snprintf(request, sizeof(request),
                 "%s /v1/things/1 HTTP/1.1\r\nHost: h\r\nContent-Length: 65\r\n\r\n%065d",
                 methods[m], 0);
        assert_int_equal(status_of(ask(*state, request)), 413);
        snprintf(request, sizeof(request),
                 "%s /v1/things/1 HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n",
                 methods[m]);
        assert_int_equal(status_of(ask(*state, request)), 413);
        snprintf(request, sizeof(request),
                 "%s /v1/things/1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
                 "chunked\r\n\r\n41\r\n%065d\r\n0\r\n\r\n",
                 methods[m], 0);
        assert_int_equal(status_of(ask(*state, request)), 413);
    }
    assert_int_equal(status_of(ask(*state, "POST /v1/nothing HTTP/1.1\r\nHost: "
                                           "h\r\nContent-Length: 1\r\n\r\nx")),
                     413);
}

static void a_refused_request_keeps_the_connection(void **state)
{
    static char answer[4096];
    int fd = dial(*state);
    static const struct {
        const char *request;
        int status;
    } rows[] = {
        {"PATCH /v1/none HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", 404},
        {"GET /v1/none HTTP/1.1\r\nHost: h\r\n\r\n", 404},
        {"GET /v1/mine HTTP/1.1\r\nHost: h\r\n\r\n", 401},
        {"DELETE /v1/things/1 HTTP/1.1\r\nHost: h\r\n\r\n", 405},
        {"GET /v1/things/1 HTTP/1.1\r\nHost: h\r\n\r\n", 200},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        write_all(fd, rows[i].request, strlen(rows[i].request));
        assert_true(read_answer(fd, answer, sizeof(answer)));
        assert_int_equal(status_of(answer), rows[i].status);
        assert_null(strstr(answer, "Connection: close"));
    }
    close(fd);
}

static void a_long_head_is_431(void **state)
{
    static char request[20000];
    size_t used = (size_t)snprintf(request, sizeof(request),
                                   "GET /v1/things/1 HTTP/1.1\r\nHost: h\r\nX-Long: ");

    memset(request + used, 'a', 17000);
    memcpy(request + used + 17000, "\r\n\r\n", 5);
    assert_int_equal(status_of(ask(*state, request)), 431);
}

/* Each line: a head that must be refused with 400 and a closed connection. */
static void ambiguous_heads_are_400_and_close(void **state)
{
    static const char *const heads[] = {
        "POST /v1/things HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nTransfer-Encoding: "
        "chunked\r\n\r\n0\r\n\r\n",
        "PATCH /v1/things/1 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nTransfer-Encoding: "
        "chunked\r\n\r\n0\r\n\r\n",
        "POST /v1/things HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Length: "
        "3\r\n\r\nhey",
        "PATCH /v1/things/1 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Length: "
        "3\r\n\r\nhey",
        "POST /v1/things HTTP/1.1\r\nHost: h\r\nContent-Length : 5\r\n\r\nhello",
        "POST /v1/things HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n",
        "PATCH /v1/things/1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "GET /v1/things/1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n",
        "POST /v1/things HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /v1/things/1 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /v1/things/1 HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET /v1/things/1 HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET /v1/things/1 HTTP/1.9\r\nHost: h\r\n\r\n",
        "GET /v1/things/1 HTTP/1.1\r\nHost: h\r\nX-A: a\x01z\r\n\r\n",
        "GET /v1/things/1 HTTP/1.1\r\nHost: h\r\nX A: a\r\n\r\n",
        "GET http://other/v1/things/1 HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /v1/things/%zz HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /v1/things/%ff HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /v1/things/%00 HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /v1/things/%0a HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /v1/things/%c0%ae HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /v1/things/.. HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /v1/things/%2e%2e HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /v1/things/1?q=%ed%a0%80 HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /v1/things/1 HTTP/1.1\r\nHost: h\r\nExpect: wonders\r\n\r\n",
        "GET /v1/things/1 HTTP/1.1\r\nHost: h\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n",
    };

    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        char *answer = ask(*state, heads[i]);

        if (status_of(answer) != 400)
            fail_msg("case %zu (%s): %s", i, heads[i], answer);
        assert_contains(answer, "Connection: close");
    }
    assert_int_equal(status_of(ask(*state, "GET /v1/things/1 HTTP/1.1\r\nHost: h\r\n\r\n")), 200);
}

/* ---- bounds ---- */

static bool handler_entered(void *arg)
{
    return atomic_load(&((struct service *)arg)->entered) == 1;
}

static void a_full_queue_is_503_with_retry_after(void **state)
{
    static const char request[] = "GET /v1/block HTTP/1.1\r\nHost: h\r\n\r\n";
    struct service *service = *state;
    static char answer[4096];
    int first, second, third;

    pthread_mutex_lock(&service->gate);
    first = dial(service);
    write_all(first, request, sizeof(request) - 1);
    test_wait_for(handler_entered, service, 5000); /* one runs */
    second = dial(service);
    third = dial(service);
    write_all(second, request, sizeof(request) - 1); /* one waits; of these two one is refused */
    write_all(third, request, sizeof(request) - 1);
    char *refused = NULL;
    for (int tries = 0; tries < 500 && refused == NULL; tries++) {
        char byte;
        const int fds[] = {second, third};

        for (size_t i = 0; i < 2 && refused == NULL; i++)
            if (recv(fds[i], &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1) {
                assert_true(read_answer(fds[i], answer, sizeof(answer)));
                refused = answer;
            }
        usleep(10000);
    }
    pthread_mutex_unlock(&service->gate);
    assert_non_null(refused);
    assert_int_equal(status_of(refused), 503);
    assert_contains(refused, "Retry-After: 1\r\n");
    close(first);
    close(second);
    close(third);
}

static bool peer_closed(void *arg)
{
    char byte;

    return recv(*(int *)arg, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void a_slow_head_and_a_slow_body_are_cut_at_their_deadline(void **state)
{
    struct service *service = *state;
    static const char slow_body[] =
        "PUT /v1/things/1 HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx";
    int head = dial(service), body = dial(service);

    write_all(head, "GET /v1/things/1 HTTP/1.1\r\nHo", 29);
    write_all(body, slow_body, sizeof(slow_body) - 1);
    usleep(100000); /* lets the server read both before time is moved */
    fake_clock_advance_ms(&service->clock, 10100);
    test_wait_for(peer_closed, &head, 5000);
    assert_false(peer_closed(&body));
    fake_clock_advance_ms(&service->clock, 20100);
    test_wait_for(peer_closed, &body, 5000);
    close(head);
    close(body);
}

struct slow_reader {
    struct service *service;
    int fd;
    size_t received;
};

/* Takes a few bytes a second: never idle, and never done in time. */
static bool reader_outlived_its_time(void *arg)
{
    struct slow_reader *reader = arg;
    char bytes[1024];
    ssize_t got = recv(reader->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    reader->received += got > 0 ? (size_t)got : 0;
    if (reader->received > 0) /* from when the answer has begun */
        fake_clock_advance_ms(&reader->service->clock, 1000);
    return cc_mono_ms(&reader->service->clock.clock) > 300000;
}

static void a_slow_reader_is_cut_at_its_deadline(void **state)
{
    static const char request[] = "GET /v1/big HTTP/1.1\r\nHost: h\r\n\r\n";
    struct slow_reader reader = {.service = *state, .fd = dial(*state)};
    static char rest[65536];

    write_all(reader.fd, request, sizeof(request) - 1);
    test_wait_for(reader_outlived_its_time, &reader, 5000);
    for (ssize_t got; (got = recv(reader.fd, rest, sizeof(rest), 0)) > 0;)
        reader.received += (size_t)got; /* what the kernel holds, then the end */
    assert_in_range(reader.received, 1, BIG_BYTES - 1);
    close(reader.fd);
}

static void a_quiesced_server_refuses_connections_and_ends_running_requests(void **state)
{
    struct service *service = *state;
    static const char request[] = "GET /v1/block HTTP/1.1\r\nHost: h\r\n\r\n";
    static char answer[4096];
    int fd = dial(service), refused;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)cc_http_server_port(service->server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    pthread_mutex_lock(&service->gate);
    write_all(fd, request, sizeof(request) - 1);
    test_wait_for(handler_entered, service, 5000);
    cc_http_server_quiesce(service->server);
    refused = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_not_equal(connect(refused, (struct sockaddr *)&address, sizeof(address)), 0);
    close(refused);
    assert_false(cc_http_server_wait_idle(service->server, 0));
    pthread_mutex_unlock(&service->gate);
    assert_true(cc_http_server_wait_idle(service->server, INT64_MAX));
    assert_true(read_answer(fd, answer, sizeof(answer)));
    assert_int_equal(status_of(answer), 204);
    close(fd);
}

int main(void)
{
#define SERVED(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        SERVED(a_handler_sees_decoded_path_query_and_peer),
        SERVED(the_rest_of_a_path_is_one_parameter),
        SERVED(a_body_arrives_whole_also_byte_by_byte_and_chunked),
        SERVED(a_kept_alive_connection_serves_several_requests),
        SERVED(a_request_id_is_echoed_when_clean_and_replaced_when_not),
        SERVED(a_callers_deadline_shortens_the_handlers_time_and_never_lengthens_it),
        SERVED(a_hook_may_answer_name_the_client_and_add_to_every_answer),
        SERVED(json_bodies_are_checked_and_statuses_kept),
        SERVED(nothing_written_is_204),
        SERVED(an_asynchronous_handler_ends_on_another_thread),
        SERVED(an_upgrade_hands_the_socket_over),
        SERVED(head_is_get_without_a_body),
        SERVED(unknown_paths_and_methods_are_problems),
        SERVED(a_retry_time_is_rounded_up_to_seconds),
        SERVED(internal_details_stay_inside),
        SERVED(authentication_comes_before_the_handler),
        SERVED(a_body_above_the_rows_limit_is_413),
        SERVED(a_refused_request_keeps_the_connection),
        SERVED(a_long_head_is_431),
        SERVED(ambiguous_heads_are_400_and_close),
        SERVED(a_full_queue_is_503_with_retry_after),
        SERVED(a_slow_head_and_a_slow_body_are_cut_at_their_deadline),
        SERVED(a_slow_reader_is_cut_at_its_deadline),
        SERVED(a_quiesced_server_refuses_connections_and_ends_running_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
