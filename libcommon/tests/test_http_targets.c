/* Choice among instances, with a clock that the test moves. */
#include <stdio.h>
#include <string.h>

#include "testing.h"

#include "common/http_targets.h"

static struct fake_clock fake;
static const char *const urls[] = {"http://a:1", "http://b:1", "http://c:1"};

static struct cc_targets *create(size_t count)
{
    const struct cc_setting_list list = {.items = urls, .count = count};

    fake_clock_init(&fake);
    return cc_targets_create("test", &list, &fake.clock);
}

static size_t taken(struct cc_targets *targets, struct cc_target_turn *turn)
{
    assert_true(cc_targets_take(targets, NULL, turn));
    return turn->index;
}

static void end(struct cc_targets *targets, struct cc_target_turn *turn, enum cc_outcome outcome)
{
    cc_targets_report(targets, turn, outcome, false);
    cc_targets_release(targets, turn);
}

static void the_least_busy_instance_is_asked(void **state)
{
    struct cc_targets *targets = create(3);
    struct cc_target_turn turns[6] = {0}, more = {0};
    int count[3] = {0};

    (void)state;
    for (int i = 0; i < 6; i++)
        count[taken(targets, &turns[i])]++;
    assert_int_equal(count[0], 2);
    assert_int_equal(count[1], 2);
    assert_int_equal(count[2], 2);
    size_t freed = turns[1].index;
    end(targets, &turns[1], CC_OUTCOME_GOOD);
    assert_int_equal(cc_targets_outstanding(targets, freed), 1);
    assert_int_equal(taken(targets, &more), freed);
    cc_targets_destroy(targets);
}

static void a_turn_asks_each_instance_once(void **state)
{
    struct cc_targets *targets = create(3);
    struct cc_target_turn turn = {0};

    (void)state;
    for (int i = 0; i < 3; i++) {
        taken(targets, &turn);
        end(targets, &turn, CC_OUTCOME_GOOD);
    }
    assert_false(cc_targets_take(targets, NULL, &turn));
    assert_int_equal(turn.attempts, 3);
    cc_targets_destroy(targets);
}

static void who_is_not_ready_or_not_reached_comes_last_and_returns(void **state)
{
    struct cc_targets *targets = create(2);
    struct cc_target_turn turn = {0};

    (void)state;
    cc_targets_set_ready(targets, 0, false);
    for (int i = 0; i < 3; i++) {
        turn = (struct cc_target_turn){0};
        assert_int_equal(taken(targets, &turn), 1);
        cc_targets_report(targets, &turn, CC_OUTCOME_GOOD, false); /* stays under way */
    }
    turn = (struct cc_target_turn){0};
    cc_targets_set_ready(targets, 1, false); /* none is ready: better one of them than none */
    assert_int_equal(taken(targets, &turn), 0);
    cc_targets_set_ready(targets, 0, true);
    cc_targets_report(targets, &turn, CC_OUTCOME_FAILED, true);
    cc_targets_set_ready(targets, 1, true);
    turn = (struct cc_target_turn){0};
    assert_int_equal(taken(targets, &turn), 1);
    fake_clock_advance_ms(&fake, CC_TARGET_LEFT_OUT_MS);
    turn = (struct cc_target_turn){0};
    assert_int_equal(taken(targets, &turn), 0);
    cc_targets_destroy(targets);
}

static void a_key_prefers_one_instance_and_moves_only_when_that_is_away(void **state)
{
    struct cc_targets *targets = create(3);
    size_t preferred[20] = {0};
    int moved = 0;

    (void)state;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 20; i++) {
            struct cc_target_turn turn = {0};
            char key[32];

            snprintf(key, sizeof(key), "person-%d", i);
            assert_true(cc_targets_take(targets, key, &turn));
            if (round == 0)
                preferred[i] = turn.index;
            else
                moved += turn.index != preferred[i];
            if (round == 1 && preferred[i] != 2)
                assert_int_equal(turn.index, preferred[i]);
            if (round == 0 && i == 19)
                cc_targets_set_ready(targets, 2, false);
        }
    assert_in_range(moved, 1, 15); /* those of the third, and nobody else */
    cc_targets_destroy(targets);
}

static void an_open_breaker_refuses_until_its_probe(void **state)
{
    struct cc_targets *targets = create(1);
    struct cc_target_turn turn;

    (void)state;
    for (int i = 0; i < CC_BREAKER_FAILURES; i++) {
        turn = (struct cc_target_turn){0};
        taken(targets, &turn);
        end(targets, &turn, CC_OUTCOME_FAILED);
    }
    turn = (struct cc_target_turn){0};
    assert_false(cc_targets_take(targets, NULL, &turn));
    assert_in_range(cc_targets_wait_ms(targets), 1, CC_BREAKER_OPEN_MS);
    fake_clock_advance_ms(&fake, CC_BREAKER_OPEN_MS);
    taken(targets, &turn);
    end(targets, &turn, CC_OUTCOME_GOOD);
    assert_int_equal(cc_targets_wait_ms(targets), 0);
    cc_targets_destroy(targets);
}

static void retries_stay_below_a_tenth_of_the_calls(void **state)
{
    struct cc_targets *targets = create(1);
    int granted = 0;

    (void)state;
    while (cc_targets_take_retry(targets))
        granted++;
    assert_int_equal(granted, CC_RETRY_RESERVE);
    for (int i = 0; i < 1000; i++) {
        cc_targets_count_call(targets);
        granted += cc_targets_take_retry(targets);
    }
    assert_int_equal(granted, CC_RETRY_RESERVE + 100);
    cc_targets_destroy(targets);
}

static void waits_are_random_below_a_doubling_bound(void **state)
{
    static const int bounds[] = {0, 0, 25, 50, 100, 200, 250, 250};
    int highest[8] = {0};

    (void)state;
    for (int attempt = 2; attempt < 8; attempt++)
        for (int i = 0; i < 500; i++) {
            int delay_ms = cc_retry_delay_ms(attempt, cc_random_system());

            assert_in_range(delay_ms, 0, bounds[attempt]);
            highest[attempt] = delay_ms > highest[attempt] ? delay_ms : highest[attempt];
        }
    assert_in_range(highest[7], 200, 250);
}

static void idempotent_is_what_the_rfc_says(void **state)
{
    (void)state;
    assert_true(cc_method_is_idempotent("GET"));
    assert_true(cc_method_is_idempotent("PUT"));
    assert_true(cc_method_is_idempotent("DELETE"));
    assert_false(cc_method_is_idempotent("POST"));
    assert_false(cc_method_is_idempotent("PATCH"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_busy_instance_is_asked),
        cmocka_unit_test(a_turn_asks_each_instance_once),
        cmocka_unit_test(who_is_not_ready_or_not_reached_comes_last_and_returns),
        cmocka_unit_test(a_key_prefers_one_instance_and_moves_only_when_that_is_away),
        cmocka_unit_test(an_open_breaker_refuses_until_its_probe),
        cmocka_unit_test(retries_stay_below_a_tenth_of_the_calls),
        cmocka_unit_test(waits_are_random_below_a_doubling_bound),
        cmocka_unit_test(idempotent_is_what_the_rfc_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
