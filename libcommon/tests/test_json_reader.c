/* The JSON reader: what parsing refuses, what getters check, where faults point. */

#include "testing.h"

#include <stdio.h>
#include <string.h>

#include "common/json_reader.h"

#define UUID_1 "0198c5a0-0000-7000-8000-0000000000f1"
#define UUID_2 "0198c5a0-0000-7000-8000-0000000000f2"

static struct cc_arena *arena;
static struct cc_json_reader *reader; /* of the running test; freed by tear_down */

static int set_up(void **state)
{
    (void)state;
    arena = cc_arena_create(0);
    reader = NULL;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cc_json_reader_destroy(reader);
    cc_arena_destroy(arena);
    return 0;
}

static struct cc_json_reader *read_bytes(const char *bytes, size_t count,
                                         enum cc_unknown_keys unknown_keys)
{
    cc_json_reader_destroy(reader);
    reader = cc_json_reader_create(arena, bytes, count, unknown_keys);
    return reader;
}

static struct cc_json_reader *read_text(const char *text)
{
    return read_bytes(text, strlen(text), CC_REFUSE_UNKNOWN);
}

#define assert_fault_at(pointer, text)                                                             \
    do {                                                                                           \
        struct cc_error fault = {.code = CC_OK};                                                   \
        assert_false(cc_json_reader_done(reader));                                                 \
        assert_int_equal(cc_json_reader_error(reader, &fault), CC_INVALID);                        \
        assert_string_equal(fault.field, pointer);                                                 \
        assert_string_equal(fault.public_text, text);                                              \
    } while (0)

/* ---- parsing ---- */

static void malformed_input_is_refused(void **state)
{
    (void)state;
    static const char *const malformed[] = {
        "",
        " ",
        "{",
        "{}x",
        "{} {}",
        "[]",
        "\"text\"",
        "17",
        "null",
        "{\"a\":1,}",
        "{'a':1}",
        "{\"a\":NaN}",
        "{\"a\":Infinity}",
        "{\"a\":1e400}",
        "{\"a\":9223372036854775808}",
        "{\"a\":01}",
        "{\"a\":1,\"a\":1}",
        "{\"b\":{\"a\":1,\"a\":2}}",
        "{\"a\":\"\\u0000\"}",
        "{\"a\\u0000b\":1}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\xFF\"}",
        "{\"a\":\"\xC0\xAF\"}",
        "{\"a\":\"\xED\xA0\x80\"}",
        "{\"a\":\"\n\"}",
        "\xEF\xBB\xBF{}",
    };
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        struct cc_error err = {.code = CC_OK};
        read_bytes(malformed[i], strlen(malformed[i]), CC_IGNORE_UNKNOWN);
        if (cc_json_reader_done(reader))
            fail_msg("accepted: %s", malformed[i]);
        assert_int_equal(cc_json_reader_error(reader, &err), CC_INVALID);
        assert_true(err.public_text[0] != '\0');
    }
    read_bytes("{\"a\":\0}", 7, CC_IGNORE_UNKNOWN);
    assert_false(cc_json_reader_done(reader));
}

static void every_proper_prefix_of_a_document_is_refused(void **state)
{
    (void)state;
    const char *whole = "{\"a\":[1,{\"b\":\"\\u00e9\xC3\xA9\"}],\"c\":true}";
    for (size_t length = 0; length < strlen(whole); length++) {
        read_bytes(whole, length, CC_IGNORE_UNKNOWN);
        assert_false(cc_json_reader_done(reader));
    }
    read_bytes(whole, strlen(whole), CC_IGNORE_UNKNOWN);
    assert_true(cc_json_reader_done(reader));
}

/* {"a":[[...]]} with `depth` levels in all. */
static size_t nested(char *out, int depth)
{
    size_t length = 0;
    memcpy(out, "{\"a\":", 5);
    length += 5;
    for (int i = 1; i < depth; i++)
        out[length++] = '[';
    for (int i = 1; i < depth; i++)
        out[length++] = ']';
    out[length++] = '}';
    return length;
}

