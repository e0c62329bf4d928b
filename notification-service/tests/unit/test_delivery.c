/* The order of sending and logging, over stores that fail. */

#include "testing.h"

#include <stdio.h>

#include "delivery.h"

#define ID "8a1c2d3e-4a5b-8c6d-9e7f-0a1b2c3d4e5f"

/* Keeps what it is given, in memory, or fails as it is told. */
struct test_store {
    struct notification_store base;
    enum cc_code insert_code, log_code;
    size_t stored, logged;
    char outcome[16];
};

static enum cc_code insert(struct notification_store *base, const struct notification *rows,
                           size_t count, struct cc_error *err)
{
    struct test_store *store = (struct test_store *)base;
    (void)rows;
    if (store->insert_code != CC_OK)
        return cc_fail_detail(err, store->insert_code, "told to fail");
    store->stored += count;
    return CC_OK;
}

static enum cc_code log_deliveries(struct notification_store *base,
                                   const struct notification_delivery *rows, size_t count,
                                   struct cc_error *err)
{
    struct test_store *store = (struct test_store *)base;
    if (store->log_code != CC_OK)
        return cc_fail_detail(err, store->log_code, "told to fail");
    store->logged += count;
    snprintf(store->outcome, sizeof store->outcome, "%s", rows[0].outcome);
    return CC_OK;
}

static const struct notification_store_ops ops = {.insert = insert,
                                                  .log_deliveries = log_deliveries};
static const struct notification told = {.notification_id = ID, .user_id = ID};

static void what_is_sent_is_logged_as_delivered(void **state)
{
    (void)state;
    struct test_store store = {.base.ops = &ops};
    struct cc_arena *arena = cc_arena_create(0);
    struct cc_error err = {0};

    enum cc_code code = notification_deliver(&store.base, &told, 1, FAKE_T0_MS, arena, &err);

    assert_int_equal(code, CC_OK);
    assert_int_equal(store.stored, 1);
    assert_int_equal(store.logged, 1);
    assert_string_equal(store.outcome, "delivered");
    cc_arena_destroy(arena);
}

static void nothing_is_logged_as_delivered_that_was_not_sent(void **state)
{
    (void)state;
    struct test_store store = {.base.ops = &ops, .insert_code = CC_UNAVAILABLE};
    struct cc_arena *arena = cc_arena_create(0);
    struct cc_error err = {0};

    enum cc_code code = notification_deliver(&store.base, &told, 1, FAKE_T0_MS, arena, &err);

    assert_int_equal(code, CC_UNAVAILABLE);
    assert_int_equal(store.logged, 0);
    cc_arena_destroy(arena);
}

static void a_delivery_that_could_not_be_logged_comes_again(void **state)
{
    (void)state;
    struct test_store store = {.base.ops = &ops, .log_code = CC_OUTCOME_UNKNOWN};
    struct cc_arena *arena = cc_arena_create(0);
    struct cc_error err = {0};

    enum cc_code code = notification_deliver(&store.base, &told, 1, FAKE_T0_MS, arena, &err);

    assert_int_equal(code, CC_OUTCOME_UNKNOWN);
    cc_arena_destroy(arena);
}

static void what_came_too_late_is_logged_and_not_sent(void **state)
{
    (void)state;
    struct test_store store = {.base.ops = &ops};
    struct cc_arena *arena = cc_arena_create(0);
    struct cc_error err = {0};

    enum cc_code code = notification_cancel(&store.base, &told, 1, FAKE_T0_MS, arena, &err);

    assert_int_equal(code, CC_OK);
    assert_int_equal(store.stored, 0);
    assert_string_equal(store.outcome, "cancelled");
    cc_arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sent_is_logged_as_delivered),
        cmocka_unit_test(nothing_is_logged_as_delivered_that_was_not_sent),
        cmocka_unit_test(a_delivery_that_could_not_be_logged_comes_again),
        cmocka_unit_test(what_came_too_late_is_logged_and_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
