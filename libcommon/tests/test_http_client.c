/* The HTTP client and peers against our own server, and against sockets that misbehave. */
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
#include "common/http_client.h"
#include "common/http_server.h"

/* ---- the server ---- */

static void put_header(const char *name, const char *value, void *arg)
{
    cc_json_put_text(arg, name, value);
}

static enum cc_code echo(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct cc_json_writer *json = cc_response_json(res);
    size_t count;
    const char *body = cc_request_body(req, &count);

    (void)err;
    cc_response_header(res, "X-Answer", "yes");
    cc_json_open_object(json, NULL);
    cc_json_put_text(json, "method", cc_request_method(req));
    cc_json_put_text(json, "target", cc_request_target(req));
    cc_json_put_text_n(json, "body", body, count);
    cc_request_each_header(req, put_header, json);
    cc_json_close_object(json);
    return CC_OK;
}

static enum cc_code conflict(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    (void)req, (void)res;
    return cc_fail(err, CC_CONFLICT, "/handle", "That handle is taken");
}

static enum cc_code unavailable(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err)
{
    (void)req, (void)res;
    return cc_fail(err, CC_UNAVAILABLE, NULL, "Draining");
}

static enum cc_code huge(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    static char bytes[100000];

    (void)req, (void)err;
    cc_response_body(res, "application/octet-stream", bytes, sizeof(bytes));
    return CC_OK;
}

static enum cc_code slow(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    (void)req, (void)res, (void)err;
    usleep(400000); /* longer than the caller's patience */
    return CC_OK;
}

static const struct cc_route routes[] = {
    {"*", "/echo", CC_AUTH_NONE, CC_RATE_NONE, 1 << 20, echo, CC_BLOCKING},
    {"*", "/conflict", CC_AUTH_NONE, CC_RATE_NONE, 1024, conflict, CC_BLOCKING},
    {"*", "/unavailable", CC_AUTH_NONE, CC_RATE_NONE, 1024, unavailable, CC_BLOCKING},
    {"GET", "/huge", CC_AUTH_NONE, CC_RATE_NONE, 0, huge, CC_BLOCKING},
    {"*", "/slow", CC_AUTH_NONE, CC_RATE_NONE, 1024, slow, CC_BLOCKING},
    {NULL},
};

struct fixture {
    struct cc_http_server *server;
    struct cc_http_client *client;
    struct cc_ids *ids;
    struct cc_arena *arena;
};

static int set_up(void **state)
{
    struct fixture *f = cc_calloc(1, sizeof(*f));
    struct cc_error err = {0};

    f->ids = cc_ids_create(cc_clock_system(), cc_random_system());
    f->arena = cc_arena_create(0);
    f->client = cc_http_client_create();
    const struct cc_http_options options = {.host = "127.0.0.1",
                                            .routes = routes,
                                            .workers = 4,
                                            .clock = cc_clock_system(),
                                            .ids = f->ids};
    assert_int_equal(cc_http_server_start(&options, &f->server, &err), CC_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    cc_http_client_destroy(f->client);
    cc_http_server_stop(f->server);
    cc_ids_destroy(f->ids);
    cc_arena_destroy(f->arena);
    cc_free(f);
    return 0;
}

static const char *url(struct fixture *f, const char *path)
{
    return cc_arena_printf(f->arena, "http://127.0.0.1:%d%s", cc_http_server_port(f->server), path);
}

#define assert_contains(text, part)                                                                \
    do {                                                                                           \
        if (strstr((text), (part)) == NULL)                                                        \
            fail_msg("no '%s' in: %s", (part), (const char *)(text));                              \
    } while (0)

/* ---- a socket that reads a request and then does what the test wants ---- */

struct rude_server {
    int fd, port;
    const char *answer; /* "" = hangs up */
    pthread_t thread;
    _Atomic int requests;
};

static void *be_rude(void *arg)
{
    struct rude_server *rude = arg;
    int fd;

    while ((fd = accept(rude->fd, NULL, NULL)) >= 0) {
        char buffer[4096];

        if (recv(fd, buffer, sizeof(buffer), 0) > 0) {
            atomic_fetch_add(&rude->requests, 1);
            send(fd, rude->answer, strlen(rude->answer), MSG_NOSIGNAL);
        }
        close(fd);
    }
    return NULL;
}

static void start_rude(struct rude_server *rude, const char *answer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);

    rude->answer = answer;
    rude->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(rude->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(rude->fd, 16), 0);
    getsockname(rude->fd, (struct sockaddr *)&address, &length);
    rude->port = ntohs(address.sin_port);
    pthread_create(&rude->thread, NULL, be_rude, rude);
}

