/* The allowance of a person, over two gateways' loops that this thread runs, and a real Redis. */

#include "common/alloc.h"
#include "testing.h"

#include "app.h"
#include "jobs.h"
#include "ws/quota.h"

#define BURST 30 /* one a second comes back: tests are quicker */

struct node {
    struct ws_settings settings;
    struct ws_app app;
};
struct fixture {
    struct fake_clock clock;
    struct cc_ids *ids;
    struct node nodes[2];
    char ann[CC_UUID_BYTES], bob[CC_UUID_BYTES];
};

static void wake(void *arg)
{
    (void)arg;
}

static void start(struct fixture *f, struct node *node, const char *redis_url)
{
    struct cc_error err = {0};

    node->settings.rate_write_per_s = 1;
    node->settings.rate_write_burst = BURST;
    node->app.settings = &node->settings;
    node->app.runtime.clock = &f->clock.clock;
    node->app.queue = ws_loop_queue_create(1000, wake, NULL);
    assert_int_equal(cc_redis_create(redis_url, 2, &node->app.redis, &err), CC_OK);
    node->app.worker = ws_worker_create(node->app.redis, node->app.queue, 100);
    ws_hub_init(&node->app);
}

static int set_up_on(void **state, const char *redis_url)
{
    struct fixture *f = cc_calloc(1, sizeof *f);

    fake_clock_init(&f->clock);
    f->ids = cc_ids_create(cc_clock_system(), cc_random_system());
    cc_ids_next(f->ids, f->ann);
    cc_ids_next(f->ids, f->bob);
    for (size_t i = 0; i < 2; i++)
        start(f, &f->nodes[i], redis_url);
    *state = f;
    return 0;
}

static int set_up(void **state)
{
    return set_up_on(state, test_env("CHAT_TEST_REDIS_URL"));
}

static int set_up_without_redis(void **state)
{
    return set_up_on(state, "redis://127.0.0.1:1/0");
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        ws_worker_destroy(f->nodes[i].app.worker);
        ws_loop_queue_destroy(f->nodes[i].app.queue);
        ws_hub_finish(&f->nodes[i].app);
        cc_redis_destroy(f->nodes[i].app.redis);
    }
    cc_ids_destroy(f->ids);
    cc_free(f);
    return 0;
}

static bool take(struct node *node, const char *user_id)
{
    int wait_ms = 0;
    bool taken = ws_quota_take(&node->app, user_id, &wait_ms);

    assert_true(taken ? wait_ms == 0 : wait_ms > 0);
    return taken;
}

static int take_all(struct node *node, const char *user_id)
{
    int taken = 0;

    while (take(node, user_id))
        taken++;
    return taken;
}

static bool is_settled(void *arg)
{
    struct node *node = arg;

    ws_loop_queue_run(node->app.queue);
    return !node->app.hub.quotas.asking;
}

static void settle(struct node *node)
{
    test_wait_for(is_settled, node, 5000);
}

static void two_gateways_share_one_allowance(void **state)
{
    struct fixture *f = *state;
    int taken = 0;

    for (int i = 0; i < 3 * BURST; i++) {
        struct node *node = &f->nodes[i % 2];

        taken += take(node, f->ann);
        settle(node);
    }

    assert_in_range(taken, BURST, BURST + 5); /* some real seconds may have passed */
}

static void what_both_gave_at_once_is_owed_before_more_is_given(void **state)
{
    struct fixture *f = *state;
    int wait_ms = 0;

    assert_int_equal(take_all(&f->nodes[0], f->ann), BURST);
    assert_int_equal(take_all(&f->nodes[1], f->ann), BURST);
    for (size_t i = 0; i < 2; i++)
        settle(&f->nodes[i]);
    /* Whoever was counted first learns of the other's when it next asks; the second knows. */
    fake_clock_advance_ms(&f->clock, 2000);

    assert_true(take(&f->nodes[0], f->ann));
    settle(&f->nodes[0]);
    assert_false(ws_quota_take(&f->nodes[0].app, f->ann, &wait_ms));
    assert_in_range(wait_ms, (BURST - 5) * 1000, (BURST + 5) * 1000);
    assert_false(take(&f->nodes[1], f->ann));
}

