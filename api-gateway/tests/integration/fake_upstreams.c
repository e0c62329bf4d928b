/* See fake_upstreams.h. Handlers run on the fakes' own workers. */

#include "fake_upstreams.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- services ---- */

static void put_header(const char *name, const char *value, void *arg)
{
    cc_json_put_text(arg, name, value);
}

/* Tells everything that came. */
static void tell(struct cc_request *req, struct cc_response *res, const char *name)
{
    struct cc_json_writer *json = cc_response_json(res);
    size_t count;
    const char *body = cc_request_body(req, &count);

    cc_json_open_object(json, NULL);
    cc_json_put_text(json, "service", name);
    cc_json_put_text(json, "method", cc_request_method(req));
    cc_json_put_text(json, "target", cc_request_target(req));
    cc_json_put_text_n(json, "body", body, count);
    cc_json_open_object(json, "headers");
    cc_request_each_header(req, put_header, json);
    cc_json_close_object(json);
    cc_json_close_object(json);
}

static void tell_chats(struct cc_response *res)
{
    static const char page[] = "{\"items\":[{\"chat_id\":\"c1\",\"title\":\"one\"},"
                               "{\"chat_id\":\"c2\",\"title\":\"two\"}],\"next_cursor\":null}";

    cc_response_body(res, "application/json", page, sizeof(page) - 1);
}

static enum cc_code answer(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct fake_service *service = cc_request_app(req);
    int refuse_status = atomic_load(&service->refuse_status);

    atomic_fetch_add(&service->requests, 1);
    if (strcasestr(cc_request_target(req), "canary") != NULL)
        atomic_fetch_add(&service->canaries, 1);
    if (refuse_status != 0)
        return cc_fail(err, cc_code_from_http_status(refuse_status), NULL, "the fake says no");
    cc_response_header(res, "ETag", "\"7\"");
    cc_response_header(res, "Server", "fake");
    cc_response_header(res, "X-Internal", "secret");
    if (strcmp(service->name, "chat") == 0 && strcmp(cc_request_path(req), "/v1/chats") == 0 &&
        strcmp(cc_request_method(req), "GET") == 0)
        tell_chats(res);
    else
        tell(req, res, service->name);
    if (strcmp(cc_request_method(req), "POST") == 0)
        cc_response_status(res, 201);
    return CC_OK;
}

static const struct cc_route service_routes[] = {
    {"*", "/{rest...}", CC_AUTH_NONE, CC_RATE_NONE, 1 << 20, answer, CC_BLOCKING},
    {NULL},
};

/* ---- internal routes ---- */

static enum cc_code key_set(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct fake_upstreams *fakes = cc_request_app(req);

    (void)err;
    cc_jwt_write_jwks(&fakes->signer, 1, cc_response_json(res));
    return CC_OK;
}

static enum cc_code revocations(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err)
{
    struct fake_upstreams *fakes = cc_request_app(req);
    const char *items = "{\"items\":[]}";

    atomic_fetch_add(&fakes->lists, 1);
    if (atomic_load(&fakes->revocations_fail))
        return cc_fail_detail(err, CC_INTERNAL, "as the test wants it");
    if (fakes->revoked_session[0] != '\0' && !atomic_load(&fakes->revocation_hidden))
        items = cc_arena_printf(cc_request_arena(req),
                                "{\"items\":[{\"session_id\":\"%s\","
                                "\"until\":\"2100-01-01T00:00:00.000Z\"}]}",
                                fakes->revoked_session);
    cc_response_body(res, "application/json", items, strlen(items));
    return CC_OK;
}

static enum cc_code heads(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    static const char items[] =
        "{\"items\":[{\"chat_id\":\"c2\",\"rev\":9,\"seq\":8,\"read_seq\":5,"
        "\"unread\":3,\"capped\":false}]}";
    struct fake_upstreams *fakes = cc_request_app(req);

    if (atomic_load(&fakes->heads_fail))
        return cc_fail_detail(err, CC_INTERNAL, "as the test wants it");
    cc_response_body(res, "application/json", items, sizeof(items) - 1);
    return CC_OK;
}

static const struct cc_route internal_routes[] = {
    {"GET", "/internal/jwks.json", CC_AUTH_INTERNAL, CC_RATE_NONE, 0, key_set, CC_BLOCKING},
    {"GET", "/internal/revocations", CC_AUTH_INTERNAL, CC_RATE_NONE, 0, revocations, CC_BLOCKING},
    {"POST", "/internal/heads", CC_AUTH_INTERNAL, CC_RATE_NONE, 65536, heads, CC_BLOCKING},
    {NULL},
};

/* ---- the websocket-gateway's place ---- */

static bool read_head(int fd, char *out, size_t size)
{
    size_t used = 0;

    while (used < size - 1) {
        ssize_t got = recv(fd, out + used, 1, 0);

        if (got <= 0)
            return false;
        out[++used] = '\0';
        if (used >= 4 && memcmp(out + used - 4, "\r\n\r\n", 4) == 0)
            return true;
    }
    return false;
}

