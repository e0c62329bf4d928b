/* Forwarding, composed answers and tunnels of the whole gateway. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway_fixture.h"

#include "../../../libcommon/src/health_private.h" /* the skeleton's part, played by the test */
#include "common/topics.h"
#include "proxy/forward.h"

/* auth-service's list names the caller's session, and can't be had yet. */
static int set_up_without_list(void **state)
{
    struct gateway *g = create();

    memcpy(g->fakes.revoked_session, g->session_id, sizeof(g->session_id));
    atomic_store(&g->fakes.revocations_fail, true);
    default_settings(g);
    run_gateway(g);
    *state = g;
    return 0;
}

static int set_up_strict(void **state)
{
    struct gateway *g = create();

    set(g, "RATE_READ_PER_S", "1"); /* of two equal names the first counts */
    set(g, "RATE_READ_BURST", "2");
    default_settings(g);
    run_gateway(g);
    *state = g;
    return 0;
}

/* ---- forwarding ---- */

static void each_path_reaches_its_service(void **state)
{
    static const struct {
        const char *line, *service;
    } rows[] = {
        {"POST /v1/auth/login", "auth"},
        {"POST /v1/auth/register", "auth"},
        {"POST /v1/auth/otp/verify", "auth"},
        {"POST /v1/auth/otp/resend", "auth"},
        {"POST /v1/auth/refresh", "auth"},
        {"POST /v1/auth/logout", "auth"},
        {"POST /v1/auth/password/forgot", "auth"},
        {"POST /v1/auth/password/reset", "auth"},
        {"POST /v1/auth/password/change", "auth"},
        {"GET /v1/auth/deletions/d1", "auth"},
        {"GET /v1/sessions", "auth"},
        {"DELETE /v1/sessions/s1", "auth"},
        {"GET /v1/devices", "auth"},
        {"PUT /v1/devices/d1/push-token", "notification"},
        {"GET /v1/users?query=a", "user"},
        {"PATCH /v1/users/me", "user"},
        {"POST /v1/chats", "chat"},
        {"POST /v1/chats/direct", "chat"},
        {"GET /v1/chats/c1", "chat"},
        {"GET /v1/chats/c1/members", "chat"},
        {"PUT /v1/chats/c1/me", "chat"},
        {"PATCH /v1/chats/c1/members/u1", "chat"},
        {"POST /v1/chats/c1/messages", "message"},
        {"GET /v1/chats/c1/messages/m1", "message"},
        {"GET /v1/chats/c1/changes?after_rev=3", "message"},
        {"POST /v1/chats/c1/read", "message"},
        {"PATCH /v1/messages/m1", "message"},
        {"PUT /v1/messages/m1/reactions/%F0%9F%91%8D", "message"},
        {"POST /v1/media", "message"},
        {"GET /v1/notifications", "notification"},
        {"POST /v1/notifications/read", "notification"},
    };
    struct gateway *g = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *answer = ask_signed(g, rows[i].line);

        assert_contains(answer, cc_arena_printf(g->arena, "\"service\":\"%s\"", rows[i].service));
        assert_contains(
            answer, cc_arena_printf(g->arena, "\"target\":\"%s\"", strchr(rows[i].line, ' ') + 1));
    }
}

static void a_request_is_serialised_anew_from_allowed_headers(void **state)
{
    struct gateway *g = *state;
    const char *headers = cc_arena_printf(
        g->arena,
        "%sContent-Type: application/json\r\nIdempotency-Key: k1\r\nIf-Match: \"3\"\r\n"
        "X-User-Id: evil\r\nX-Forwarded-For: 6.6.6.6\r\nCookie: a=b\r\nX-Request-Id: req-1\r\n"
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
        "tracestate: vendor=1\r\n",
        bearer(g));
    const char *answer = ask(g, "POST /v1/chats/c1/messages", headers, "{\"body\":\"hi\"}");

    assert_int_equal(status_of(answer), 201);
    assert_contains(answer, "\"method\":\"POST\"");
    assert_contains(answer, "\"Idempotency-Key\":\"k1\"");
    assert_contains(answer, "\"If-Match\":\"\\\"3\\\"\"");
    assert_contains(answer, "\"X-Forwarded-For\":\"127.0.0.1\"");
    assert_contains(answer, "\"X-Request-Id\":\"req-1\"");
    assert_contains(answer, "\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-");
    assert_contains(answer, "\"tracestate\":\"vendor=1\"");
    assert_contains(answer, "{\\\"body\\\":\\\"hi\\\"}");
    assert_lacks(answer, "evil");
    assert_lacks(answer, "6.6.6.6");
    assert_lacks(answer, "Cookie");
}