static void a_persons_sockets_are_not_read_before_much_is_counted(void **state)
{
    struct fixture *f = *state;
    struct node *node = &f->nodes[0];

    for (int i = 0; i < 7; i++)
        assert_true(take(node, f->ann));
    assert_false(ws_quota_is_behind(&node->app, f->ann));
    assert_true(take(node, f->ann));
    assert_true(ws_quota_is_behind(&node->app, f->ann));
    assert_false(ws_quota_is_behind(&node->app, f->bob));

    settle(node);
    assert_false(ws_quota_is_behind(&node->app, f->ann));
}

static void people_do_not_pay_for_each_other(void **state)
{
    struct fixture *f = *state;

    take_all(&f->nodes[0], f->ann);
    settle(&f->nodes[0]);

    assert_true(take(&f->nodes[0], f->bob));
    assert_true(take(&f->nodes[1], f->bob));
}

static void more_people_than_one_question_holds_are_all_counted(void **state)
{
    struct fixture *f = *state;
    char people[100][CC_UUID_BYTES];

    for (size_t i = 0; i < 100; i++) {
        cc_ids_next(f->ids, people[i]);
        take_all(&f->nodes[0], people[i]);
    }
    settle(&f->nodes[0]);

    for (size_t i = 0; i < 100; i++) {
        assert_false(ws_quota_is_behind(&f->nodes[0].app, people[i]));
        for (int k = 0; k < 4; k++)                     /* more than comes back in the meantime */
            assert_true(take(&f->nodes[1], people[i])); /* it believes so, and is told */
    }
    settle(&f->nodes[1]);
    for (size_t i = 0; i < 100; i++)
        assert_false(take(&f->nodes[1], people[i]));
}

static void reconnecting_wins_nothing_and_idle_people_cost_nothing(void **state)
{
    struct fixture *f = *state;
    struct node *node = &f->nodes[0];

    take_all(node, f->ann);
    settle(node);
    ws_quotas_tick(&node->app, ws_now_ms(&node->app));
    assert_int_equal(node->app.hub.quotas.by_user.count, 1);
    assert_false(take(node, f->ann));

    fake_clock_advance_ms(&f->clock, (2 * BURST + 1) * 1000);
    ws_quotas_tick(&node->app, ws_now_ms(&node->app));
    assert_int_equal(node->app.hub.quotas.by_user.count, 0);
}

static void without_redis_each_gateway_keeps_to_the_policy_alone(void **state)
{
    struct fixture *f = *state;
    uint64_t before = cc_counter_value(f->nodes[0].app.hub.metrics.quota_alone);

    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(take_all(&f->nodes[i], f->ann), BURST);
        settle(&f->nodes[i]);
        assert_false(take(&f->nodes[i], f->ann));
        assert_false(ws_quota_is_behind(&f->nodes[i].app, f->ann));
    }
    assert_true(cc_counter_value(f->nodes[0].app.hub.metrics.quota_alone) > before);
    fake_clock_advance_ms(&f->clock, 3000);
    assert_int_equal(take_all(&f->nodes[0], f->ann), 3);
}

static void no_rate_is_no_limit(void **state)
{
    struct fixture *f = *state;

    f->nodes[0].settings.rate_write_per_s = 0;
    for (int i = 0; i < 1000; i++)
        assert_true(take(&f->nodes[0], f->ann));
    assert_int_equal(f->nodes[0].app.hub.quotas.by_user.count, 0);
}

#define WITH(test, up) cmocka_unit_test_setup_teardown(test, up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(two_gateways_share_one_allowance, set_up),
        WITH(what_both_gave_at_once_is_owed_before_more_is_given, set_up),
        WITH(a_persons_sockets_are_not_read_before_much_is_counted, set_up),
        WITH(people_do_not_pay_for_each_other, set_up),
        WITH(more_people_than_one_question_holds_are_all_counted, set_up),
        WITH(reconnecting_wins_nothing_and_idle_people_cost_nothing, set_up),
        WITH(without_redis_each_gateway_keeps_to_the_policy_alone, set_up_without_redis),
        WITH(no_rate_is_no_limit, set_up),
    };

    return cmocka_run_group_tests_name("quota", tests, NULL, NULL);
}