static void stop_rude(struct rude_server *rude)
{
    shutdown(rude->fd, SHUT_RDWR);
    pthread_join(rude->thread, NULL);
    close(rude->fd);
}

/* ---- calls ---- */

static void a_call_carries_method_headers_body_and_trace(void **state)
{
    static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE"};
    static const struct cc_http_header headers[] = {{"Content-Type", "text/x-own"},
                                                    {"X-Empty", ""}};
    struct fixture *f = *state;
    struct cc_trace trace = {.trace_id = "0af7651916cd43dd8448eb211c80319c",
                             .span_id = "b7ad6b7169203331"};

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        const struct cc_http_call call = {.method = methods[i],
                                          .url = url(f, "/echo?a=%2F"),
                                          .headers = headers,
                                          .header_count = 2,
                                          .body = "hi\"there",
                                          .body_count = 8,
                                          .trace = &trace};
        struct cc_http_answer answer;
        struct cc_error err = {0};

        assert_int_equal(cc_http_do(f->client, &call, f->arena, &answer, &err), CC_OK);
        assert_int_equal(answer.status, 200);
        assert_string_equal(cc_http_answer_header(&answer, "x-answer"), "yes");
        assert_contains(answer.body, methods[i]);
        assert_contains(answer.body, "\"target\":\"/echo?a=%2F\"");
        assert_contains(answer.body, "\"body\":\"hi\\\"there\"");
        assert_contains(answer.body, "\"Content-Type\":\"text/x-own\"");
        assert_contains(answer.body, "\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-");
    }
}

static void calls_without_a_body_send_none(void **state)
{
    static const char *const methods[] = {"GET", "POST", "DELETE"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        const struct cc_http_call call = {.method = methods[i], .url = url(f, "/echo")};
        struct cc_http_answer answer;
        struct cc_error err = {0};

        assert_int_equal(cc_http_do(f->client, &call, f->arena, &answer, &err), CC_OK);
        assert_contains(answer.body, "\"body\":\"\"");
        assert_null(strstr(answer.body, "Content-Type"));
    }
}

struct tally {
    _Atomic int ended, good;
};

static void count_answer(void *arg, enum cc_code code, const struct cc_http_answer *answer,
                         const struct cc_error *err)
{
    struct tally *tally = arg;

    (void)err;
    if (code == CC_OK && answer->status == 200)
        atomic_fetch_add(&tally->good, 1);
    atomic_fetch_add(&tally->ended, 1);
}

static bool all_ended(void *arg)
{
    return atomic_load(&((struct tally *)arg)->ended) == 200;
}

static void many_calls_run_at_once(void **state)
{
    struct fixture *f = *state;
    const struct cc_http_call call = {.method = "GET", .url = url(f, "/echo")};
    struct tally tally = {0};

    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 50; i++)
            cc_http_send(f->client, &call, count_answer, &tally);
    }
    test_wait_for(all_ended, &tally, 10000);
    assert_true(tally.good > 0); /* the server's own queue is short: others got 503 */
}

