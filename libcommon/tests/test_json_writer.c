/* The JSON writer: commas, escapes, bad UTF-8, numbers. */

#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_writer.h"

struct fixture {
    struct cc_strbuf out;
    struct cc_json_writer writer;
};

static int set_up(void **state)
{
    static struct fixture f;
    cc_strbuf_init(&f.out, 100000);
    cc_json_writer_init(&f.writer, &f.out);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    cc_strbuf_finish(&((struct fixture *)*state)->out);
    return 0;
}

static const char *written_text(struct fixture *f, const char *text, size_t length)
{
    cc_strbuf_reset(&f->out);
    cc_json_writer_init(&f->writer, &f->out);
    cc_json_put_text_n(&f->writer, NULL, text, length);
    return cc_strbuf_text(&f->out);
}

static void commas_stand_between_values_and_nowhere_else(void **state)
{
    struct fixture *f = *state;

    cc_json_open_object(&f->writer, NULL);
    cc_json_put_int(&f->writer, "a", 1);
    cc_json_open_array(&f->writer, "b");
    cc_json_open_object(&f->writer, NULL);
    cc_json_close_object(&f->writer);
    cc_json_put_bool(&f->writer, NULL, true);
    cc_json_put_null(&f->writer, NULL);
    cc_json_open_array(&f->writer, NULL);
    cc_json_close_array(&f->writer);
    cc_json_close_array(&f->writer);
    cc_json_put_raw(&f->writer, "c", "{\"x\":[]}", 8);
    cc_json_put_texts(&f->writer, "d", (const char *[]){"p", "q"}, 2);
    cc_json_put_texts(&f->writer, "e", NULL, 0);
    cc_json_close_object(&f->writer);

    assert_string_equal(
        cc_strbuf_text(&f->out),
        "{\"a\":1,\"b\":[{},true,null,[]],\"c\":{\"x\":[]},\"d\":[\"p\",\"q\"],\"e\":[]}");
    assert_int_equal(f->writer.depth, 0);
}

static void optional_and_absent_texts(void **state)
{
    struct fixture *f = *state;

    cc_json_open_object(&f->writer, NULL);
    cc_json_put_text_opt(&f->writer, "none", NULL);
    cc_json_put_text_opt(&f->writer, "empty", "");
    cc_json_put_text_opt(&f->writer, "there", "x");
    cc_json_put_text(&f->writer, "null", NULL);
    cc_json_close_object(&f->writer);

    assert_string_equal(cc_strbuf_text(&f->out), "{\"there\":\"x\",\"null\":null}");
}

static void what_json_cannot_hold_is_escaped(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(written_text(f, "a\"b\\c/\b\f\n\r\t\x01\x1f\x7f", 14),
                        "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
    assert_string_equal(written_text(f, "a\0b", 3), "\"a\\u0000b\"");
    cc_strbuf_reset(&f->out);
    cc_json_writer_init(&f->writer, &f->out);
    cc_json_put_int(&f->writer, "ke\"y", 1);
    assert_string_equal(cc_strbuf_text(&f->out), "\"ke\\\"y\":1");
}

static void valid_utf8_passes_unchanged(void **state)
{
    struct fixture *f = *state;
    static const char *const valid[] = {"\u00e9\u20ac\U0001F600", "\xC2\x80",        "\xDF\xBF",
                                        "\xE0\xA0\x80",           "\xED\x9F\xBF",    "\xEE\x80\x80",
                                        "\xF0\x90\x80\x80",       "\xF4\x8F\xBF\xBF"};
    for (size_t i = 0; i < sizeof valid / sizeof *valid; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "\"%s\"", valid[i]);
        assert_string_equal(written_text(f, valid[i], strlen(valid[i])), expected);
    }
}

#define REPLACED "\xEF\xBF\xBD"

static void each_bad_byte_becomes_a_replacement_character(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(written_text(f,
                                     "a\xFF"
                                     "b",
                                     3),
                        "\"a" REPLACED "b\"");
    assert_string_equal(written_text(f, "\x80", 1), "\"" REPLACED "\"");
    assert_string_equal(written_text(f, "\xC0\xAF", 2), "\"" REPLACED REPLACED "\"");
    assert_string_equal(written_text(f, "\xED\xA0\x80", 3), "\"" REPLACED REPLACED REPLACED "\"");
    assert_string_equal(written_text(f, "\xE0\x80\x80", 3), "\"" REPLACED REPLACED REPLACED "\"");
    assert_string_equal(written_text(f, "\xF4\x90\x80\x80", 4),
                        "\"" REPLACED REPLACED REPLACED REPLACED "\"");
    assert_string_equal(written_text(f, "\xE2\x82", 2), "\"" REPLACED REPLACED "\"");
    assert_string_equal(written_text(f, "\xE2\x82x", 3), "\"" REPLACED REPLACED "x\"");
}

static void integers_of_every_size_are_exact(void **state)
{
    struct fixture *f = *state;
    cc_json_open_array(&f->writer, NULL);
    cc_json_put_int(&f->writer, NULL, 0);
    cc_json_put_int(&f->writer, NULL, -7);
    cc_json_put_int(&f->writer, NULL, INT64_MAX);
    cc_json_put_int(&f->writer, NULL, INT64_MIN);
    cc_json_close_array(&f->writer);
    assert_string_equal(cc_strbuf_text(&f->out), "[0,-7,9223372036854775807,-9223372036854775808]");
}

static void doubles_come_back_and_infinity_is_null(void **state)
{
    struct fixture *f = *state;
    cc_json_put_double(&f->writer, NULL, 0.1);
    assert_true(strtod(cc_strbuf_text(&f->out), NULL) == 0.1);
    cc_strbuf_reset(&f->out);
    cc_json_writer_init(&f->writer, &f->out);
    cc_json_put_double(&f->writer, NULL, INFINITY);
    cc_json_put_double(&f->writer, NULL, NAN);
    assert_string_equal(cc_strbuf_text(&f->out), "null,null");
}

static void times_are_rfc_3339_and_zero_is_null(void **state)
{
    struct fixture *f = *state;
    cc_json_open_object(&f->writer, NULL);
    cc_json_put_time(&f->writer, "at", 1795563574123);
    cc_json_put_time(&f->writer, "never", 0);
    cc_json_close_object(&f->writer);
    assert_string_equal(cc_strbuf_text(&f->out),
                        "{\"at\":\"2026-11-24T23:39:34.123Z\",\"never\":null}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(commas_stand_between_values_and_nowhere_else),
        TEST(optional_and_absent_texts),
        TEST(what_json_cannot_hold_is_escaped),
        TEST(valid_utf8_passes_unchanged),
        TEST(each_bad_byte_becomes_a_replacement_character),
        TEST(integers_of_every_size_are_exact),
        TEST(doubles_come_back_and_infinity_is_null),
        TEST(times_are_rfc_3339_and_zero_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