static void depth_is_limited_before_the_parser_sees_it(void **state)
{
    (void)state;
    static char text[3000000];
    read_bytes(text, nested(text, CC_JSON_DEPTH_MAX), CC_IGNORE_UNKNOWN);
    assert_true(cc_json_reader_done(reader));

    read_bytes(text, nested(text, CC_JSON_DEPTH_MAX + 1), CC_IGNORE_UNKNOWN);
    assert_fault_at("", "JSON is nested deeper than 32 levels");
    read_bytes(text, nested(text, 1000000), CC_IGNORE_UNKNOWN);
    assert_fault_at("", "JSON is nested deeper than 32 levels");
}

static void brackets_inside_strings_have_no_depth(void **state)
{
    (void)state;
    read_text("{\"a\":\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}");
    assert_non_null(cc_json_text(reader, "a", CC_REQUIRED, 1, 100));
    assert_true(cc_json_reader_done(reader));
}

/* ---- getters ---- */

static void each_getter_reads_its_kind(void **state)
{
    (void)state;
    static const char *const kinds[] = {"text", "media", NULL};
    read_text(
        "{\"t\":\"h\\u00e9\",\"u\":\"0198C5A0-0000-7000-8000-0000000000F1\",\"i\":-5,\"b\":true,"
        "\"at\":\"2026-11-24T23:39:34.123Z\",\"k\":\"media\"}");

    assert_string_equal(cc_json_text(reader, "t", CC_REQUIRED, 1, 3), "h\u00e9");
    assert_string_equal(cc_json_uuid(reader, "u", CC_REQUIRED), UUID_1);
    assert_int_equal(cc_json_int(reader, "i", CC_REQUIRED, -5, 5), -5);
    assert_true(cc_json_bool(reader, "b", CC_REQUIRED, false));
    assert_int_equal(cc_json_time(reader, "at", CC_REQUIRED), 1795563574123);
    assert_int_equal(cc_json_choice(reader, "k", CC_REQUIRED, kinds, 0), 1);
    assert_true(cc_json_reader_done(reader));
}

static void texts_outlive_the_reader(void **state)
{
    (void)state;
    read_text("{\"t\":\"kept\"}");
    const char *text = cc_json_text(reader, "t", CC_REQUIRED, 1, 10);
    cc_json_reader_destroy(reader);
    reader = NULL;

    assert_string_equal(text, "kept");
}

static void absent_and_null_give_the_defaults(void **state)
{
    (void)state;
    static const char *const kinds[] = {"text", NULL};
    size_t count = 99;
    read_text("{\"t\":null,\"i\":null}");

    assert_null(cc_json_text(reader, "t", CC_OPTIONAL, 1, 10));
    assert_null(cc_json_uuid(reader, "u", CC_OPTIONAL));
    assert_int_equal(cc_json_int(reader, "i", CC_OPTIONAL, 5, 9), 0);
    assert_true(cc_json_bool(reader, "b", CC_OPTIONAL, true));
    assert_int_equal(cc_json_time(reader, "at", CC_OPTIONAL), 0);
    assert_int_equal(cc_json_choice(reader, "k", CC_OPTIONAL, kinds, 42), 42);
    assert_null(cc_json_uuids(reader, "us", CC_OPTIONAL, 5, &count));
    assert_int_equal(count, 0);
    assert_null(cc_json_raw(reader, "r", CC_OPTIONAL, 10));
    assert_false(cc_json_enter(reader, "o", CC_OPTIONAL));
    assert_int_equal(cc_json_array_count(reader, "l", CC_OPTIONAL, 5), 0);
    assert_true(cc_json_reader_done(reader));
}

static void a_required_field_must_be_there_and_not_null(void **state)
{
    (void)state;
    read_text("{}");
    cc_json_int(reader, "seq", CC_REQUIRED, 0, 9);
    assert_fault_at("/seq", "is required");
    read_text("{\"seq\":null}");
    cc_json_int(reader, "seq", CC_REQUIRED, 0, 9);
    assert_fault_at("/seq", "is required");
}

