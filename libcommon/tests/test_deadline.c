/* The deadline header and the deadline that a thread carries. */
#include "testing.h"

#include "common/deadline.h"

static void only_plain_milliseconds_are_a_deadline(void **state)
{
    static const char *const wrong[] = {
        "",
        "0",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1.5",
        "0x10",
        "600001",
        "9999999",
        "99999999999999999999",
        "1e3",
    };
    int64_t ms = 7;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(cc_deadline_parse(wrong[i], &ms));
    assert_false(cc_deadline_parse(NULL, &ms));
    assert_int_equal(ms, 7);
    assert_true(cc_deadline_parse("1", &ms));
    assert_int_equal(ms, 1);
    assert_true(cc_deadline_parse("600000", &ms));
    assert_int_equal(ms, 600000);
}

static void a_call_lasts_no_longer_than_the_request(void **state)
{
    struct fake_clock fake;

    (void)state;
    fake_clock_init(&fake);
    assert_int_equal(cc_deadline_cap_ms(5000), 5000);
    cc_deadline_enter(&fake.clock, cc_mono_ms(&fake.clock) + 800);
    assert_int_equal(cc_deadline_cap_ms(5000), 800);
    assert_int_equal(cc_deadline_cap_ms(300), 300);
    fake_clock_advance_ms(&fake, 800);
    assert_int_equal(cc_deadline_cap_ms(300), 0);
    cc_deadline_leave();
    assert_int_equal(cc_deadline_cap_ms(5000), 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_plain_milliseconds_are_a_deadline),
        cmocka_unit_test(a_call_lasts_no_longer_than_the_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
