/* HTTP/1.1 as attackers write it, in raw bytes. Each row carries a second request, the canary,
 * where a reader with another idea of framing would see one; no service may ever get it. After each
 * row the process lives and serves the next client.
 *
 * What the gateway can't see, because libmicrohttpd joins or drops it before anybody is told: bare
 * LF as a line's end, folded lines, what stands behind a NUL, lines without a name. Such requests
 * are read in one way here, and what travels on is serialised anew from what was read. */
#include <stdio.h>
#include <string.h>

#include "gateway_fixture.h"

#define CANARY      "GET /v1/auth/canary HTTP/1.1\r\nHost: h\r\n\r\n"
#define CANARY_SIZE "41"
#define POST_TO     "POST /v1/auth/x HTTP/1.1\r\nHost: h\r\n"
#define CHUNKED     "Transfer-Encoding: chunked\r\n"
#define CLOSED      0 /* hung up without an answer */

struct row {
    const char *name;
    int status, or_status; /* the first answer's */
    const char *bytes;
    size_t count;
};
#define ROW(name, status, bytes)                                                                   \
    {                                                                                              \
        name, status, status, bytes, sizeof(bytes) - 1                                             \
    }
#define ROW2(name, status, or_status, bytes)                                                       \
    {                                                                                              \
        name, status, or_status, bytes, sizeof(bytes) - 1                                          \
    }