static void values_of_the_wrong_kind_or_size_are_refused(void **state)
{
    (void)state;
    static const char *const kinds[] = {"text", "media", NULL};
    const char *text = "{\"n\":7,\"e\":\"\",\"s\":\"12345\",\"f\":1.0}";

    read_text(text);
    cc_json_text(reader, "n", CC_REQUIRED, 1, 9);
    assert_fault_at("/n", "must be a string");
    read_text(text);
    cc_json_text(reader, "e", CC_REQUIRED, 1, 9);
    assert_fault_at("/e", "must not be empty");
    read_text(text);
    cc_json_text(reader, "s", CC_REQUIRED, 1, 4);
    assert_fault_at("/s", "must be 1 to 4 bytes long");
    read_text(text);
    cc_json_uuid(reader, "s", CC_REQUIRED);
    assert_fault_at("/s", "must be a UUID");
    read_text(text);
    cc_json_int(reader, "n", CC_REQUIRED, 8, 9);
    assert_fault_at("/n", "must be 8 to 9");
    read_text(text);
    cc_json_int(reader, "f", CC_REQUIRED, 0, 9);
    assert_fault_at("/f", "must be an integer");
    read_text(text);
    cc_json_bool(reader, "n", CC_REQUIRED, true);
    assert_fault_at("/n", "must be true or false");
    read_text(text);
    cc_json_time(reader, "s", CC_REQUIRED);
    assert_fault_at("/s", "must be a time as in RFC 3339");
    read_text(text);
    cc_json_choice(reader, "s", CC_REQUIRED, kinds, 0);
    assert_fault_at("/s", "must be one of text, media");
    read_text(text);
    assert_false(cc_json_enter(reader, "s", CC_REQUIRED));
    assert_fault_at("/s", "must be an object");
}

static void the_first_fault_sticks(void **state)
{
    (void)state;
    read_text("{\"a\":\"x\",\"b\":1}");

    cc_json_int(reader, "a", CC_REQUIRED, 0, 9);
    assert_int_equal(cc_json_int(reader, "b", CC_REQUIRED, 0, 9), 0);
    cc_json_int(reader, "c", CC_REQUIRED, 0, 9);
    cc_json_reject(reader, "b", "never seen");

    assert_fault_at("/a", "must be an integer");
}

static void rules_may_reject_from_outside(void **state)
{
    (void)state;
    read_text("{}");
    cc_json_reject(reader, "to", "must not be %s", "yourself");
    assert_fault_at("/to", "must not be yourself");
}

static void has_does_not_count_as_asking(void **state)
{
    (void)state;
    read_text("{\"a\":1,\"n\":null}");
    assert_true(cc_json_has(reader, "a"));
    assert_false(cc_json_has(reader, "n"));
    assert_false(cc_json_has(reader, "b"));
    cc_json_int(reader, "n", CC_OPTIONAL, 0, 1);
    assert_fault_at("/a", "unknown field");
}

/* ---- arrays ---- */

static void arrays_are_read_and_their_faults_name_the_element(void **state)
{
    (void)state;
    size_t count;
    read_text("{\"us\":[\"" UUID_1
              "\",\"0198C5A0-0000-7000-8000-0000000000F2\"],\"ts\":[\"a\",\"bc\"]}");
    const char *const *uuids = cc_json_uuids(reader, "us", CC_REQUIRED, 2, &count);
    assert_int_equal(count, 2);
    assert_string_equal(uuids[1], UUID_2);
    const char *const *texts = cc_json_texts(reader, "ts", CC_REQUIRED, 2, 2, &count);
    assert_int_equal(count, 2);
    assert_string_equal(texts[1], "bc");
    assert_true(cc_json_reader_done(reader));

    read_text("{\"mentions\":[\"" UUID_1 "\",\"" UUID_1 "\",\"" UUID_1 "\",\"x\"]}");
    assert_null(cc_json_uuids(reader, "mentions", CC_REQUIRED, 9, &count));
    assert_int_equal(count, 0);
    assert_fault_at("/mentions/3", "must be a UUID");
    read_text("{\"ts\":[\"a\",\"\"]}");
    cc_json_texts(reader, "ts", CC_REQUIRED, 9, 9, &count);
    assert_fault_at("/ts/1", "must not be empty");
    read_text("{\"ts\":[\"a\",\"b\",\"c\"]}");
    cc_json_texts(reader, "ts", CC_REQUIRED, 2, 9, &count);
    assert_fault_at("/ts", "must not have more than 2 elements");
    read_text("{\"ts\":{}}");
    cc_json_texts(reader, "ts", CC_REQUIRED, 2, 9, &count);
    assert_fault_at("/ts", "must be an array");
}

