/* The quick look into frames, against what people may write into them. */

#include "frames.h"

#include <string.h>

#include "testing.h"

static void fields_are_found_by_their_key(void **state)
{
    (void)state;
    const char frame[] = "{\"t\":\"message\",\"chat_id\":\"c\",\"seq\":17,\"rev\":20,"
                         "\"message\":{\"body\":\"hello\",\"seq\":18}}";
    size_t length = strlen(frame);

    assert_true(frame_is(frame, length, "message"));
    assert_false(frame_is(frame, length, "message_updated"));
    assert_false(frame_is(frame, length, "mess"));
    assert_int_equal(frame_int(frame, length, "seq"), 17);
    assert_int_equal(frame_int(frame, length, "absent"), -1);
    assert_memory_equal(frame_text(frame, length, "body"), "hello\"", 6);
    assert_null(frame_text(frame, length, "seq"));
}

static void what_people_write_is_not_taken_for_a_field(void **state)
{
    (void)state;
    const char frame[] =
        "{\"t\":\"message\",\"message\":{\"body\":\"\\\"seq\\\":99,\\\"t\\\":\\\"rejected\\\"\","
        "\"seq\":5}}";

    assert_int_equal(frame_int(frame, strlen(frame), "seq"), 5);
    assert_true(frame_is(frame, strlen(frame), "message"));
}

static void what_a_run_sends_it_knows_again(void **state)
{
    (void)state;
    char frame[256];
    size_t length = frame_write_send(frame, sizeof frame, "c", 0xBEEF, 41, "hello");

    assert_true(frame_is(frame, length, "send"));
    assert_int_equal(frame_int(frame, length, "id"), 42);
    assert_int_equal(frame_message_index(frame, length, 0xBEEF), 41);
    assert_int_equal(frame_message_index(frame, length, 0xBEEE), -1);
    assert_int_equal(frame_write_send(frame, 16, "c", 0xBEEF, 41, "hello"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_run_sends_it_knows_again),
        cmocka_unit_test(fields_are_found_by_their_key),
        cmocka_unit_test(what_people_write_is_not_taken_for_a_field),
    };
    return cmocka_run_group_tests_name("frames", tests, NULL, NULL);
}
