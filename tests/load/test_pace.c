/* When messages are due, and what a late sender's messages cost. */

#include "pace.h"

#include "histogram.h"
#include "testing.h"

static void due_times_do_not_drift(void **state)
{
    (void)state;
    const struct pace pace = {.start_us = 5, .rate_per_s = 300}; /* 3333.33 us apart */

    assert_int_equal(pace_due_us(&pace, 0), 5);
    assert_int_equal(pace_due_us(&pace, 1), 5 + 3333);
    assert_int_equal(pace_due_us(&pace, 3), 5 + 10000);
    assert_int_equal(pace_due_us(&pace, 300 * 3600), 5 + 3600 * 1000000LL);
}

/* One stall of half a second, one message every 5 ms: a hundred are late, the first the most. Who
 * counted from when they were sent would see one. */
static void a_stall_shows_in_every_message_that_it_delayed(void **state)
{
    (void)state;
    static struct histogram latency;
    const struct pace pace = {.start_us = 0, .rate_per_s = 200};
    const int64_t stalled_us = 500000;

    for (size_t i = 0; i < 1000; i++) {
        int64_t due_us = pace_due_us(&pace, i);
        int64_t sent_us = due_us < stalled_us ? stalled_us : due_us;
        histogram_record(&latency, sent_us - due_us);
    }

    assert_int_equal(latency.max_us, 500000);
    assert_int_equal(histogram_quantile_us(&latency, 0.90), 0);
    assert_in_range(histogram_quantile_us(&latency, 0.95), 250000, 250500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(due_times_do_not_drift),
        cmocka_unit_test(a_stall_shows_in_every_message_that_it_delayed),
    };
    return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
