/* Folding of names, and the keys under which they are found. */

#include "testing.h"

#include <string.h>

#include "domain/name.h"

static int setup(void **state)
{
    *state = cc_arena_create(0);
    return 0;
}

static int teardown(void **state)
{
    cc_arena_destroy(*state);
    return 0;
}

static void names_are_folded_to_words(void **state)
{
    static const struct {
        const char *typed, *folded;
    } cases[] = {
        {"Ada Lovelace", "ada lovelace"},
        {"  ADA\t(Byron)  King-Noel ", "ada byron king noel"},
        {"Zo\303\253", "zoe"},                           /* Zoë */
        {"Zoe\314\210", "zoe"},                          /* the same, decomposed */
        {"STRA\303\237E", "strasse"},                    /* STRAßE */
        {"\357\274\241\357\275\204\357\275\201", "ada"}, /* full width */
        {"\316\243\316\257\317\203\317\205\317\206\316\277\317\202",
         "\317\203\316\271\317\203\317\205\317\206\316\277\317\203"}, /* final sigma, too */
        {"\345\261\261\347\224\260 \345\244\252\351\203\216",
         "\345\261\261\347\224\260 \345\244\252\351\203\216"}, /* ideographs stay */
        {"R2-D2", "r2 d2"},
        {"\360\237\246\212 !?", ""},
        {"", ""},
        {"\xff", ""}, /* not UTF-8 */
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(user_name_fold(cases[i].typed, *state), cases[i].folded);
}

static void folding_what_is_folded_changes_nothing(void **state)
{
    const char *once = user_name_fold("Gr\303\241inne O\342\200\231Malley \357\254\201", *state);

    assert_string_equal(user_name_fold(once, *state), once);
}

static void a_name_has_a_key_from_each_word_on(void **state)
{
    const char *keys[USER_NAME_KEYS_MAX];

    assert_int_equal(user_name_keys("Ada King Lovelace", *state, keys), 3);
    assert_string_equal(keys[0], "ada king lovelace");
    assert_string_equal(keys[1], "king lovelace");
    assert_string_equal(keys[2], "lovelace");
    assert_int_equal(user_name_keys("!", *state, keys), 0);
}

static void keys_are_different_few_and_short(void **state)
{
    const char *keys[USER_NAME_KEYS_MAX];
    char longest[64 * 4 + 1];

    assert_int_equal(user_name_keys("a b c d e f g h i j", *state, keys), USER_NAME_KEYS_MAX);
    memset(longest, 0, sizeof longest);
    for (int i = 0; i < 64; i++)
        memcpy(longest + i * 4, "\360\240\200\200", 4); /* U+20000 */
    assert_int_equal(user_name_keys(longest, *state, keys), 1);
    assert_int_equal(strlen(keys[0]), (USER_NAME_KEY_BYTES - 1) / 4 * 4);
    memset(longest, 'a', USER_NAME_KEY_BYTES - 2);
    memcpy(longest + USER_NAME_KEY_BYTES - 2, " b c", 5);
    assert_int_equal(user_name_keys(longest, *state, keys), 3);
    assert_int_equal(strlen(keys[0]), USER_NAME_KEY_BYTES - 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_are_folded_to_words),
        TEST(folding_what_is_folded_changes_nothing),
        TEST(a_name_has_a_key_from_each_word_on),
        TEST(keys_are_different_few_and_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
