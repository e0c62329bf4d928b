/* Growable buffer: growth, the maximum, taking. */

#include "testing.h"

#include <string.h>

#include "common/alloc.h"
#include "common/strbuf.h"

static void an_untouched_buffer_reads_as_empty_text(void **state)
{
    (void)state;
    struct cc_strbuf buf;
    cc_strbuf_init(&buf, 10);

    assert_string_equal(cc_strbuf_text(&buf), "");
    assert_int_equal(buf.length, 0);
    assert_false(buf.overflowed);

    cc_strbuf_finish(&buf);
}

static void appends_of_every_kind_add_up(void **state)
{
    (void)state;
    struct cc_strbuf buf;
    cc_strbuf_init(&buf, 1000);

    cc_strbuf_append_text(&buf, "one");
    cc_strbuf_append_char(&buf, ',');
    cc_strbuf_append(&buf, "two...", 3);
    cc_strbuf_printf(&buf, ",%d", 3);

    assert_string_equal(cc_strbuf_text(&buf), "one,two,3");
    assert_int_equal(buf.length, 9);
    cc_strbuf_finish(&buf);
}

static void growth_keeps_what_is_there(void **state)
{
    (void)state;
    struct cc_strbuf buf;
    cc_strbuf_init(&buf, 100000);

    for (int i = 0; i < 10000; i++)
        cc_strbuf_append_char(&buf, (char)('a' + i % 26));
    cc_strbuf_printf(&buf, "%02000d", 1);

    assert_int_equal(buf.length, 12000);
    assert_memory_equal(cc_strbuf_text(&buf) + 26 * 300, "abcdefgh", 8);
    assert_int_equal(strlen(cc_strbuf_text(&buf)), 12000);
    cc_strbuf_finish(&buf);
}

static void exactly_the_maximum_fits(void **state)
{
    (void)state;
    struct cc_strbuf buf;
    cc_strbuf_init(&buf, 5);

    cc_strbuf_append_text(&buf, "12345");

    assert_false(buf.overflowed);
    assert_string_equal(cc_strbuf_text(&buf), "12345");
    cc_strbuf_finish(&buf);
}

static void overflow_keeps_the_prefix_and_stays_until_reset(void **state)
{
    (void)state;
    struct cc_strbuf buf;
    cc_strbuf_init(&buf, 5);

    cc_strbuf_append_text(&buf, "123");
    cc_strbuf_append_text(&buf, "45678");
    cc_strbuf_append_char(&buf, 'x');

    assert_true(buf.overflowed);
    assert_string_equal(cc_strbuf_text(&buf), "12345");

    cc_strbuf_reset(&buf);
    assert_false(buf.overflowed);
    cc_strbuf_append_char(&buf, 'y');
    assert_string_equal(cc_strbuf_text(&buf), "y");
    cc_strbuf_finish(&buf);
}

static void taking_hands_over_the_memory_and_empties_the_buffer(void **state)
{
    (void)state;
    struct cc_strbuf buf;
    size_t length;
    cc_strbuf_init(&buf, 100);
    cc_strbuf_append(&buf, "a\0b", 3);

    char *taken = cc_strbuf_take(&buf, &length);

    assert_int_equal(length, 3);
    assert_memory_equal(taken, "a\0b", 4);
    assert_string_equal(cc_strbuf_text(&buf), "");
    cc_free(taken);
    taken = cc_strbuf_take(&buf, NULL);
    assert_string_equal(taken, "");
    cc_free(taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_untouched_buffer_reads_as_empty_text),
        cmocka_unit_test(appends_of_every_kind_add_up),
        cmocka_unit_test(growth_keeps_what_is_there),
        cmocka_unit_test(exactly_the_maximum_fits),
        cmocka_unit_test(overflow_keeps_the_prefix_and_stays_until_reset),
        cmocka_unit_test(taking_hands_over_the_memory_and_empties_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
