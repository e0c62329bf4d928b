/* Buckets in a real Redis, taken from in both ways. */

#include "testing.h"

#include <string.h>

#include "common/clock.h"
#include "common/id.h"
#include "common/rate_bucket.h"

#define CLASS "test"

/* So slow that nothing is refilled while a test runs. */
static const struct cc_rate slow = {.amount = 1, .period_ms = 1000000, .burst = 5};
static const struct cc_rate quick = {.amount = 1000, .period_ms = 1000, .burst = 5};

struct fixture {
    struct cc_redis *redis;
    struct cc_ids *ids;
    char key[CC_UUID_BYTES];
};

static int setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;
    struct cc_error err = {0};

    f->ids = cc_ids_create(cc_clock_system(), cc_random_system());
    cc_ids_next(f->ids, f->key);
    *state = f;
    return cc_redis_create(test_env("CHAT_TEST_REDIS_URL"), 2, &f->redis, &err) == CC_OK ? 0 : 1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    cc_redis_destroy(f->redis);
    cc_ids_destroy(f->ids);
    return 0;
}

static int64_t charge(struct fixture *f, const struct cc_rate *rate, int64_t tokens)
{
    const char *keys[] = {f->key};
    struct cc_error err = {0};
    int64_t level = 0;

    if (cc_rate_charge(f->redis, rate, CLASS, keys, &tokens, 1, &level, &err) != CC_OK)
        fail_msg("not counted: %s", err.detail);
    return level;
}

/* As the edge does: {refusing, left, wait_ms}. done: it was let through already. */
static void take_as(struct fixture *f, const struct cc_rate *rate, const char *done, int64_t out[3])
{
    CC_AUTO(redis_reply) redisReply *reply = NULL;
    char name[CC_RATE_NAME_BYTES], burst[24], amount[24], period[24];
    struct cc_error err = {0};

    cc_rate_name(CLASS, f->key, name);
    snprintf(burst, sizeof burst, "%lld", (long long)rate->burst);
    snprintf(amount, sizeof amount, "%lld", (long long)rate->amount);
    snprintf(period, sizeof period, "%lld", (long long)rate->period_ms);
    if (cc_redis_do(f->redis, &reply, &err, "EVAL", cc_rate_take_script, "1", name, burst, amount,
                    period, done, NULL) != CC_OK)
        fail_msg("not taken: %s", err.detail);
    for (size_t i = 0; i < 3; i++)
        out[i] = reply->element[i]->integer;
    assert_int_equal(reply->elements, out[0] == 0 ? 4 : 3);
    if (out[0] == 0)
        assert_int_equal(reply->element[3]->integer, out[1]);
}

static void take(struct fixture *f, const struct cc_rate *rate, int64_t out[3])
{
    take_as(f, rate, NULL, out);
}

static void a_new_bucket_is_full_and_is_charged_from_its_burst(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(charge(f, &slow, 2), 3000);
    assert_int_equal(charge(f, &slow, 3), 0);
}

static void both_ways_take_from_one_bucket(void **state)
{
    struct fixture *f = *state;
    int64_t said[3];

    charge(f, &slow, 4);
    take(f, &slow, said);
    assert_int_equal(said[0], 0);
    assert_int_equal(said[1], 0);
    take(f, &slow, said);
    assert_int_equal(said[0], 1);
    assert_true(charge(f, &slow, 0) < 1000);
}

static void a_debt_is_refilled_before_anybody_gets_anything(void **state)
{
    struct fixture *f = *state;
    int64_t said[3];

    assert_int_equal(charge(f, &slow, 7), -2000);
    take(f, &slow, said);
    assert_int_equal(said[0], 1);
    assert_in_range(said[2], 2990000, 3000000); /* two owed and one to have, 1,000 s each */
}

static void what_is_done_already_is_owed_and_not_refused(void **state)
{
    struct fixture *f = *state;
    int64_t said[3];

    charge(f, &slow, 5);
    for (int64_t owed = 1; owed <= 6; owed++) {
        take_as(f, &slow, "1", said);
        assert_int_equal(said[0], 0);
        assert_int_equal(said[1], owed <= 5 ? -owed : -5);
    }
    take(f, &slow, said);
    assert_int_equal(said[0], 1);
}

static void a_debt_ends_at_one_burst(void **state)
{
    assert_int_equal(charge(*state, &slow, 1000), -5000);
}

static void a_bucket_fills_by_the_servers_clock_up_to_its_burst(void **state)
{
    struct fixture *f = *state;
    int64_t until_ms = cc_mono_ms(cc_clock_system()) + 5000;

    charge(f, &quick, 10);
    while (charge(f, &quick, 0) < 5000)
        assert_true(cc_mono_ms(cc_clock_system()) < until_ms);
    assert_int_equal(charge(f, &quick, 0), 5000);
}

static void many_buckets_are_charged_in_one_call(void **state)
{
    struct fixture *f = *state;
    char ids[CC_RATE_CHARGE_MAX][CC_UUID_BYTES];
    const char *keys[CC_RATE_CHARGE_MAX];
    int64_t tokens[CC_RATE_CHARGE_MAX], levels[CC_RATE_CHARGE_MAX];
    struct cc_error err = {0};

    for (size_t i = 0; i < CC_RATE_CHARGE_MAX; i++) {
        cc_ids_next(f->ids, ids[i]);
        keys[i] = ids[i];
        tokens[i] = (int64_t)i % 6;
    }
    assert_int_equal(
        cc_rate_charge(f->redis, &slow, CLASS, keys, tokens, CC_RATE_CHARGE_MAX, levels, &err),
        CC_OK);
    for (size_t i = 0; i < CC_RATE_CHARGE_MAX; i++)
        assert_int_equal(levels[i], 5000 - tokens[i] * 1000);
}

static void a_bucket_that_is_full_again_is_forgotten(void **state)
{
    struct fixture *f = *state;
    CC_AUTO(redis_reply) redisReply *reply = NULL;
    char name[CC_RATE_NAME_BYTES];
    struct cc_error err = {0};

    charge(f, &slow, 2);
    cc_rate_name(CLASS, f->key, name);
    assert_int_equal(cc_redis_do(f->redis, &reply, &err, "PTTL", name, NULL), CC_OK);
    assert_in_range(reply->integer, 2000000, 2001000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_bucket_is_full_and_is_charged_from_its_burst, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(both_ways_take_from_one_bucket, setup, teardown),
        cmocka_unit_test_setup_teardown(a_debt_is_refilled_before_anybody_gets_anything, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_debt_ends_at_one_burst, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_done_already_is_owed_and_not_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_bucket_fills_by_the_servers_clock_up_to_its_burst, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(many_buckets_are_charged_in_one_call, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bucket_that_is_full_again_is_forgotten, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
