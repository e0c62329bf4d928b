/* What the edge refuses, limits, caps and tells browsers; what it does when services fail; how it
 * stops. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway_fixture.h"

#include "common/breaker.h"

#define UPGRADE                                                                                    \
    "GET /v1/ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"              \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
#define JSON "Content-Type: application/json\r\n"

static const char *post(struct gateway *g, const char *target, const char *headers,
                        const char *body)
{
    return ask(g, cc_arena_printf(g->arena, "POST %s", target),
               cc_arena_printf(g->arena, "%s%s", bearer(g), headers), body);
}

/* ---- bodies ---- */

static void bodies_are_checked_before_they_travel(void **state)
{
    static const struct {
        const char *headers, *body;
        int status;
    } rows[] = {
        {"", "{}", 415},
        {"Content-Type: text/plain\r\n", "{}", 415},
        {"Content-Type: application/json; charset=utf-8\r\n", "{}", 201},
        {"Content-Type: application/merge-patch+json\r\n", "{}", 201},
        {JSON, "{\"a\":\"\xff\"}", 400},
        {JSON, "{\"a\":\"\xed\xa0\x80\"}", 400},
        {JSON, "{\"a\":\"\xc3\xa9\"}", 201},
        {JSON, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", 400},
    };
    struct gateway *g = *state;
    int passed = 0;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int status = status_of(post(g, "/v1/chats", rows[i].headers, rows[i].body));

        if (status != rows[i].status)
            fail_msg("case %zu: %d", i, status);
        passed += rows[i].status == 201;
    }
    assert_int_equal(g->fakes.services[FAKE_CHAT].requests, passed);
}

/* ---- browsers ---- */

static void a_preflight_of_an_allowed_origin_is_answered_here(void **state)
{
    static const char ask_for[] = "Access-Control-Request-Method: PATCH\r\n";
    struct gateway *g = *state;
    const char *answer =
        ask(g, "OPTIONS /v1/users/me",
            cc_arena_printf(g->arena, "Origin: https://chat.example\r\n%s", ask_for), "");

    assert_int_equal(status_of(answer), 204);
    assert_contains(answer, "Access-Control-Allow-Origin: https://chat.example\r\n");
    assert_contains(answer,
                    "Access-Control-Allow-Methods: GET, HEAD, POST, PUT, PATCH, DELETE\r\n");
    assert_contains(answer, "Idempotency-Key");
    assert_contains(answer, "Vary: Origin\r\n");
    assert_lacks(answer, "Access-Control-Allow-Credentials");
    answer = ask(g, "OPTIONS /v1/users/me",
                 cc_arena_printf(g->arena, "Origin: https://evil.example\r\n%s", ask_for), "");
    assert_int_equal(status_of(answer), 403);
    assert_lacks(answer, "Access-Control-Allow-Origin");
    assert_int_equal(g->fakes.services[FAKE_USER].requests, 0);
}

static void answers_and_refusals_carry_cors_and_security_headers(void **state)
{
    struct gateway *g = *state;
    const char *with_origin =
        cc_arena_printf(g->arena, "%sOrigin: https://chat.example\r\n", bearer(g));
    const char *answers[] = {
        ask(g, "GET /v1/users/me", with_origin, ""),
        ask(g, "GET /v1/users/me", "Origin: https://chat.example\r\n", ""),
        ask(g, "GET /nowhere", with_origin, ""),
    };
    static const int statuses[] = {200, 401, 404};

    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(status_of(answers[i]), statuses[i]);
        assert_contains(answers[i], "Access-Control-Allow-Origin: https://chat.example\r\n");
        assert_contains(answers[i], "Access-Control-Expose-Headers: ETag, ");
        assert_contains(answers[i], "X-Content-Type-Options: nosniff\r\n");
        assert_contains(answers[i], "Content-Security-Policy: default-src 'none'");
        assert_contains(answers[i], "X-Frame-Options: DENY\r\n");
        assert_contains(answers[i], "Referrer-Policy: no-referrer\r\n");
        assert_contains(answers[i], "Strict-Transport-Security: max-age=600");
    }
    assert_lacks(ask(g, "GET /v1/users/me",
                     cc_arena_printf(g->arena, "%sOrigin: https://evil.example\r\n", bearer(g)),
                     ""),
                 "Access-Control-Allow-Origin");
}