/* ---- nesting ---- */

static void nested_objects_are_entered_and_left(void **state)
{
    (void)state;
    read_text("{\"o\":{\"p\":{\"x\":1},\"y\":2},\"z\":3}");

    assert_true(cc_json_enter(reader, "o", CC_REQUIRED));
    assert_true(cc_json_enter(reader, "p", CC_REQUIRED));
    assert_int_equal(cc_json_int(reader, "x", CC_REQUIRED, 0, 9), 1);
    cc_json_leave(reader);
    assert_int_equal(cc_json_int(reader, "y", CC_REQUIRED, 0, 9), 2);
    cc_json_leave(reader);
    assert_int_equal(cc_json_int(reader, "z", CC_REQUIRED, 0, 9), 3);

    assert_true(cc_json_reader_done(reader));
}

static void faults_in_elements_point_all_the_way_down(void **state)
{
    (void)state;
    read_text("{\"a/b\":[{\"c~d\":{\"n\":1}},{\"c~d\":{\"n\":\"x\"}}]}");
    size_t count = cc_json_array_count(reader, "a/b", CC_REQUIRED, 10);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < count; i++) {
        if (!cc_json_enter_element(reader, "a/b", i))
            break;
        if (cc_json_enter(reader, "c~d", CC_REQUIRED)) {
            cc_json_int(reader, "n", CC_REQUIRED, 0, 9);
            cc_json_leave(reader);
        }
        cc_json_leave(reader);
    }
    assert_fault_at("/a~1b/1/c~0d/n", "must be an integer");
}

static void an_element_must_be_an_object(void **state)
{
    (void)state;
    read_text("{\"l\":[{},1]}");
    assert_int_equal(cc_json_array_count(reader, "l", CC_REQUIRED, 2), 2);
    assert_true(cc_json_enter_element(reader, "l", 0));
    cc_json_leave(reader);
    assert_false(cc_json_enter_element(reader, "l", 1));
    assert_fault_at("/l/1", "must be an object");
}

static void a_pointer_too_long_for_its_field_is_cut(void **state)
{
    (void)state;
    char key[301];
    memset(key, 'k', 300);
    key[300] = '\0';
    read_text("{}");
    cc_json_int(reader, key, CC_REQUIRED, 0, 9);

    struct cc_error err;
    cc_json_reader_error(reader, &err);
    assert_int_equal(strlen(err.field), sizeof err.field - 1);
}

/* ---- unknown keys ---- */

static void unknown_keys_are_refused_or_ignored_as_told(void **state)
{
    (void)state;
    const char *text = "{\"a\":1,\"o\":{\"b\":2,\"extra\":3}}";
    for (int refuse = 0; refuse < 2; refuse++) {
        read_bytes(text, strlen(text), refuse ? CC_REFUSE_UNKNOWN : CC_IGNORE_UNKNOWN);
        cc_json_int(reader, "a", CC_REQUIRED, 0, 9);
        cc_json_int(reader, "a", CC_REQUIRED, 0, 9);
        assert_true(cc_json_enter(reader, "o", CC_REQUIRED));
        cc_json_int(reader, "b", CC_REQUIRED, 0, 9);
        cc_json_leave(reader);
        if (!refuse)
            assert_true(cc_json_reader_done(reader));
    }
    assert_fault_at("/o/extra", "unknown field");
}

