/* The table of errors, against docs/errors.md, and the filling of errors. */

#include "testing.h"

#include <string.h>

#include "common/error.h"
#include "common/strbuf.h"

static void the_documented_table_is_the_one_in_the_code(void **state)
{
    (void)state;
    const char *document = test_file("docs/errors.md", NULL);
    for (int i = CC_INVALID; i < CC_CODE_COUNT; i++) {
        enum cc_code code = (enum cc_code)i;
        struct cc_strbuf row;
        cc_strbuf_init(&row, 1000);
        cc_strbuf_printf(&row, " | %d | %s | %d | %s | %s |\n", cc_code_http_status(code),
                         cc_code_name(code), cc_code_close_code(code),
                         cc_code_retryable(code) ? "yes" : "no", cc_code_title(code));

        if (strstr(document, cc_strbuf_text(&row)) == NULL)
            fail_msg("docs/errors.md lacks the row%s", cc_strbuf_text(&row));
        cc_strbuf_finish(&row);
    }
}

static void every_code_is_found_by_its_name_and_names_differ(void **state)
{
    (void)state;
    for (int code = CC_OK; code < CC_CODE_COUNT; code++)
        assert_int_equal(cc_code_from_name(cc_code_name((enum cc_code)code)), code);
    assert_int_equal(cc_code_from_name("no_such_name"), CC_INTERNAL);
}

static void a_code_outside_the_enum_reads_as_internal(void **state)
{
    (void)state;
    assert_int_equal(cc_code_http_status(CC_CODE_COUNT), 500);
    assert_string_equal(cc_code_name((enum cc_code)1000), "internal");
}

static void statuses_of_peers_become_the_nearest_code(void **state)
{
    (void)state;
    assert_int_equal(cc_code_from_http_status(204), CC_OK);
    assert_int_equal(cc_code_from_http_status(401), CC_UNAUTHENTICATED);
    assert_int_equal(cc_code_from_http_status(409), CC_CONFLICT);
    assert_int_equal(cc_code_from_http_status(503), CC_UNAVAILABLE);
    assert_int_equal(cc_code_from_http_status(418), CC_INVALID);
    assert_int_equal(cc_code_from_http_status(599), CC_BAD_GATEWAY);
    assert_int_equal(cc_code_from_http_status(302), CC_BAD_GATEWAY);
}

static void failing_fills_field_and_public_text(void **state)
{
    (void)state;
    struct cc_error err = {.retry_after_ms = 5, .detail = "old"};

    enum cc_code code = cc_fail(&err, CC_INVALID, "/body", "must be at most %d bytes", 10);

    assert_int_equal(code, CC_INVALID);
    assert_int_equal(err.code, CC_INVALID);
    assert_string_equal(err.field, "/body");
    assert_string_equal(err.public_text, "must be at most 10 bytes");
    assert_string_equal(err.detail, "");
    assert_int_equal(err.retry_after_ms, 0);
}

static void details_stay_out_of_the_public_text(void **state)
{
    (void)state;
    struct cc_error err;

    cc_fail_detail(&err, CC_UNAVAILABLE, "host %s refused", "db-1");

    assert_string_equal(err.public_text, "Temporarily unavailable");
    assert_string_equal(err.detail, "host db-1 refused");
    assert_int_equal(cc_fail_retry_after(&err, 1500), CC_UNAVAILABLE);
    assert_int_equal(err.retry_after_ms, 1500);
}

static void an_error_may_be_rewritten_from_its_own_texts(void **state)
{
    (void)state;
    struct cc_error err;
    cc_fail(&err, CC_INVALID, "/a", "first");

    cc_fail(&err, CC_UNPROCESSABLE, err.field, "again: %s", err.public_text);

    assert_string_equal(err.field, "/a");
    assert_string_equal(err.public_text, "again: first");
}

static void nobody_has_to_want_the_error(void **state)
{
    (void)state;
    assert_int_equal(cc_fail(NULL, CC_NOT_FOUND, NULL, "x"), CC_NOT_FOUND);
    assert_int_equal(cc_fail_detail(NULL, CC_INTERNAL, "x"), CC_INTERNAL);
}

static void long_texts_are_cut_between_characters(void **state)
{
    (void)state;
    struct cc_error err;
    char text[400] = "";
    for (int i = 0; i < 100; i++)
        memcpy(text + strlen(text), "\u20AC", 4); /* three bytes each */

    cc_fail(&err, CC_INVALID, text, "%s", text);

    assert_int_equal(strlen(err.public_text), 159); /* 53 characters */
    assert_int_equal(strlen(err.field), 63);        /* 21 characters */
    cc_fail(&err, CC_INVALID, NULL, "x%s", text);
    assert_int_equal(strlen(err.public_text), 1 + 52 * 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documented_table_is_the_one_in_the_code),
        cmocka_unit_test(every_code_is_found_by_its_name_and_names_differ),
        cmocka_unit_test(a_code_outside_the_enum_reads_as_internal),
        cmocka_unit_test(statuses_of_peers_become_the_nearest_code),
        cmocka_unit_test(failing_fills_field_and_public_text),
        cmocka_unit_test(details_stay_out_of_the_public_text),
        cmocka_unit_test(an_error_may_be_rewritten_from_its_own_texts),
        cmocka_unit_test(nobody_has_to_want_the_error),
        cmocka_unit_test(long_texts_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
