/* The send queue and the token bucket of a connection. */

#include <string.h>

#include "testing.h"

#include "ws/limits.h"
#include "ws/outbox.h"

static const struct ws_outbox_limits limits = {.frames = 4, .bytes = 100};

static enum ws_outbox_result push(struct ws_outbox *outbox, const char *text, enum ws_weight weight)
{
    struct ws_buffer *buffer = ws_buffer_create(text, strlen(text));
    enum ws_outbox_result result = ws_outbox_push(outbox, &limits, buffer, weight);

    ws_buffer_unref(buffer);
    return result;
}

static void expect_next(struct ws_outbox *outbox, const char *text)
{
    struct ws_buffer *buffer = ws_outbox_pop(outbox);

    assert_non_null(buffer);
    assert_int_equal(buffer->count, strlen(text));
    assert_memory_equal(ws_buffer_text(buffer), text, buffer->count);
    ws_buffer_unref(buffer);
}

static void frames_leave_in_the_order_in_which_they_came(void **state)
{
    struct ws_outbox outbox = {0};

    (void)state;
    push(&outbox, "one", WS_MUST_ARRIVE);
    push(&outbox, "two", WS_MUST_ARRIVE);

    expect_next(&outbox, "one");
    expect_next(&outbox, "two");
    assert_null(ws_outbox_pop(&outbox));
}

static void a_full_queue_takes_nothing_more(void **state)
{
    struct ws_outbox outbox = {0};

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(push(&outbox, "x", WS_MUST_ARRIVE), WS_OUTBOX_TAKEN);

    assert_int_equal(push(&outbox, "x", WS_MUST_ARRIVE), WS_OUTBOX_FULL);
    assert_int_equal(outbox.frames, 4);
    ws_outbox_clear(&outbox);
    assert_int_equal(outbox.bytes, 0);
}

static void bytes_are_limited_as_well(void **state)
{
    struct ws_outbox outbox = {0};
    char big[90];

    (void)state;
    memset(big, 'x', sizeof big);
    big[sizeof big - 1] = '\0';
    assert_int_equal(push(&outbox, big, WS_MUST_ARRIVE), WS_OUTBOX_TAKEN);

    assert_int_equal(push(&outbox, "twelve bytes", WS_MUST_ARRIVE), WS_OUTBOX_FULL);
    ws_outbox_clear(&outbox);
}

static void typing_gives_way_to_messages(void **state)
{
    struct ws_outbox outbox = {0};

    (void)state;
    push(&outbox, "typing", WS_MAY_BE_DROPPED);
    push(&outbox, "m1", WS_MUST_ARRIVE);
    push(&outbox, "m2", WS_MUST_ARRIVE);
    push(&outbox, "m3", WS_MUST_ARRIVE);

    assert_int_equal(push(&outbox, "m4", WS_MUST_ARRIVE), WS_OUTBOX_TAKEN);
    expect_next(&outbox, "m1");
    expect_next(&outbox, "m2");
    expect_next(&outbox, "m3");
    expect_next(&outbox, "m4");
}

static void typing_is_not_queued_behind_half_a_queue(void **state)
{
    struct ws_outbox outbox = {0};

    (void)state;
    push(&outbox, "m1", WS_MUST_ARRIVE);
    push(&outbox, "m2", WS_MUST_ARRIVE);

    assert_int_equal(push(&outbox, "typing", WS_MAY_BE_DROPPED), WS_OUTBOX_DROPPED);
    ws_outbox_clear(&outbox);
}

static void joining_keeps_both_orders(void **state)
{
    struct ws_outbox first = {0}, second = {0};

    (void)state;
    push(&first, "a", WS_MUST_ARRIVE);
    push(&second, "b", WS_MUST_ARRIVE);
    push(&second, "c", WS_MUST_ARRIVE);

    ws_outbox_join(&first, &second);

    assert_int_equal(first.frames, 3);
    assert_null(ws_outbox_pop(&second));
    expect_next(&first, "a");
    expect_next(&first, "b");
    expect_next(&first, "c");
}

static void a_bucket_gives_its_burst_and_then_its_rate(void **state)
{
    struct ws_bucket bucket = {0};
    int64_t now_ms = 1000;
    int wait_ms = 0;

    (void)state;
    for (int i = 0; i < 20; i++)
        assert_true(ws_bucket_take(&bucket, now_ms, 5, 20, &wait_ms));

    assert_false(ws_bucket_take(&bucket, now_ms, 5, 20, &wait_ms));
    assert_int_equal(wait_ms, 200);
    assert_false(ws_bucket_take(&bucket, now_ms + 199, 5, 20, &wait_ms));
    assert_true(ws_bucket_take(&bucket, now_ms + 200, 5, 20, &wait_ms));
}

static void a_bucket_never_holds_more_than_its_burst(void **state)
{
    struct ws_bucket bucket = {0};
    int wait_ms = 0, taken = 0;

    (void)state;
    assert_true(ws_bucket_take(&bucket, 1000, 5, 3, &wait_ms));
    while (ws_bucket_take(&bucket, 1000000, 5, 3, &wait_ms))
        taken++;

    assert_int_equal(taken, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_leave_in_the_order_in_which_they_came),
        cmocka_unit_test(a_full_queue_takes_nothing_more),
        cmocka_unit_test(bytes_are_limited_as_well),
        cmocka_unit_test(typing_gives_way_to_messages),
        cmocka_unit_test(typing_is_not_queued_behind_half_a_queue),
        cmocka_unit_test(joining_keeps_both_orders),
        cmocka_unit_test(a_bucket_gives_its_burst_and_then_its_rate),
        cmocka_unit_test(a_bucket_never_holds_more_than_its_burst),
    };

    return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