static void failures_say_whether_something_was_done(void **state)
{
    struct fixture *f = *state;
    struct rude_server silent = {0}, garbled = {0};
    struct cc_http_answer answer;

    start_rude(&silent, "");
    start_rude(&garbled, "SSH-2.0-OpenSSH_9\r\n\r\n");
    const char *silent_url = cc_arena_printf(f->arena, "http://127.0.0.1:%d/", silent.port);
    const char *garbled_url = cc_arena_printf(f->arena, "http://127.0.0.1:%d/", garbled.port);
    const struct {
        const char *method, *url;
        int timeout_ms;
        size_t max_bytes;
        enum cc_code wanted;
    } rows[] = {
        {"POST", "http://127.0.0.1:1/", 0, 0, CC_UNAVAILABLE},
        {"GET", silent_url, 0, 0, CC_UNAVAILABLE},
        {"POST", silent_url, 0, 0, CC_OUTCOME_UNKNOWN},
        {"GET", url(f, "/slow"), 100, 0, CC_TIMEOUT},
        {"POST", url(f, "/slow"), 100, 0, CC_OUTCOME_UNKNOWN},
        {"GET", url(f, "/huge"), 0, 1000, CC_BAD_GATEWAY},
        {"GET", garbled_url, 0, 0, CC_BAD_GATEWAY},
        {"GET", "ftp://127.0.0.1/", 0, 0, CC_INTERNAL},
        {"GET", "file:///etc/hostname", 0, 0, CC_INTERNAL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct cc_http_call call = {.method = rows[i].method,
                                          .url = rows[i].url,
                                          .body = "x",
                                          .body_count = strcmp(rows[i].method, "POST") == 0,
                                          .timeout_ms = rows[i].timeout_ms,
                                          .response_max_bytes = rows[i].max_bytes};
        struct cc_error err = {0};
        enum cc_code code = cc_http_do(f->client, &call, f->arena, &answer, &err);

        if (code != rows[i].wanted)
            fail_msg("case %zu: %s (%s)", i, cc_code_name(code), err.detail);
    }
    assert_int_equal(silent.requests, 2); /* nothing was sent twice */
    stop_rude(&silent);
    stop_rude(&garbled);
}

static void what_a_failure_tells_the_log_holds_no_query(void **state)
{
    struct fixture *f = *state;
    const struct cc_http_call call = {.method = "GET",
                                      .url = "http://127.0.0.1:1/file?X-Amz-Signature=secret"};
    struct cc_http_answer answer;
    struct cc_error err = {0};

    assert_int_equal(cc_http_do(f->client, &call, f->arena, &answer, &err), CC_UNAVAILABLE);
    assert_non_null(strstr(err.detail, "http://127.0.0.1:1/file:"));
    assert_null(strstr(err.detail, "secret"));
}

static void what_is_no_whole_answer_is_a_failure(void **state)
{
    struct fixture *f = *state;
    const struct {
        const char *answer, *method;
        enum cc_code wanted;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n", "GET", CC_UNAVAILABLE},
        {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n", "POST", CC_OUTCOME_UNKNOWN},
        {"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n", "GET", CC_UNAVAILABLE},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "GET", CC_UNAVAILABLE},
        {"HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n", "GET", CC_BAD_GATEWAY},
        {"HTTP/1.1 600 X\r\nContent-Length: 0\r\n\r\n", "GET", CC_BAD_GATEWAY},
        {"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 204 X\r\n\r\n", "GET", CC_OK},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rude_server rude = {0};
        struct cc_http_answer answer;
        struct cc_error err = {0};

        start_rude(&rude, rows[i].answer);
        const struct cc_http_call call = {
            .method = rows[i].method,
            .url = cc_arena_printf(f->arena, "http://127.0.0.1:%d/", rude.port)};
        enum cc_code code = cc_http_do(f->client, &call, f->arena, &answer, &err);

        if (code != rows[i].wanted)
            fail_msg("case %zu: %s (%s)", i, cc_code_name(code), err.detail);
        stop_rude(&rude);
    }
}

static void note_code(void *arg, enum cc_code code, const struct cc_http_answer *answer,
                      const struct cc_error *err)
{
    (void)answer, (void)err;
    *(enum cc_code *)arg = code;
}

static void a_stopping_client_ends_what_runs(void **state)
{
    struct fixture *f = *state;
    const struct cc_http_call call = {.method = "POST", .url = url(f, "/slow")};
    enum cc_code code = CC_OK;

    cc_http_send(f->client, &call, note_code, &code);
    cc_http_client_destroy(f->client);
    f->client = NULL;
    assert_int_equal(code, CC_UNAVAILABLE);
}

/* ---- peers ---- */

static struct cc_peer *peer_with_dead_first(struct fixture *f)
{
    const char *items[] = {"http://127.0.0.1:1", url(f, "")};
    const struct cc_setting_list urls = {.items = items, .count = 2};

    return cc_peer_create(f->client, &urls);
}

static struct cc_peer *peer_of_one(struct fixture *f)
{
    const char *items[] = {url(f, "")};
    const struct cc_setting_list urls = {.items = items, .count = 1};

    return cc_peer_create(f->client, &urls);
}

static void a_peer_tries_its_next_instance(void **state)
{
    struct fixture *f = *state;
    struct cc_peer *peer = peer_with_dead_first(f);
    struct cc_http_answer answer;
    struct cc_error err = {0};

    for (int i = 0; i < 4; i++) {
        assert_int_equal(
            cc_peer_call(peer, "POST", "/echo", "{}", 2, NULL, 0, f->arena, &answer, &err), CC_OK);
        assert_contains(answer.body, "\"Content-Type\":\"application/json\"");
    }
    cc_peer_destroy(peer);
}

static void a_problem_becomes_its_code_field_and_text(void **state)
{
    struct fixture *f = *state;
    struct cc_peer *peer = peer_of_one(f);
    struct cc_http_answer answer;
    struct cc_error err = {0};

    assert_int_equal(
        cc_peer_call(peer, "PUT", "/conflict", "{}", 2, NULL, 0, f->arena, &answer, &err),
        CC_CONFLICT);
    assert_string_equal(err.field, "/handle");
    assert_string_equal(err.public_text, "That handle is taken");
    assert_int_equal(
        cc_peer_call(peer, "GET", "/unavailable", NULL, 0, NULL, 0, f->arena, &answer, &err),
        CC_UNAVAILABLE);
    assert_int_equal(err.retry_after_ms, 1000);
    assert_int_equal(cc_peer_call(peer, "GET", "/none", NULL, 0, NULL, 0, f->arena, &answer, &err),
                     CC_NOT_FOUND);
    cc_peer_destroy(peer);
}

struct outcome {
    enum cc_code code;
    _Atomic bool ended;
};

static void note_outcome(void *arg, enum cc_code code, const struct cc_http_answer *answer,
                         const struct cc_error *err)
{
    struct outcome *outcome = arg;

    (void)err;
    outcome->code = code;
    assert_int_equal(answer != NULL, code == CC_OK);
    atomic_store(&outcome->ended, true);
}

static bool outcome_known(void *arg)
{
    return atomic_load(&((struct outcome *)arg)->ended);
}

static enum cc_code send_and_wait(struct cc_peer *peer, const char *path)
{
    struct outcome outcome = {.code = CC_OK};

    cc_peer_send(peer, "POST", path, "{}", 2, NULL, 0, note_outcome, &outcome);
    test_wait_for(outcome_known, &outcome, 5000);
    return outcome.code;
}

static void the_asynchronous_form_does_the_same(void **state)
{
    struct fixture *f = *state;
    struct cc_peer *peer = peer_with_dead_first(f);
    struct cc_peer *nobody = cc_peer_create(f->client, &(struct cc_setting_list){0});

    for (int i = 0; i < 2; i++)
        assert_int_equal(send_and_wait(peer, "/echo"), CC_OK);
    assert_int_equal(send_and_wait(peer, "/conflict"), CC_CONFLICT);
    assert_int_equal(send_and_wait(peer, "/unavailable"), CC_UNAVAILABLE);
    assert_int_equal(send_and_wait(nobody, "/echo"), CC_UNAVAILABLE);
    cc_peer_destroy(nobody);
    cc_peer_destroy(peer);
}

int main(void)
{
#define CALLED(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CALLED(a_call_carries_method_headers_body_and_trace),
        CALLED(calls_without_a_body_send_none),
        CALLED(many_calls_run_at_once),
        CALLED(failures_say_whether_something_was_done),
        CALLED(what_a_failure_tells_the_log_holds_no_query),
        CALLED(what_is_no_whole_answer_is_a_failure),
        CALLED(a_stopping_client_ends_what_runs),
        CALLED(a_peer_tries_its_next_instance),
        CALLED(a_problem_becomes_its_code_field_and_text),
        CALLED(the_asynchronous_form_does_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
