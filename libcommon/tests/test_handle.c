/* What is a handle, and what becomes of what people type. */

#include "testing.h"

#include <string.h>

#include "common/handle.h"

static void must_fold(const char *typed, const char *expected)
{
    struct cc_error err = {0};
    char handle[CC_HANDLE_BYTES];
    if (cc_handle_read(typed, handle, &err) != CC_OK)
        fail_msg("refused '%s'", typed);
    assert_string_equal(handle, expected);
}

static void ways_of_writing_one_handle_come_out_the_same(void **state)
{
    (void)state;
    must_fold("ada_l0velace", "ada_l0velace");
    must_fold("ADA", "ada");
    must_fold("\xef\xbc\xa1\xef\xbd\x84\xef\xbd\x81", "ada"); /* full-width */
    must_fold("\xe2\x84\xaa"
              "elvin",
              "kelvin");                                                  /* KELVIN SIGN */
    must_fold("\xf0\x9d\x90\x9a\xf0\x9d\x90\x9b\xf0\x9d\x90\x9c", "abc"); /* mathematical bold */
    must_fold("stra\xc3\x9f"
              "e",
              "strasse");              /* sharp s folds to ss */
    must_fold("\xef\xac\x81x", "fix"); /* ligature */
}

static void what_is_no_handle_is_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "",
        "ab",
        "a b c",
        "ad-a",
        "ada!",
        "@ada",
        "\xc3\xa4rger",
        "\xd0\xb0\xd0\xb4\xd0\xb0",
        "ada\xff",
        "\xc3",
        "a234567890123456789012345678901",
        "ada\n",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct cc_error err = {0};
        char handle[CC_HANDLE_BYTES] = "untouched";
        if (cc_handle_read(refused[i], handle, &err) != CC_INVALID)
            fail_msg("accepted '%s'", refused[i]);
        assert_string_equal(err.field, "/handle");
        assert_string_equal(handle, "untouched");
    }
}

static void a_very_long_text_is_refused(void **state)
{
    (void)state;
    char long_text[5000], handle[CC_HANDLE_BYTES];
    memset(long_text, 'a', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';

    assert_int_equal(cc_handle_read(long_text, handle, NULL), CC_INVALID);
}

static void thirty_characters_are_the_most(void **state)
{
    (void)state;
    must_fold("a23456789012345678901234567890", "a23456789012345678901234567890");
}

static void a_beginning_may_be_short_and_start_with_an_at_sign(void **state)
{
    (void)state;
    char prefix[CC_HANDLE_BYTES];

    assert_true(cc_handle_prefix("@AD", prefix));
    assert_string_equal(prefix, "ad");
    assert_false(cc_handle_prefix("a%", prefix));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ways_of_writing_one_handle_come_out_the_same),
        cmocka_unit_test(what_is_no_handle_is_refused),
        cmocka_unit_test(a_very_long_text_is_refused),
        cmocka_unit_test(thirty_characters_are_the_most),
        cmocka_unit_test(a_beginning_may_be_short_and_start_with_an_at_sign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
