/* The head filter as a pure function: a table of heads, each with the verdict. */
#include <string.h>

#include "testing.h"

#include "../src/http_private.h"

static const char *check(const char *version, const struct cc_http_field *fields, size_t count)
{
    const struct cc_http_head head = {.version = version, .fields = fields, .field_count = count};

    return cc_http_guard_check(&head);
}

#define FIELD(n, v)                                                                                \
    {                                                                                              \
        .name = n, .name_length = sizeof(n) - 1, .value = v, .value_length = sizeof(v) - 1         \
    }
#define HOST FIELD("Host", "chat.example:8080")

static void an_ordinary_head_passes(void **state)
{
    const struct cc_http_field fields[] = {HOST, FIELD("Content-Length", "12"),
                                           FIELD("X-Name", "gr\xc3\xbc\xc3\x9f"),
                                           FIELD("Accept", "a"), FIELD("Accept", "b")};

    (void)state;
    assert_null(check("HTTP/1.1", fields, 5));
    assert_null(check("HTTP/1.0", fields + 1, 1));
}

static void a_chunked_body_passes_in_http_11_only(void **state)
{
    const struct cc_http_field fields[] = {HOST, FIELD("Transfer-Encoding", "Chunked")};

    (void)state;
    assert_null(check("HTTP/1.1", fields, 2));
    assert_non_null(check("HTTP/1.0", fields, 2));
}

static void each_ambiguous_field_is_refused(void **state)
{
    static const struct cc_http_field bad[] = {
        FIELD("Content-Length", ""),
        FIELD("Content-Length", "+1"),
        FIELD("Content-Length", "1,1"),
        FIELD("Content-Length", "0x5"),
        FIELD("Content-Length", "-1"),
        FIELD("Content-Length", "1 "),
        FIELD("Content-Length", "9999999999999999999"),
        FIELD("Transfer-Encoding", "gzip, chunked"),
        FIELD("Transfer-Encoding", "chunked, chunked"),
        FIELD("Transfer-Encoding", " chunked"),
        FIELD("Transfer-Encoding", "identity"),
        FIELD("Host", "again"),
        FIELD("Expect", "200-ok"),
        FIELD("", "empty name"),
        FIELD("Content-Length ", "5"),
        FIELD("X\tA", "a"),
        FIELD("X(A)", "a"),
        FIELD("X\xc3\xa4", "a"),
        FIELD("X-A", "a\rb"),
        FIELD("X-A", "a\nb"),
        FIELD("X-A", "a\0b"),
        FIELD("X-A", "\x1b[31m"),
        FIELD("X-A", "\x7f"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct cc_http_field fields[] = {HOST, bad[i]};

        if (check("HTTP/1.1", fields, 2) == NULL)
            fail_msg("case %zu (%s: %s) passed", i, bad[i].name, bad[i].value);
    }
}

static void repeated_single_fields_are_refused(void **state)
{
    static const char *const names[] = {"Content-Length", "Authorization", "Content-Type",
                                        "Idempotency-Key", "If-Match"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct cc_http_field one = {names[i], "1", strlen(names[i]), 1};
        const struct cc_http_field fields[] = {HOST, one, one};

        assert_null(check("HTTP/1.1", fields, 2));
        assert_non_null(check("HTTP/1.1", fields, 3));
    }
}

static void both_framings_together_are_refused(void **state)
{
    const struct cc_http_field fields[] = {HOST, FIELD("Content-Length", "5"),
                                           FIELD("Transfer-Encoding", "chunked")};

    (void)state;
    assert_non_null(check("HTTP/1.1", fields, 3));
}

static void hosts_are_checked(void **state)
{
    static const char *const bad[] = {"", ":80", "a b", "a/b", "a@b", "a,b", "a?b", "a#b", "a\"b"};

    (void)state;
    assert_non_null(check("HTTP/1.1", NULL, 0));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct cc_http_field field = {"Host", bad[i], 4, strlen(bad[i])};

        if (check("HTTP/1.1", &field, 1) == NULL)
            fail_msg("host '%s' passed", bad[i]);
    }
    const struct cc_http_field ipv6 = FIELD("Host", "[::1]:8080");
    assert_null(check("HTTP/1.1", &ipv6, 1));
}

static void other_versions_are_refused(void **state)
{
    static const char *const versions[] = {"HTTP/1.9", "HTTP/2.0", "HTTP/0.9", "http/1.1", ""};
    const struct cc_http_field host = HOST;

    (void)state;
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
        assert_non_null(check(versions[i], &host, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ordinary_head_passes),
        cmocka_unit_test(a_chunked_body_passes_in_http_11_only),
        cmocka_unit_test(each_ambiguous_field_is_refused),
        cmocka_unit_test(repeated_single_fields_are_refused),
        cmocka_unit_test(both_framings_together_are_refused),
        cmocka_unit_test(hosts_are_checked),
        cmocka_unit_test(other_versions_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
