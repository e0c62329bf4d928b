/* Sequences at the edges of every range. */
#include <string.h>

#include "testing.h"

#include "common/utf8.h"

static size_t sequence(const char *bytes)
{
    return cc_utf8_sequence((const unsigned char *)bytes, strlen(bytes));
}

static void every_well_formed_range_is_taken(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
    } rows[] = {
        {"a", 1},
        {"\x7f", 1},
        {"\xc2\x80", 2},
        {"\xdf\xbf", 2},
        {"\xe0\xa0\x80", 3},
        {"\xed\x9f\xbf", 3},
        {"\xee\x80\x80", 3},
        {"\xef\xbf\xbf", 3},
        {"\xf0\x90\x80\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\xe2\x82\xac and more", 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(sequence(rows[i].bytes), rows[i].length);
}

static void nothing_else_is(void **state)
{
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\xaf",
        "\xc1\xbf",
        "\xc2",
        "\xc2\x41",
        "\xe0\x9f\xbf",
        "\xe2\x82",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x8f\xbf\xbf",
        "\xf0\x90\x80",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "\xe2\x28\xa1",
        "\xf0\x90\x28\xbc",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (sequence(bad[i]) != 0)
            fail_msg("case %zu passed", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_well_formed_range_is_taken),
        cmocka_unit_test(nothing_else_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
