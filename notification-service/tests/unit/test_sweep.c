/* Throwing away old weeks, over the store in memory. */

#include "testing.h"

#include <string.h>

#include "storage/notification_store.h"
#include "sweep.h"

#define ANN    "0192f0c1-7a2b-7c3d-8e4f-0000000000a1"
#define CHAT   "0192f0c1-7a2b-7c3d-8e4f-0000000000c1"
#define NOW_MS FAKE_T0_MS

static void insert(struct notification_store *store, const char *id, int weeks_ago)
{
    struct notification row = {.notification_id = id,
                               .user_id = ANN,
                               .kind = "message",
                               .chat_id = CHAT,
                               .title = "New message",
                               .preview = "",
                               .created_at_ms = NOW_MS - weeks_ago * NOTIFICATION_WEEK_MS};
    struct cc_error err = {0};
    assert_int_equal(store->ops->insert(store, &row, 1, &err), CC_OK);
}

/* Seen by somebody whose clock still stands at that week. */
static size_t count_seen(struct notification_store *store, int weeks_ago)
{
    struct cc_arena *arena = cc_arena_create(0);
    struct notification_query query = {
        .user_id = ANN, .limit = 100, .now_ms = NOW_MS - weeks_ago * NOTIFICATION_WEEK_MS};
    struct notification_list list;
    struct cc_error err = {0};
    assert_int_equal(store->ops->list(store, &query, arena, &list, &err), CC_OK);
    cc_arena_destroy(arena);
    return list.count;
}

static void only_the_kept_weeks_survive_a_sweep(void **state)
{
    (void)state;
    struct notification_store *store = notification_store_memory_create();
    struct cc_error err = {0};
    insert(store, "now", 0);
    insert(store, "oldest kept", NOTIFICATION_WEEKS_KEPT);
    insert(store, "too old", NOTIFICATION_WEEKS_KEPT + 1);
    insert(store, "left by an outage", NOTIFICATION_WEEKS_KEPT + 40);

    assert_int_equal(notification_sweep(store, NOW_MS, &err), CC_OK);

    assert_int_equal(count_seen(store, 0), 2);
    assert_int_equal(count_seen(store, NOTIFICATION_WEEKS_KEPT + 2), 0);
    assert_int_equal(count_seen(store, NOTIFICATION_WEEKS_KEPT + 40), 0);
    notification_store_destroy(store);
}

static bool old_ones_are_gone(void *arg)
{
    return count_seen(arg, NOTIFICATION_WEEKS_KEPT + 2) == 0;
}

static void the_sweeper_begins_at_once_and_stops_when_told(void **state)
{
    (void)state;
    struct notification_store *store = notification_store_memory_create();
    struct fake_clock clock;
    fake_clock_init(&clock);
    insert(store, "too old", NOTIFICATION_WEEKS_KEPT + 1);

    struct notification_sweeper *sweeper = notification_sweeper_start(store, &clock.clock);
    test_wait_for(old_ones_are_gone, store, 5000);
    notification_sweeper_stop(sweeper);

    notification_store_destroy(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_kept_weeks_survive_a_sweep),
        cmocka_unit_test(the_sweeper_begins_at_once_and_stops_when_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
