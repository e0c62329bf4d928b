/* The circuit breaker, with a clock made of numbers. */
#include "testing.h"

#include "common/breaker.h"

static int64_t now = 1000;

static unsigned admitted(struct cc_breaker *breaker)
{
    unsigned ticket = 0;

    assert_true(cc_breaker_admit(breaker, now, &ticket));
    return ticket;
}

static void end(struct cc_breaker *breaker, unsigned ticket, enum cc_outcome outcome)
{
    cc_breaker_report(breaker, ticket, outcome, now, cc_random_system());
}

static void fail_times(struct cc_breaker *breaker, int times)
{
    for (int i = 0; i < times; i++)
        end(breaker, admitted(breaker), CC_OUTCOME_FAILED);
}

static bool is_refused(struct cc_breaker *breaker)
{
    unsigned ticket;

    return !cc_breaker_admit(breaker, now, &ticket);
}

static void five_failures_in_a_row_open_it(void **state)
{
    struct cc_breaker breaker = {0};

    (void)state;
    fail_times(&breaker, 4);
    end(&breaker, admitted(&breaker), CC_OUTCOME_GOOD);
    fail_times(&breaker, 4);
    end(&breaker, admitted(&breaker), CC_OUTCOME_NEUTRAL);
    assert_int_equal(breaker.state, CC_BREAKER_CLOSED);
    fail_times(&breaker, 1);
    assert_int_equal(breaker.state, CC_BREAKER_OPEN);
    assert_true(is_refused(&breaker));
    assert_in_range(cc_breaker_wait_ms(&breaker, now), 250, 500);
}

static void one_probe_at_a_time_decides(void **state)
{
    struct cc_breaker breaker = {0};
    unsigned probe;

    (void)state;
    fail_times(&breaker, 5);
    now += CC_BREAKER_OPEN_MS;
    probe = admitted(&breaker);
    assert_true(is_refused(&breaker));
    end(&breaker, probe, CC_OUTCOME_NEUTRAL);
    probe = admitted(&breaker); /* nothing was learnt: the next one probes */
    end(&breaker, probe, CC_OUTCOME_GOOD);
    assert_int_equal(breaker.state, CC_BREAKER_CLOSED);
    admitted(&breaker);
    admitted(&breaker);
}

static void failed_probes_lengthen_the_pause_up_to_its_bound(void **state)
{
    struct cc_breaker breaker = {0};
    int64_t bound = CC_BREAKER_OPEN_MS;

    (void)state;
    fail_times(&breaker, 5);
    for (int i = 0; i < 5; i++) {
        assert_in_range(cc_breaker_wait_ms(&breaker, now), bound / 2, bound);
        now += bound;
        end(&breaker, admitted(&breaker), CC_OUTCOME_FAILED);
        bound = bound * 2 < CC_BREAKER_OPEN_MAX_MS ? bound * 2 : CC_BREAKER_OPEN_MAX_MS;
    }
}

static void outcomes_of_an_earlier_state_are_ignored(void **state)
{
    struct cc_breaker breaker = {0};
    unsigned early_good = admitted(&breaker), early_bad = admitted(&breaker), probe;

    (void)state;
    fail_times(&breaker, 5);
    end(&breaker, early_good, CC_OUTCOME_GOOD);
    assert_int_equal(breaker.state, CC_BREAKER_OPEN);
    now += CC_BREAKER_OPEN_MS;
    probe = admitted(&breaker);
    end(&breaker, early_bad, CC_OUTCOME_FAILED);
    assert_int_equal(breaker.state, CC_BREAKER_HALF_OPEN);
    end(&breaker, probe, CC_OUTCOME_GOOD);
    assert_int_equal(breaker.state, CC_BREAKER_CLOSED);
}

static void a_lost_probe_does_not_hold_it_for_ever(void **state)
{
    struct cc_breaker breaker = {0};

    (void)state;
    fail_times(&breaker, 5);
    now += CC_BREAKER_OPEN_MS;
    admitted(&breaker);
    now += CC_BREAKER_PROBE_MS - 1;
    assert_true(is_refused(&breaker));
    now += 1;
    end(&breaker, admitted(&breaker), CC_OUTCOME_GOOD);
    assert_int_equal(breaker.state, CC_BREAKER_CLOSED);
}

static void a_hint_shortens_the_pause(void **state)
{
    struct cc_breaker breaker = {0};

    (void)state;
    fail_times(&breaker, 5);
    assert_true(is_refused(&breaker));
    cc_breaker_hint(&breaker, now);
    end(&breaker, admitted(&breaker), CC_OUTCOME_GOOD);
    assert_int_equal(breaker.state, CC_BREAKER_CLOSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_failures_in_a_row_open_it),
        cmocka_unit_test(one_probe_at_a_time_decides),
        cmocka_unit_test(failed_probes_lengthen_the_pause_up_to_its_bound),
        cmocka_unit_test(outcomes_of_an_earlier_state_are_ignored),
        cmocka_unit_test(a_lost_probe_does_not_hold_it_for_ever),
        cmocka_unit_test(a_hint_shortens_the_pause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