/* W3C Trace Context, 3.3.1.4: without a traceparent that can be read it must be dropped. */
static void a_trace_state_without_its_trace_ends_here(void **state)
{
    static const char *const unreadable[] = {
        "",
        "traceparent: 00-zz\r\n",
        "traceparent: 00-00000000000000000000000000000000-b7ad6b7169203331-01\r\n",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01\r\n",
        "traceparent: ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n",
    };
    struct gateway *g = *state;

    for (size_t i = 0; i < sizeof(unreadable) / sizeof(unreadable[0]); i++) {
        const char *headers =
            cc_arena_printf(g->arena, "%s%stracestate: vendor=1\r\n", bearer(g), unreadable[i]);
        const char *answer = ask(g, "GET /v1/users/me", headers, "");

        assert_int_equal(status_of(answer), 200);
        assert_contains(answer, "\"traceparent\":\"00-"); /* a trace of the edge's own */
        assert_lacks(answer, "vendor=1");
    }
}

static void only_allowed_headers_come_back(void **state)
{
    const char *answer = ask_signed(*state, "GET /v1/users/me");

    assert_contains(answer, "ETag: \"7\"\r\n");
    assert_contains(answer, "Content-Type: application/json\r\n");
    assert_lacks(answer, "X-Internal");
    assert_lacks(answer, "Server: fake");
}

static void without_a_good_token_nothing_is_forwarded(void **state)
{
    struct gateway *g = *state;
    const char *answer = ask(g, "GET /v1/users/me", "", "");

    assert_int_equal(status_of(answer), 401);
    assert_contains(answer, "WWW-Authenticate: Bearer\r\n");
    assert_int_equal(status_of(ask(g, "GET /v1/users/me", "Authorization: Bearer x.y.z\r\n", "")),
                     401);
    assert_int_equal(g->fakes.services[FAKE_USER].requests, 0);
}

static void a_problem_of_the_service_is_the_answer(void **state)
{
    struct gateway *g = *state;
    const char *answer;

    atomic_store(&g->fakes.services[FAKE_USER].refuse_status, 409);
    answer = ask_signed(g, "GET /v1/users/me");
    assert_int_equal(status_of(answer), 409);
    assert_contains(answer, "Content-Type: application/problem+json\r\n");
    assert_contains(answer, "the fake says no");
}

static void a_dead_instance_is_passed_over(void **state)
{
    for (int i = 0; i < 10; i++)
        assert_int_equal(status_of(ask_signed(*state, "GET /v1/chats/c1")), 200);
}

static void a_service_that_is_away_is_503(void **state)
{
    struct gateway *g = *state;
    const char *answer;

    cc_http_server_stop(g->fakes.services[FAKE_NOTIFICATION].server);
    g->fakes.services[FAKE_NOTIFICATION].server = NULL;
    answer = ask_signed(g, "GET /v1/notifications");
    assert_int_equal(status_of(answer), 503);
    assert_contains(answer, "Retry-After: ");
    assert_contains(answer, "\"code\":\"unavailable\"");
    assert_int_equal(status_of(ask_signed(g, "GET /v1/users/me")), 200);
}

static void internal_paths_and_strange_methods_end_here(void **state)
{
    struct gateway *g = *state;

    assert_int_equal(status_of(ask_signed(g, "GET /internal/jwks.json")), 404);
    assert_int_equal(status_of(ask_signed(g, "GET /v1/users/..%2finternal")), 200);
    assert_int_equal(status_of(ask_signed(g, "GET /v1/users/../internal")), 400);
    assert_int_equal(status_of(ask_signed(g, "BREW /v1/users/me")), 405);
    assert_int_equal(g->fakes.services[FAKE_USER].requests, 1);
}

static void a_body_above_the_limit_ends_here(void **state)
{
    struct gateway *g = *state;
    char *body = cc_arena_alloc(g->arena, GATEWAY_BODY_MAX_BYTES + 2);

    memset(body, 'a', GATEWAY_BODY_MAX_BYTES + 1);
    body[GATEWAY_BODY_MAX_BYTES + 1] = '\0';
    assert_int_equal(status_of(ask(g, "POST /v1/chats", bearer(g), body)), 413);
    assert_int_equal(g->fakes.services[FAKE_CHAT].requests, 0);
}

static bool is_refused(void *arg)
{
    return status_of(ask_signed(arg, "GET /v1/users/me")) == 401;
}