static void asking_twice_does_not_hide_an_unknown_key(void **state)
{
    (void)state;
    read_text("{\"a\":1,\"b\":2}");
    cc_json_int(reader, "a", CC_REQUIRED, 0, 9);
    cc_json_int(reader, "a", CC_REQUIRED, 0, 9);
    assert_fault_at("/b", "unknown field");
}

static void keys_of_a_map_are_listed_and_count_as_asked_for(void **state)
{
    (void)state;
    size_t count;
    read_text("{\"m\":{\"k1\":1,\"k2\":2}}");
    assert_true(cc_json_enter(reader, "m", CC_REQUIRED));
    const char *const *keys = cc_json_keys(reader, 2, &count);
    assert_int_equal(count, 2);
    assert_int_equal(cc_json_int(reader, keys[0], CC_REQUIRED, 0, 9) +
                         cc_json_int(reader, keys[1], CC_REQUIRED, 0, 9),
                     3);
    cc_json_leave(reader);
    assert_true(cc_json_reader_done(reader));

    read_text("{\"m\":{\"k1\":1,\"k2\":2}}");
    assert_true(cc_json_enter(reader, "m", CC_REQUIRED));
    assert_null(cc_json_keys(reader, 1, &count));
    assert_fault_at("/m", "must not have more than 1 keys");
}

/* ---- raw values ---- */

static void raw_values_are_compact_json(void **state)
{
    (void)state;
    read_text("{\"r\": { \"a\" : [ 1, {\"b\": null} ] , \"c\":\"\\u00e9\" } }");
    assert_string_equal(cc_json_raw(reader, "r", CC_REQUIRED, 100),
                        "{\"a\":[1,{\"b\":null}],\"c\":\"\u00e9\"}");
    assert_true(cc_json_reader_done(reader));
}

static void raw_values_that_stores_cannot_hold_are_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "{\"r\":{\"$set\":1}}", "{\"r\":{\"a.b\":1}}",
        "{\"r\":{\"\":1}}",     "{\"r\":{\"a\":[[1]]}}",
        "{\"r\":[[]]}",         "{\"r\":[{\"a\":{\"$b\":1}}]}",
        "{\"r\":\"text\"}",     "{\"r\":{\"a\":\"12345678901234567890\"}}",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        read_text(refused[i]);
        if (cc_json_raw(reader, "r", CC_REQUIRED, 20) != NULL)
            fail_msg("accepted: %s", refused[i]);
        assert_false(cc_json_reader_done(reader));
    }
    read_text("{\"r\":{\"a\":[{\"b\":[1]}]}}");
    assert_non_null(cc_json_raw(reader, "r", CC_REQUIRED, 20));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(malformed_input_is_refused),
        TEST(every_proper_prefix_of_a_document_is_refused),
        TEST(depth_is_limited_before_the_parser_sees_it),
        TEST(brackets_inside_strings_have_no_depth),
        TEST(each_getter_reads_its_kind),
        TEST(texts_outlive_the_reader),
        TEST(absent_and_null_give_the_defaults),
        TEST(a_required_field_must_be_there_and_not_null),
        TEST(values_of_the_wrong_kind_or_size_are_refused),
        TEST(the_first_fault_sticks),
        TEST(rules_may_reject_from_outside),
        TEST(has_does_not_count_as_asking),
        TEST(arrays_are_read_and_their_faults_name_the_element),
        TEST(nested_objects_are_entered_and_left),
        TEST(faults_in_elements_point_all_the_way_down),
        TEST(an_element_must_be_an_object),
        TEST(a_pointer_too_long_for_its_field_is_cut),
        TEST(unknown_keys_are_refused_or_ignored_as_told),
        TEST(asking_twice_does_not_hide_an_unknown_key),
        TEST(keys_of_a_map_are_listed_and_count_as_asked_for),
        TEST(raw_values_are_compact_json),
        TEST(raw_values_that_stores_cannot_hold_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
