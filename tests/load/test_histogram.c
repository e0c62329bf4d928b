#include "histogram.h"

#include "testing.h"

static void quantiles_are_exact_to_a_thousandth(void **state)
{
    (void)state;
    static struct histogram histogram;
    for (int64_t value = 1; value <= 1000000; value++)
        histogram_record(&histogram, value);

    const double shares[] = {0.5, 0.9, 0.99, 0.999};
    for (size_t i = 0; i < 4; i++) {
        double wanted = shares[i] * 1000000.0;
        double got = (double)histogram_quantile_us(&histogram, shares[i]);
        assert_true(got >= wanted && got <= wanted * 1.002);
    }
    assert_int_equal(histogram.max_us, 1000000);
}

static void small_values_are_exact(void **state)
{
    (void)state;
    static struct histogram histogram;
    for (int64_t value = 0; value < 100; value++)
        histogram_record(&histogram, value);

    assert_int_equal(histogram_quantile_us(&histogram, 0.5), 49);
    assert_int_equal(histogram_quantile_us(&histogram, 1.0), 99);
}

static void an_empty_histogram_has_no_quantile(void **state)
{
    (void)state;
    static struct histogram histogram;

    assert_int_equal(histogram_quantile_us(&histogram, 0.99), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_exact_to_a_thousandth),
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(an_empty_histogram_has_no_quantile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