static void a_revoked_session_is_refused(void **state)
{
    struct gateway *g = *state;
    struct cc_error err = {0};

    assert_int_equal(status_of(ask_signed(g, "GET /v1/users/me")), 200);
    assert_int_equal(cc_redis_do(g->app.redis, NULL, &err, "PUBLISH", CC_CHANNEL_SESSION_REVOKED,
                                 g->session_id, NULL),
                     CC_OK);
    test_wait_for(is_refused, g, 3000);
}

static void above_the_rate_the_answer_is_429(void **state)
{
    struct gateway *g = *state;
    const char *answer = ask_signed(g, "GET /v1/users/me");

    assert_int_equal(status_of(answer), 200);
    assert_contains(answer, "RateLimit-Policy: \"read\";q=2;w=2\r\n");
    assert_contains(answer, "RateLimit: \"read\";r=1;t=0\r\n");
    assert_int_equal(status_of(ask_signed(g, "GET /v1/users/me")), 200);
    answer = ask_signed(g, "GET /v1/users/me");
    assert_int_equal(status_of(answer), 429);
    assert_contains(answer, "Retry-After: 1\r\n");
    assert_contains(answer, "RateLimit: \"read\";r=0;t=1\r\n");
    assert_int_equal(g->fakes.services[FAKE_USER].requests, 2);
}

/* ---- composed answers ---- */

static void chats_carry_their_unread_counts(void **state)
{
    const char *answer = ask_signed(*state, "GET /v1/chats?limit=2");

    assert_int_equal(status_of(answer), 200);
    assert_contains(answer, "{\"chat_id\":\"c1\",\"title\":\"one\"},{\"chat_id\":\"c2\",\"title\":"
                            "\"two\",\"head_seq\":8,\"read_seq\":5,\"unread\":3,\"capped\":false}");
    assert_lacks(answer, "partial");
}

static void chats_without_counts_say_so(void **state)
{
    struct gateway *g = *state;
    const char *answer;

    atomic_store(&g->fakes.heads_fail, true);
    answer = ask_signed(g, "GET /v1/chats");
    assert_int_equal(status_of(answer), 200);
    assert_contains(answer, "\"title\":\"two\"");
    assert_contains(answer, "\"partial\":[\"unread\"]");
}

static void bootstrap_is_me_chats_and_limits(void **state)
{
    const char *answer = ask_signed(*state, "GET /v1/bootstrap");

    assert_int_equal(status_of(answer), 200);
    assert_contains(answer, "\"me\":{\"service\":\"user\"");
    assert_contains(answer, "\"target\":\"/v1/users/me\"");
    assert_contains(answer, "\"unread\":3");
    assert_contains(answer, "\"frame_max_bytes\":65536");
    assert_lacks(answer, "partial");
}

static void bootstrap_needs_me_but_not_the_chats(void **state)
{
    struct gateway *g = *state;
    const char *answer;

    atomic_store(&g->fakes.services[FAKE_CHAT].refuse_status, 500);
    answer = ask_signed(g, "GET /v1/bootstrap");
    assert_int_equal(status_of(answer), 200);
    assert_contains(answer, "\"partial\":[\"chats\"]");
    assert_contains(answer, "\"chats\":{\"items\":[],\"next_cursor\":null}");
    atomic_store(&g->fakes.services[FAKE_USER].refuse_status, 404);
    assert_int_equal(status_of(ask_signed(g, "GET /v1/bootstrap")), 404);
}

/* ---- tunnels ---- */

#define UPGRADE                                                                                    \
    "GET /v1/ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"  \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

/* Reads until `end` was seen. */
static const char *read_until(struct gateway *g, int fd, const char *end)
{
    char *text = cc_arena_calloc(g->arena, 1, 8192);
    size_t used = 0;

    while (strstr(text, end) == NULL) {
        ssize_t got = recv(fd, text + used, 8191 - used, 0);

        if (got <= 0)
            fail_msg("ended before '%s': %s", end, text);
        used += (size_t)got;
    }
    return text;
}

static int open_tunnel(struct gateway *g)
{
    int fd = dial(g);
    const char *answer;

    assert_true(send(fd, UPGRADE "Sec-WebSocket-Protocol: chat.v1\r\n\r\n", sizeof(UPGRADE) + 34,
                     MSG_NOSIGNAL) > 0);
    answer = read_until(g, fd, "hello first");
    assert_int_equal(status_of(answer), 101);
    assert_contains(answer, "Sec-WebSocket-Accept: abc=\r\n");
    assert_contains(answer, "Sec-WebSocket-Protocol: chat.v1\r\n");
    return fd;
}

