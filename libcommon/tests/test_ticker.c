/* A ticker calls at once, again and again, and not after it was stopped. */

#include "common/ticker.h"

#include <stdatomic.h>

#include "testing.h"

static void count(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
}

static bool has_counted(void *arg)
{
    return atomic_load((atomic_int *)arg) >= 3;
}

static bool has_begun(void *arg)
{
    return atomic_load((atomic_int *)arg) >= 1;
}

static void it_calls_again_and_again_until_it_is_stopped(void **state)
{
    (void)state;
    atomic_int calls = 0;
    struct cc_ticker *ticker = cc_ticker_start(1, count, &calls);

    test_wait_for(has_counted, &calls, 5000);
    cc_ticker_stop(ticker);

    int after = atomic_load(&calls);
    assert_true(after >= 3);
    assert_int_equal(atomic_load(&calls), after);
}

static void stopping_does_not_wait_for_the_next_call(void **state)
{
    (void)state;
    atomic_int calls = 0;
    struct cc_ticker *ticker = cc_ticker_start(3600 * 1000, count, &calls);
    test_wait_for(has_begun, &calls, 5000);

    cc_ticker_stop(ticker); /* an hour, else */

    assert_int_equal(atomic_load(&calls), 1);
    cc_ticker_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_calls_again_and_again_until_it_is_stopped),
        cmocka_unit_test(stopping_does_not_wait_for_the_next_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