static void echo(int fd)
{
    char buffer[65536];
    ssize_t got;

    while ((got = recv(fd, buffer, sizeof(buffer), 0)) > 0) {
        if (got == 4 && memcmp(buffer, "quit", 4) == 0)
            return;
        for (ssize_t sent = 0; sent < got;) {
            ssize_t step = send(fd, buffer + sent, (size_t)(got - sent), MSG_NOSIGNAL);

            if (step <= 0)
                return;
            sent += step;
        }
    }
}

static void serve_websocket(struct fake_websocket *websocket, int fd)
{
    static const char refusal[] = "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\n"
                                  "Content-Length: 6\r\n\r\nnot so";
    static const char accepted[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                   "Connection: Upgrade\r\nSec-WebSocket-Accept: abc=\r\n"
                                   "Sec-WebSocket-Protocol: chat.v1\r\n\r\nhello first";

    if (!read_head(fd, websocket->head, sizeof(websocket->head)))
        return;
    if (strstr(websocket->head, "Protocol: refuse") != NULL) {
        send(fd, refusal, sizeof(refusal) - 1, MSG_NOSIGNAL);
        return;
    }
    atomic_fetch_add(&websocket->upgrades, 1);
    send(fd, accepted, sizeof(accepted) - 1, MSG_NOSIGNAL);
    echo(fd);
    atomic_fetch_add(&websocket->ended, 1);
}

/* One connection after the other is enough for the tests. */
static void *run_websocket(void *arg)
{
    struct fake_websocket *websocket = arg;
    int fd;

    while ((fd = accept(websocket->listen_fd, NULL, NULL)) >= 0) {
        atomic_store(&websocket->fd, fd);
        serve_websocket(websocket, fd);
        atomic_store(&websocket->fd, -1);
        close(fd);
    }
    return NULL;
}

static int listen_anywhere(int *out_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *out_port = ntohs(address.sin_port);
    return fd;
}

void fake_websocket_start(struct fake_websocket *websocket)
{
    websocket->listen_fd = listen_anywhere(&websocket->port);
    assert_int_equal(pthread_create(&websocket->thread, NULL, run_websocket, websocket), 0);
}

void fake_websocket_leave(struct fake_websocket *websocket)
{
    shutdown(websocket->listen_fd, SHUT_RDWR);
}

void fake_websocket_stop(struct fake_websocket *websocket)
{
    fake_websocket_leave(websocket);
    pthread_join(websocket->thread, NULL);
    close(websocket->listen_fd);
}

int fake_dead_port(void)
{
    int port;

    close(listen_anywhere(&port));
    return port;
}

/* ---- all of it ---- */

/* One key for all tests of a process: making it is most of a test's time. */
static EVP_PKEY *key_pair(void)
{
    static EVP_PKEY *key;

    if (key == NULL)
        key = EVP_RSA_gen(2048);
    return key;
}

static struct cc_jwt_signer *new_signer(void)
{
    struct cc_jwt_signer *signer = NULL;
    struct cc_error err = {0};
    EVP_PKEY *key = key_pair();
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem;

    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    BIO_write(bio, "", 1);
    BIO_get_mem_data(bio, &pem);
    assert_int_equal(cc_jwt_signer_create(pem, &signer, &err), CC_OK);
    BIO_free(bio);
    return signer;
}

static struct cc_http_server *start_server(struct fake_upstreams *fakes,
                                           const struct cc_route *routes, void *app, bool internal)
{
    const struct cc_http_options options = {.host = "127.0.0.1",
                                            .routes = routes,
                                            .app = app,
                                            .workers = 2,
                                            .clock = cc_clock_system(),
                                            .ids = fakes->ids,
                                            .internal = internal};
    struct cc_http_server *server = NULL;
    struct cc_error err = {0};

    assert_int_equal(cc_http_server_start(&options, &server, &err), CC_OK);
    return server;
}

void fake_upstreams_start(struct fake_upstreams *fakes)
{
    static const char *const names[FAKE_COUNT] = {"auth", "user", "chat", "message",
                                                  "notification"};

    fakes->ids = cc_ids_create(cc_clock_system(), cc_random_system());
    fakes->signer = new_signer();
    for (int i = 0; i < FAKE_COUNT; i++) {
        fakes->services[i].name = names[i];
        fakes->services[i].all = fakes;
        fakes->services[i].server = start_server(fakes, service_routes, &fakes->services[i], false);
    }
    fakes->internal = start_server(fakes, internal_routes, fakes, true);
    fake_websocket_start(&fakes->websocket);
}

void fake_upstreams_stop(struct fake_upstreams *fakes)
{
    fake_websocket_stop(&fakes->websocket);
    cc_http_server_stop(fakes->internal);
    for (int i = 0; i < FAKE_COUNT; i++)
        cc_http_server_stop(fakes->services[i].server);
    cc_jwt_signer_destroy(fakes->signer);
    cc_ids_destroy(fakes->ids);
}

int fake_upstream_port(const struct fake_upstreams *fakes, int which)
{
    return cc_http_server_port(fakes->services[which].server);
}