static void a_tunnel_carries_bytes_both_ways(void **state)
{
    struct gateway *g = *state;
    int fd = open_tunnel(g);

    for (int i = 0; i < 3; i++) {
        assert_int_equal(send(fd, "ping", 4, MSG_NOSIGNAL), 4);
        assert_string_equal(read_until(g, fd, "ping"), "ping");
    }
    assert_contains(g->fakes.websocket.head, "GET /v1/ws HTTP/1.1\r\n");
    assert_contains(g->fakes.websocket.head, "X-Forwarded-For: 127.0.0.1\r\n");
    assert_contains(g->fakes.websocket.head, "traceparent: 00-");
    close(fd);
}

static bool websocket_saw_the_end(void *arg)
{
    return atomic_load(&((struct gateway *)arg)->fakes.websocket.ended) == 1;
}

static void the_end_of_one_side_is_the_end_of_the_other(void **state)
{
    struct gateway *g = *state;
    int fd = open_tunnel(g);
    char byte;

    close(fd);
    test_wait_for(websocket_saw_the_end, g, 5000);
    fd = open_tunnel(g);
    assert_int_equal(send(fd, "quit", 4, MSG_NOSIGNAL), 4);
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
}

struct flood {
    int fd;
    size_t count;
};

static void *send_flood(void *arg)
{
    const struct flood *flood = arg;
    static char block[65536];

    for (size_t sent = 0; sent < flood->count;) {
        ssize_t step = send(flood->fd, block, sizeof(block), MSG_NOSIGNAL);

        if (step <= 0)
            break;
        sent += (size_t)step;
    }
    return NULL;
}

/* 16 MiB there and back while the reader starts late: more than all socket buffers hold. */
static void a_slow_reader_holds_the_sender_back_and_loses_nothing(void **state)
{
    struct gateway *g = *state;
    struct flood flood = {.fd = open_tunnel(g), .count = (size_t)16 * 1024 * 1024};
    static char buffer[65536];
    size_t received = 0;
    pthread_t sender;

    pthread_create(&sender, NULL, send_flood, &flood);
    usleep(300000); /* lets everything fill up; nothing depends on how much */
    while (received < flood.count) {
        ssize_t got = recv(flood.fd, buffer, sizeof(buffer), 0);

        assert_true(got > 0);
        received += (size_t)got;
    }
    pthread_join(sender, NULL);
    assert_int_equal(received, flood.count);
    close(flood.fd);
}

static const char *ask_upgrade(struct gateway *g, const char *request)
{
    return ask_raw(g, request, strlen(request));
}

static void a_refused_upgrade_is_passed_on(void **state)
{
    struct gateway *g = *state;
    const char *answer = ask_upgrade(g, UPGRADE "Sec-WebSocket-Protocol: refuse\r\n\r\n");

    assert_int_equal(status_of(answer), 403);
    assert_contains(answer, "\r\n\r\nnot so");
}

static void upgrades_are_checked_here(void **state)
{
    struct gateway *g = *state;

    assert_int_equal(status_of(ask(g, "GET /v1/ws", "", "")), 400);
    assert_int_equal(status_of(ask_upgrade(g, UPGRADE "Origin: https://evil.example\r\n\r\n")),
                     403);
    assert_int_equal(status_of(ask_upgrade(g, UPGRADE "Authorization: Bearer a.b.c\r\n\r\n")), 401);
    assert_string_equal(g->fakes.websocket.head, "");
}

static void without_a_websocket_gateway_the_answer_is_503(void **state)
{
    struct gateway *g = *state;

    shutdown(g->fakes.websocket.listen_fd, SHUT_RDWR);
    assert_int_equal(status_of(ask_upgrade(g, UPGRADE "Origin: https://chat.example\r\n\r\n")),
                     503);
}

/* ---- readiness ---- */

static bool is_ready(void *arg)
{
    char reason[CC_HEALTH_REASON_BYTES];

    return cc_health_ready(((struct gateway *)arg)->runtime.health, reason);
}

static bool only_revocations_are_missing(void *arg)
{
    char reason[CC_HEALTH_REASON_BYTES];

    return !cc_health_ready(((struct gateway *)arg)->runtime.health, reason) &&
           strncmp(reason, "revocations", strlen("revocations")) == 0;
}