/* ---- addresses ---- */

static int set_up_behind_a_proxy(void **state)
{
    struct gateway *g = create();

    set(g, "TRUSTED_PROXIES", "127.0.0.0/8,10.0.0.0/8");
    default_settings(g);
    run_gateway(g);
    *state = g;
    return 0;
}

static void a_trusted_proxy_says_who_the_client_is(void **state)
{
    struct gateway *g = *state;
    const char *headers = cc_arena_printf(
        g->arena, "%sX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 198.51.100.9, 10.0.0.1\r\n",
        bearer(g));
    const char *answer = ask(g, "GET /v1/users/me", headers, "");

    assert_contains(answer, "\"X-Forwarded-For\":\"198.51.100.9\"");
    assert_lacks(answer, "6.6.6.6");
}

/* ---- limits ---- */

static void forget_shared_buckets(struct gateway *g)
{
    struct cc_error err = {0};

    assert_int_equal(cc_redis_do(g->app.redis, NULL, &err, "DEL", "rate:address:127.0.0.1",
                                 "rate:address:198.51.100.1", "rate:address:198.51.100.2",
                                 "rate:global:all", NULL),
                     CC_OK);
}

static int set_up_with_few(void **state)
{
    struct gateway *g = create();

    set(g, "TRUSTED_PROXIES", "127.0.0.1");
    set(g, "RATE_ADDRESS_PER_S", "1");
    set(g, "RATE_ADDRESS_BURST", "3");
    set(g, "RATE_GLOBAL_PER_S", "1");
    set(g, "RATE_GLOBAL_BURST", "5");
    default_settings(g);
    run_gateway(g);
    forget_shared_buckets(g);
    *state = g;
    return 0;
}

static int tear_down_few(void **state)
{
    forget_shared_buckets(*state);
    return tear_down(state);
}

static const char *ask_from(struct gateway *g, const char *address)
{
    sign_token(g); /* always another person */
    return ask(g, "GET /v1/users/me",
               cc_arena_printf(g->arena, "%sX-Forwarded-For: %s\r\n", bearer(g), address), "");
}

static void addresses_and_everybody_have_limits_too(void **state)
{
    struct gateway *g = *state;
    const char *answer;

    for (int i = 0; i < 3; i++)
        assert_int_equal(status_of(ask_from(g, "198.51.100.1")), 200);
    answer = ask_from(g, "198.51.100.1");
    assert_int_equal(status_of(answer), 429);
    assert_contains(answer, "RateLimit-Policy: \"address\";q=3;w=3\r\n");
    assert_contains(answer, "Retry-After: 1\r\n");
    do { /* a second may have passed, and a token of all come back, but not one of three */
        answer = ask_from(g, "198.51.100.2");
    } while (status_of(answer) == 200);
    assert_int_equal(status_of(answer), 429);
}

/* ---- services that fail ---- */

static const char *post_read(struct gateway *g)
{
    return post(g, "/v1/notifications/read", JSON, "{}");
}

static bool is_served_again(void *arg)
{
    return status_of(post_read(arg)) == 201;
}

static void a_failing_instance_is_left_alone_until_a_probe_succeeds(void **state)
{
    struct gateway *g = *state;
    struct fake_service *service = &g->fakes.services[FAKE_NOTIFICATION];
    int64_t began_us, quickest_us = INT64_MAX;

    atomic_store(&service->refuse_status, 503);
    for (int i = 0; i < CC_BREAKER_FAILURES; i++)
        assert_int_equal(status_of(post_read(g)), 503);
    assert_int_equal(service->requests, CC_BREAKER_FAILURES);
    for (int i = 0; i < 5; i++) {
        const char *answer;

        began_us = cc_mono_us(cc_clock_system());
        answer = post_read(g);
        began_us = cc_mono_us(cc_clock_system()) - began_us;
        quickest_us = began_us < quickest_us ? began_us : quickest_us;
        assert_int_equal(status_of(answer), 503);
        assert_contains(answer, "Retry-After: ");
    }
    assert_int_equal(service->requests, CC_BREAKER_FAILURES);
    assert_true(quickest_us < 5000); /* connection, token and limit included */
    assert_int_equal(status_of(ask_signed(g, "GET /v1/users/me")), 200);
    atomic_store(&service->refuse_status, 0);
    test_wait_for(is_served_again, g, 5000);
    assert_int_equal(service->requests, CC_BREAKER_FAILURES + 1);
}

