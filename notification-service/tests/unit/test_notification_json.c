/* The cursor of pages: what is written reads back, and nothing else is accepted. */

#include "testing.h"

#include <string.h>

#include "common/id.h"
#include "http/notification_json.h"

#define ID "8a1c2d3e-4a5b-8c6d-9e7f-0a1b2c3d4e5f"

static bool reads_plain(const char *plain)
{
    char text[256];
    struct notification_position position;
    cc_base64url_encode(plain, strlen(plain), text);
    return notification_cursor_read(text, &position);
}

static void a_cursor_reads_back_as_the_position_it_was_made_of(void **state)
{
    (void)state;
    struct cc_arena *arena = cc_arena_create(0);
    struct notification last = {.notification_id = ID, .created_at_ms = FAKE_T0_MS};
    struct notification_position position;

    assert_true(notification_cursor_read(notification_cursor(arena, &last), &position));

    assert_int_equal(position.created_at_ms, FAKE_T0_MS);
    assert_string_equal(position.notification_id, ID);
    cc_arena_destroy(arena);
}

static void what_is_no_cursor_of_ours_is_refused(void **state)
{
    (void)state;
    struct notification_position position;

    assert_true(reads_plain("1/" ID));
    assert_false(reads_plain(""));
    assert_false(reads_plain("1"));
    assert_false(reads_plain("/" ID));
    assert_false(reads_plain("x/" ID));
    assert_false(reads_plain("-1/" ID));
    assert_false(reads_plain("1/" ID "0"));
    assert_false(reads_plain("1/'; DROP"));
    assert_false(reads_plain("99999999999999999999999999999999999999/" ID));
    assert_false(notification_cursor_read("not base64!", &position));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cursor_reads_back_as_the_position_it_was_made_of),
        cmocka_unit_test(what_is_no_cursor_of_ours_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