static int set_up_alone(void **state)
{
    struct gateway *g = create();
    const char *dead = cc_arena_printf(g->arena, "http://127.0.0.1:%d", fake_dead_port());

    set(g, "REDIS_URL", cc_arena_printf(g->arena, "redis://127.0.0.1:%d/0", fake_dead_port()));
    set(g, "AUTH_SERVICE_URLS", dead);
    set(g, "USER_SERVICE_URLS", dead);
    set(g, "CHAT_SERVICE_URLS", dead);
    set(g, "MESSAGE_SERVICE_URLS", dead);
    set(g, "NOTIFICATION_SERVICE_URLS", dead);
    set(g, "WEBSOCKET_GATEWAY_URLS", dead);
    default_settings(g);
    run_gateway(g);
    *state = g;
    return 0;
}

static const char *readiness(struct gateway *g)
{
    struct cc_strbuf text;
    struct cc_json_writer json;
    const char *copy;

    cc_strbuf_init(&text, 8192);
    cc_json_writer_init(&json, &text);
    cc_json_open_object(&json, NULL);
    cc_health_write(g->runtime.health, &json);
    cc_json_close_object(&json);
    copy = cc_arena_printf(g->arena, "%s", cc_strbuf_text(&text));
    cc_strbuf_finish(&text);
    return copy;
}

static bool redis_is_named(void *arg)
{
    return strstr(readiness(arg), "{\"name\":\"redis\",\"ok\":false") != NULL;
}

/* Otherwise a balancer would take every edge away with the first server that is. */
static void keys_and_revocations_are_enough_to_be_ready(void **state)
{
    struct gateway *g = *state;

    cc_health_set_started(g->runtime.health);
    test_wait_for(is_ready, g, 5000);
    test_wait_for(redis_is_named, g, 5000);
    assert_contains(readiness(g), "\"status\":\"degraded\"");
    assert_contains(readiness(g), "{\"name\":\"chat-service\",\"ok\":false,\"age_ms\":null");
    assert_int_equal(status_of(ask_signed(g, "GET /v1/users/me")), 503);
    assert_contains(ask(g, "GET /.well-known/jwks.json", "", ""), "\"kid\":\"");
}

static bool lacks_nothing(void *arg)
{
    return strstr(readiness(arg), "\"status\":\"ready\"") != NULL;
}

static void with_every_upstream_there_it_is_not_degraded(void **state)
{
    struct gateway *g = *state;

    cc_health_set_started(g->runtime.health);
    test_wait_for(lacks_nothing, g, 5000);
}

static void who_was_logged_out_before_the_start_is_known_before_it_is_ready(void **state)
{
    struct gateway *g = *state;
    char reason[CC_HEALTH_REASON_BYTES];

    cc_health_set_started(g->runtime.health);
    test_wait_for(only_revocations_are_missing, g, 5000);
    assert_false(cc_health_ready(g->runtime.health, reason));

    atomic_store(&g->fakes.revocations_fail, false);
    test_wait_for(is_ready, g, 5000);
    assert_int_equal(status_of(ask_signed(g, "GET /v1/users/me")), 401);
}

int main(void)
{
#define GATEWAY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        GATEWAY(each_path_reaches_its_service),
        GATEWAY(a_request_is_serialised_anew_from_allowed_headers),
        GATEWAY(a_trace_state_without_its_trace_ends_here),
        GATEWAY(only_allowed_headers_come_back),
        GATEWAY(without_a_good_token_nothing_is_forwarded),
        GATEWAY(a_problem_of_the_service_is_the_answer),
        GATEWAY(a_dead_instance_is_passed_over),
        GATEWAY(a_service_that_is_away_is_503),
        GATEWAY(internal_paths_and_strange_methods_end_here),
        GATEWAY(a_body_above_the_limit_ends_here),
        GATEWAY(a_revoked_session_is_refused),
        cmocka_unit_test_setup_teardown(above_the_rate_the_answer_is_429, set_up_strict, tear_down),
        GATEWAY(chats_carry_their_unread_counts),
        GATEWAY(chats_without_counts_say_so),
        GATEWAY(bootstrap_is_me_chats_and_limits),
        GATEWAY(bootstrap_needs_me_but_not_the_chats),
        GATEWAY(a_tunnel_carries_bytes_both_ways),
        GATEWAY(the_end_of_one_side_is_the_end_of_the_other),
        GATEWAY(a_slow_reader_holds_the_sender_back_and_loses_nothing),
        GATEWAY(a_refused_upgrade_is_passed_on),
        GATEWAY(upgrades_are_checked_here),
        GATEWAY(without_a_websocket_gateway_the_answer_is_503),
        GATEWAY(with_every_upstream_there_it_is_not_degraded),
        cmocka_unit_test_setup_teardown(keys_and_revocations_are_enough_to_be_ready, set_up_alone,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            who_was_logged_out_before_the_start_is_known_before_it_is_ready, set_up_without_list,
            tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