static void the_deadline_travels_on_and_is_not_the_clients(void **state)
{
    struct gateway *g = *state;
    const char *answer =
        ask(g, "GET /v1/users/me",
            cc_arena_printf(g->arena, "%sX-Request-Timeout-Ms: 1\r\n", bearer(g)), "");

    assert_int_equal(status_of(answer), 200);
    assert_contains(answer, "\"X-Request-Timeout-Ms\":\"");
    assert_lacks(answer, "\"X-Request-Timeout-Ms\":\"1\"");
}

/* ---- tunnels ---- */

static int open_tunnel(struct gateway *g)
{
    char text[4096];
    int fd = dial(g);

    assert_int_equal(send(fd, UPGRADE, sizeof(UPGRADE) - 1, MSG_NOSIGNAL), sizeof(UPGRADE) - 1);
    for (size_t used = 0;;) {
        ssize_t got = recv(fd, text + used, sizeof(text) - 1 - used, 0);

        if (got <= 0) {
            close(fd);
            return -1;
        }
        used += (size_t)got;
        text[used] = '\0';
        if (strstr(text, "hello first") != NULL)
            return fd;
        if (strstr(text, "HTTP/1.1 101") == NULL && strstr(text, "\r\n\r\n") != NULL) {
            close(fd);
            return -1;
        }
    }
}

static int set_up_with_one_tunnel(void **state)
{
    struct gateway *g = create();

    set(g, "TUNNELS_PER_ADDRESS_MAX", "1");
    set(g, "TUNNEL_DRAIN_MS", "300");
    default_settings(g);
    run_gateway(g);
    *state = g;
    return 0;
}

static bool opens_again(void *arg)
{
    int fd = open_tunnel(arg);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void an_address_has_its_share_of_tunnels(void **state)
{
    struct gateway *g = *state;
    int fd = open_tunnel(g);
    const char *answer;

    assert_true(fd >= 0);
    answer = ask_raw(g, UPGRADE, sizeof(UPGRADE) - 1);
    assert_int_equal(status_of(answer), 429);
    assert_contains(answer, "Retry-After: 5\r\n");
    close(fd);
    test_wait_for(opens_again, g, 5000);
}

static void a_drain_closes_tunnels_and_opens_no_more(void **state)
{
    struct gateway *g = *state;
    int fd = open_tunnel(g);
    int64_t began_ms = cc_mono_ms(cc_clock_system());
    char byte;

    assert_true(fd >= 0);
    gateway_app_drain(&g->app, began_ms + 10000);
    assert_in_range(cc_mono_ms(cc_clock_system()) - began_ms, 200, 3000);
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    assert_int_equal(status_of(ask_raw(g, UPGRADE, sizeof(UPGRADE) - 1)), 503);
    close(fd);
}

static int set_up_with_hsts(void **state)
{
    struct gateway *g = create();

    set(g, "HSTS_MAX_AGE_S", "600");
    default_settings(g);
    run_gateway(g);
    *state = g;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bodies_are_checked_before_they_travel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_preflight_of_an_allowed_origin_is_answered_here, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(answers_and_refusals_carry_cors_and_security_headers,
                                        set_up_with_hsts, tear_down),
        cmocka_unit_test_setup_teardown(a_trusted_proxy_says_who_the_client_is,
                                        set_up_behind_a_proxy, tear_down),
        cmocka_unit_test_setup_teardown(addresses_and_everybody_have_limits_too, set_up_with_few,
                                        tear_down_few),
        cmocka_unit_test_setup_teardown(a_failing_instance_is_left_alone_until_a_probe_succeeds,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_deadline_travels_on_and_is_not_the_clients, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_address_has_its_share_of_tunnels, set_up_with_one_tunnel,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_drain_closes_tunnels_and_opens_no_more,
                                        set_up_with_one_tunnel, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
