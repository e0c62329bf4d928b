/* The HTTP server: what it answers by itself, and what never reaches a handler. */

#include "http_fixture.h"

#include <stdio.h>
#include <unistd.h>

static void unknown_paths_and_methods_are_problems(void **state)
{
    char *answer = http_ask(*state, "GET /v1/none HTTP/1.1\r\nHost: h\r\n\r\n");

    assert_int_equal(http_status_of(answer), 404);
    assert_contains(answer, "Content-Type: application/problem+json\r\n");
    assert_contains(answer, "\"instance\":\"/v1/none\"");
    assert_contains(answer, "\"trace_id\":\"");
    answer = http_ask(*state, "DELETE /v1/things/1 HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(http_status_of(answer), 405);
    assert_contains(answer, "Allow: ");
    assert_contains(answer, "PATCH");
    assert_int_equal(
        http_status_of(http_ask(*state, "GET /internal/x HTTP/1.1\r\nHost: h\r\n\r\n")), 404);
}

static void a_retry_time_is_rounded_up_to_seconds(void **state)
{
    char *answer = http_ask(*state, "GET /v1/limited HTTP/1.1\r\nHost: h\r\n\r\n");

    assert_int_equal(http_status_of(answer), 429);
    assert_contains(answer, "Retry-After: 3\r\n");
    assert_contains(answer, "\"detail\":\"Slow down\"");
}

static void internal_details_stay_inside(void **state)
{
    char *answer = http_ask(*state, "GET /v1/crash HTTP/1.1\r\nHost: h\r\n\r\n");

    assert_int_equal(http_status_of(answer), 500);
    assert_null(strstr(answer, "secret"));
}

static void authentication_comes_before_the_handler(void **state)
{
    char *answer = http_ask(*state, "GET /v1/mine HTTP/1.1\r\nHost: h\r\n\r\n");

    assert_int_equal(http_status_of(answer), 401);
    assert_contains(answer, "WWW-Authenticate: Bearer\r\n");
    assert_int_equal(
        http_status_of(http_ask(
            *state, "GET /v1/mine HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer no\r\n\r\n")),
        401);
    assert_contains(
        http_ask(*state, "GET /v1/mine HTTP/1.1\r\nHost: h\r\nAuthorization: bearer user\r\n\r\n"),
        "\"user\":\"u-1\"");
    assert_int_equal(
        http_status_of(http_ask(*state, "GET /v1/admin HTTP/1.1\r\nHost: h\r\nAuthorization: "
                                        "Bearer user\r\n\r\n")),
        403);
    assert_int_equal(
        http_status_of(http_ask(*state, "GET /v1/admin HTTP/1.1\r\nHost: h\r\nAuthorization: "
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
        assert_int_equal(http_status_of(http_ask(*state, request)), 413);
        snprintf(request, sizeof(request),
                 "%s /v1/things/1 HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n",
                 methods[m]);
        assert_int_equal(http_status_of(http_ask(*state, request)), 413);
        snprintf(request, sizeof(request),
                 "%s /v1/things/1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
                 "chunked\r\n\r\n41\r\n%065d\r\n0\r\n\r\n",
                 methods[m], 0);
        assert_int_equal(http_status_of(http_ask(*state, request)), 413);
    }
    assert_int_equal(http_status_of(http_ask(*state, "POST /v1/nothing HTTP/1.1\r\nHost: "
                                                     "h\r\nContent-Length: 1\r\n\r\nx")),
                     413);
}

static void a_refused_request_keeps_the_connection(void **state)
{
    static char answer[4096];
    int fd = http_dial(*state);
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
        http_write_all(fd, rows[i].request, strlen(rows[i].request));
        assert_true(http_read_answer(fd, answer, sizeof(answer)));
        assert_int_equal(http_status_of(answer), rows[i].status);
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
    assert_int_equal(http_status_of(http_ask(*state, request)), 431);
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
        char *answer = http_ask(*state, heads[i]);

        if (http_status_of(answer) != 400)
            fail_msg("case %zu (%s): %s", i, heads[i], answer);
        assert_contains(answer, "Connection: close");
    }
    assert_int_equal(
        http_status_of(http_ask(*state, "GET /v1/things/1 HTTP/1.1\r\nHost: h\r\n\r\n")), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(unknown_paths_and_methods_are_problems),
        SERVED(a_retry_time_is_rounded_up_to_seconds),
        SERVED(internal_details_stay_inside),
        SERVED(authentication_comes_before_the_handler),
        SERVED(a_body_above_the_rows_limit_is_413),
        SERVED(a_refused_request_keeps_the_connection),
        SERVED(a_long_head_is_431),
        SERVED(ambiguous_heads_are_400_and_close),
    };

    return cmocka_run_group_tests_name("http problems", tests, NULL, NULL);
}
