/* The HTTP server that tests ask, and how they ask. */

#include "http_fixture.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/deadline.h"

/* ---- handlers and hooks ---- */

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
    struct http_fixture *service = cc_request_app(req);

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
    struct http_fixture *service = cc_request_app(req);

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

int http_fixture_start(void **state)
{
    static const struct cc_http_hooks hooks = {.authenticate = authenticate,
                                               .client_address = name_client,
                                               .intercept = intercept,
                                               .decorate = decorate};
    struct http_fixture *service = cc_calloc(1, sizeof(*service));
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

int http_fixture_stop(void **state)
{
    struct http_fixture *service = *state;

    cc_http_server_stop(service->server);
    if (service->completer != 0)
        pthread_join(service->completer, NULL);
    cc_ids_destroy(service->ids);
    pthread_mutex_destroy(&service->gate);
    cc_free(service);
    return 0;
}

/* ---- a client ---- */

int http_dial(const struct http_fixture *service)
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

void http_write_all(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);

        if (sent <= 0)
            return; /* the server may have refused and closed: the answer tells */
        bytes += sent;
        count -= (size_t)sent;
    }
}

bool http_read_answer(int fd, char *out, size_t size)
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

char *http_ask(struct http_fixture *service, const char *request)
{
    static char answer[65536];
    int fd = http_dial(service);

    http_write_all(fd, request, strlen(request));
    assert_true(http_read_answer(fd, answer, sizeof(answer)));
    close(fd);
    return answer;
}

int http_status_of(const char *answer)
{
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? (int)strtol(answer + 9, NULL, 10) : 0;
}