/* clang-format off: one case a line */
static const struct row rows[] = {
    /* length and transfer coding */
    ROW("length and chunked", 400, POST_TO "Content-Length: 4\r\n" CHUNKED "\r\n0\r\n\r\n" CANARY),
    ROW("chunked and length", 400, POST_TO CHUNKED "Content-Length: 48\r\n\r\n0\r\n\r\n" CANARY),
    ROW("two lengths", 400,
        POST_TO "Content-Length: 0\r\nContent-Length: " CANARY_SIZE "\r\n\r\n" CANARY),
    ROW("two equal lengths", 400, POST_TO "Content-Length: 0\r\nContent-Length: 0\r\n\r\n" CANARY),
    ROW("list of lengths", 400, POST_TO "Content-Length: 0, " CANARY_SIZE "\r\n\r\n" CANARY),
    ROW("length with plus", 400, POST_TO "Content-Length: +0\r\n\r\n" CANARY),
    ROW("negative length", 400, POST_TO "Content-Length: -1\r\n\r\n" CANARY),
    ROW("hexadecimal length", 400, POST_TO "Content-Length: 0x0\r\n\r\n" CANARY),
    ROW("empty length", 400, POST_TO "Content-Length: \r\n\r\n" CANARY),
    ROW2("length of 2^64", 400, 413, POST_TO "Content-Length: 18446744073709551616\r\n\r\n" CANARY),
    ROW("length near 2^63", 400, POST_TO "Content-Length: 9223372036854775807\r\n\r\n" CANARY),
    ROW("length with a decimal point", 400, POST_TO "Content-Length: 0.0\r\n\r\n" CANARY),
    ROW("length with a word behind", 400, POST_TO "Content-Length: 0 x\r\n\r\n" CANARY),
    ROW("space before the colon of length", 400,
        POST_TO "Content-Length : " CANARY_SIZE "\r\n\r\n" CANARY),
    ROW("tab before the colon of length", 400,
        POST_TO "Content-Length\t: " CANARY_SIZE "\r\n\r\n" CANARY),
    ROW("space before the colon of coding", 400,
        POST_TO "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" CANARY),
    ROW("unknown coding", 400, POST_TO "Transfer-Encoding: gzip\r\n\r\n" CANARY),
    ROW("identity coding", 400, POST_TO "Transfer-Encoding: identity\r\n\r\n" CANARY),
    ROW("chunked and identity", 400,
        POST_TO "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" CANARY),
    ROW("chunked twice", 400,
        POST_TO "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" CANARY),
    ROW("two fields of coding", 400, POST_TO CHUNKED CHUNKED "\r\n0\r\n\r\n" CANARY),
    ROW("coding in quotes", 400, POST_TO "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n" CANARY),
    ROW("coding with a vertical tab", 400,
        POST_TO "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n" CANARY),
    ROW("coding with a parameter", 400,
        POST_TO "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n" CANARY),
    ROW("empty coding", 400, POST_TO "Transfer-Encoding: \r\n\r\n" CANARY),
    ROW("misspelt coding", 400, POST_TO "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" CANARY),
    ROW("coding in HTTP/1.0", 400,
        "POST /v1/auth/x HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n" CHUNKED
        "\r\n0\r\n\r\n" CANARY),
    /* chunks */
    ROW2("chunk size with plus", 400, CLOSED, POST_TO CHUNKED "\r\n+0\r\n\r\n" CANARY),
    ROW2("chunk size with 0x", 400, CLOSED, POST_TO CHUNKED "\r\n0x0\r\n\r\n" CANARY),
    ROW2("negative chunk size", 400, CLOSED, POST_TO CHUNKED "\r\n-1\r\n\r\n" CANARY),
    ROW2("chunk size above 2^64", 413, 400, POST_TO CHUNKED "\r\n1ffffffffffffffff\r\n" CANARY),
    ROW2("empty chunk size", 400, CLOSED, POST_TO CHUNKED "\r\n\r\n" CANARY),
    ROW2("chunk longer than its size", 400, CLOSED,
         POST_TO CHUNKED "\r\n1\r\nab\r\n0\r\n\r\n" CANARY),
    ROW2("chunk without its end", 400, CLOSED, POST_TO CHUNKED "\r\n1\r\na0\r\n\r\n" CANARY),
    ROW2("chunked body that never ends", 400, CLOSED, POST_TO CHUNKED "\r\n5\r\nab"),
    ROW2("canary inside a chunk", 415, 415, POST_TO CHUNKED "\r\n29\r\n" CANARY "\r\n0\r\n\r\n"),
    ROW2("length in a trailer", 400, 201,
         POST_TO "Connection: close\r\n" CHUNKED "\r\n0\r\nContent-Length: 41\r\n\r\n" CANARY),
    ROW2("coding in a trailer", 400, 201,
         POST_TO "Connection: close\r\n" CHUNKED "\r\n0\r\nTransfer-Encoding: gzip\r\n\r\n" CANARY),
    /* hosts and targets */
    ROW("two hosts", 400, "GET /v1/auth/x HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n" CANARY),
    ROW("no host", 400, "GET /v1/auth/x HTTP/1.1\r\n\r\n" CANARY),
    ROW("empty host", 400, "GET /v1/auth/x HTTP/1.1\r\nHost:\r\n\r\n" CANARY),
    ROW("host with a path", 400,
        "GET /v1/auth/x HTTP/1.1\r\nHost: h/v1/auth/canary\r\n\r\n" CANARY),
    ROW("host with a space", 400, "GET /v1/auth/x HTTP/1.1\r\nHost: h i\r\n\r\n" CANARY),
    ROW("host with a user", 400, "GET /v1/auth/x HTTP/1.1\r\nHost: u@h\r\n\r\n" CANARY),
    ROW("host list", 400, "GET /v1/auth/x HTTP/1.1\r\nHost: h, i\r\n\r\n" CANARY),
    ROW("target of another host", 400,
        "GET http://other/v1/auth/canary HTTP/1.1\r\nHost: h\r\n\r\n" CANARY),
    ROW("target with a fragment", 400, "GET /v1/auth/canary#x HTTP/1.1\r\nHost: h\r\n\r\n" CANARY),
    ROW("target with dot segments", 400,
        "GET /v1/users/../auth/canary HTTP/1.1\r\nHost: h\r\n\r\n" CANARY),
    ROW("target with encoded dots", 400,
        "GET /v1/users/%2e%2e/auth/canary HTTP/1.1\r\nHost: h\r\n\r\n" CANARY),
    ROW("target with encoded line end", 400,
        "GET /v1/auth/x%0d%0aHost:%20i HTTP/1.1\r\nHost: h\r\n\r\n" CANARY),
    ROW("target with encoded NUL", 400,
        "GET /v1/auth/canary%00 HTTP/1.1\r\nHost: h\r\n\r\n" CANARY),
    ROW("target with bad UTF-8", 400, "GET /v1/auth/canary%ff HTTP/1.1\r\nHost: h\r\n\r\n" CANARY),
    ROW("target with raw bytes", 400, "GET /v1/auth/canary\xff HTTP/1.1\r\nHost: h\r\n\r\n" CANARY),
    ROW("target with a backslash", 400,
        "GET \\v1\\auth\\canary HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" CANARY),
    ROW2("authority form", 400, 405, "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n" CANARY),
    ROW2("asterisk form", 400, 405, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n" CANARY),
    /* fields */
    ROW("space in a name", 400, POST_TO "X Y: 1\r\n\r\n" CANARY),
    ROW("control byte in a name", 400, POST_TO "X\x01Y: 1\r\n\r\n" CANARY),
    ROW("control byte in a value", 400,
        POST_TO "X: a\x01"
                "b\r\n\r\n" CANARY),
    ROW("CR in a value", 400, POST_TO "X: a\rContent-Length: 41\r\n\r\n" CANARY),
    ROW("DEL in a value", 400, POST_TO "X: a\x7f\r\n\r\n" CANARY),
    ROW("two tokens", 400,
        "GET /v1/auth/x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer a\r\nAuthorization: Bearer "
        "b\r\n\r\n" CANARY),
    ROW("two idempotency keys", 400,
        POST_TO "Idempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: 0\r\n\r\n" CANARY),
    ROW("two content types", 400,
        POST_TO "Content-Type: application/json\r\nContent-Type: text/plain\r\n\r\n" CANARY),
    ROW("unknown expectation", 400,
        POST_TO "Expect: 200-ok\r\nContent-Length: " CANARY_SIZE "\r\n\r\n" CANARY),
    /* versions and request lines */
    ROW2("HTTP/1.9", 400, 505, "GET /v1/auth/x HTTP/1.9\r\nHost: h\r\n\r\n" CANARY),
    ROW2("HTTP/2.0", 505, CLOSED, "GET /v1/auth/x HTTP/2.0\r\nHost: h\r\n\r\n" CANARY),
    ROW2("preface of HTTP/2", 400, 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" CANARY),
    ROW2("HTTP/0.9", 400, CLOSED, "GET /v1/auth/canary\r\n\r\n"),
    ROW2("no HTTP at all", 400, CLOSED, "SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    ROW2("a TLS hello", 400, CLOSED, "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n"),
    /* bodies that look like requests: read as bodies, refused, never run */
    ROW("canary as the body of nothing", 404,
        "POST /nowhere HTTP/1.1\r\nHost: h\r\nContent-Length: " CANARY_SIZE "\r\n\r\n" CANARY),
    ROW("canary as a body of another type", 415,
        POST_TO "Content-Length: " CANARY_SIZE "\r\n\r\n" CANARY),
    ROW("canary as the body of an unknown caller", 401,
        "POST /v1/chats HTTP/1.1\r\nHost: h\r\nContent-Length: " CANARY_SIZE "\r\n\r\n" CANARY),
    ROW("canary as a body that nobody takes", 413,
        "GET /.well-known/jwks.json HTTP/1.1\r\nHost: h\r\nContent-Length: " CANARY_SIZE
        "\r\n\r\n" CANARY),
    ROW("canary behind an unknown method", 405,
        "BREW /v1/auth/x HTTP/1.1\r\nHost: h\r\nContent-Length: " CANARY_SIZE "\r\n\r\n" CANARY),
    ROW("canary behind a refused upgrade", 400,
        "GET /v1/ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade, "
        "close\r\n\r\n" CANARY),
    ROW("canary behind h2c", 415,
        POST_TO "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: "
                "AA\r\nContent-Length: " CANARY_SIZE "\r\n\r\n" CANARY),
};
/* clang-format on */

static int canaries(const struct gateway *g)
{
    int count = 0;

    for (int i = 0; i < FAKE_COUNT; i++)
        count += g->fakes.services[i].canaries;
    return count;
}

static void no_second_request_ever_runs(void **state)
{
    struct gateway *g = *state;
    int wrong = 0;

    assert_int_equal(sizeof(CANARY) - 1, 41);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        int status = status_of(ask_raw(g, row->bytes, row->count));

        if (status != row->status && status != row->or_status) {
            print_error("%s: %d\n", row->name, status);
            wrong++;
        }
        if (canaries(g) > 0)
            fail_msg("%s: the canary ran", row->name);
        assert_int_equal(status_of(ask_signed(g, "GET /v1/users/me")), 200);
    }
    assert_int_equal(wrong, 0);
    assert_true(sizeof(rows) / sizeof(rows[0]) >= 60);
}

/* Shows that the canary would be seen. */
static void a_second_request_in_its_right_place_runs(void **state)
{
    static const char two[] = POST_TO "Content-Length: 0\r\n\r\n" CANARY;
    struct gateway *g = *state;

    assert_int_equal(status_of(ask_raw(g, two, sizeof(two) - 1)), 201);
    assert_int_equal(canaries(g), 1);
}

/* Read in one way, and written anew: what reaches the service has one length, no coding, no fold.
 */
static void what_libmicrohttpd_hides_is_serialised_anew(void **state)
{
    static const struct row hidden[] = {
        ROW("bare LF", 201,
            "POST /v1/auth/x HTTP/1.1\nHost: h\nConnection: close\nContent-Length: 0\n\n"),
        ROW2("folded line", 201, 400,
             POST_TO
             "Connection: close\r\nX-A: b\r\n\tContent-Length: 41\r\nContent-Length: 0\r\n\r\n"),
        ROW2("bare LF in chunks", 201, 400, POST_TO "Connection: close\r\n" CHUNKED "\r\n0\n\n"),
    };
    struct gateway *g = *state;

    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        const char *answer = ask_raw(g, hidden[i].bytes, hidden[i].count);
        int status = status_of(answer);

        if (status != hidden[i].status && status != hidden[i].or_status)
            fail_msg("%s: %d", hidden[i].name, status);
        assert_lacks(answer, "\"Transfer-Encoding\"");
        assert_lacks(answer, "X-A");
        if (status == 201)
            assert_contains(answer, "\"Content-Length\":\"0\"");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_second_request_ever_runs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_second_request_in_its_right_place_runs, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_libmicrohttpd_hides_is_serialised_anew, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
