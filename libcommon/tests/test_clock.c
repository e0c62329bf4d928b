/* RFC 3339 text to and from epoch milliseconds. Expected values were computed with another library.
 */

#include "testing.h"

#include <string.h>

#include "common/clock.h"

static const struct {
    const char *text;
    int64_t epoch_ms;
} instants[] = {
    {"1970-01-01T00:00:00.000Z", 0},
    {"2000-02-29T23:59:59.999Z", 951868799999},
    {"2024-02-29T12:00:00.000Z", 1709208000000},
    {"2026-11-24T23:39:34.123Z", 1795563574123},
    {"2100-03-01T00:00:00.000Z", 4107542400000},
    {"9999-12-31T23:59:59.999Z", 253402300799999},
};

static int64_t parsed(const char *text)
{
    int64_t epoch_ms = -1;
    return cc_time_parse(text, strlen(text), &epoch_ms) ? epoch_ms : -1;
}

static void known_instants_are_written_and_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof instants / sizeof *instants; i++) {
        char text[CC_RFC3339_BYTES];
        cc_time_format(instants[i].epoch_ms, text);

        assert_string_equal(text, instants[i].text);
        assert_int_equal(parsed(instants[i].text), instants[i].epoch_ms);
    }
}

static void every_day_of_four_centuries_survives_the_way_there_and_back(void **state)
{
    (void)state;
    for (int64_t day = 0; day < 146097; day++) {
        char text[CC_RFC3339_BYTES];
        int64_t epoch_ms = day * 86400000 + day % 86400000;
        cc_time_format(epoch_ms, text);

        assert_int_equal(parsed(text), epoch_ms);
    }
}

static void offsets_and_fractions_of_any_length_are_read(void **state)
{
    (void)state;
    assert_int_equal(parsed("2026-11-25T01:09:34.5+01:30"), 1795563574500);
    assert_int_equal(parsed("2026-11-24T20:39:34.123456789-03:00"), 1795563574123);
    assert_int_equal(parsed("2026-11-24t23:39:34z"), 1795563574000);
    assert_int_equal(parsed("2026-11-24T23:39:34.07Z"), 1795563574070);
}

static void malformed_times_are_refused(void **state)
{
    (void)state;
    static const char *const malformed[] = {
        "",
        "2026",
        "2026-11-24",
        "2026-11-24T23:39:34",
        "2026-11-24 23:39:34Z",
        "2026-11-24T23:39:34.Z",
        "2026-11-24T23:39:34.1234567890Z",
        "2026-11-24T23:39:34Z ",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-11-31T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-11-00T00:00:00Z",
        "2026-11-24T24:00:00Z",
        "2026-11-24T23:60:00Z",
        "2026-11-24T23:59:61Z",
        "2026-11-24T23:39:34+1:00",
        "2026-11-24T23:39:34+24:00",
        "2026-11-24T23:39:34+01:60",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "+026-11-24T23:39:34Z",
    };
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        assert_int_equal(parsed(malformed[i]), -1);
}

static void every_proper_prefix_of_a_time_is_refused(void **state)
{
    (void)state;
    const char *whole = "2026-11-24T23:39:34.123+01:00";
    int64_t epoch_ms;
    for (size_t length = 0; length < strlen(whole); length++)
        assert_false(cc_time_parse(whole, length, &epoch_ms));
}

static void times_outside_the_range_are_written_as_its_ends(void **state)
{
    (void)state;
    char text[CC_RFC3339_BYTES];
    cc_time_format(-1, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    cc_time_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

static void the_monotonic_clock_never_goes_back(void **state)
{
    (void)state;
    int64_t last = 0;
    for (int i = 0; i < 1000; i++) {
        int64_t now = cc_mono_us(cc_clock_system());
        assert_true(now >= last);
        last = now;
    }
    assert_true(cc_wall_ms(cc_clock_system()) > FAKE_T0_MS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_instants_are_written_and_read),
        cmocka_unit_test(every_day_of_four_centuries_survives_the_way_there_and_back),
        cmocka_unit_test(offsets_and_fractions_of_any_length_are_read),
        cmocka_unit_test(malformed_times_are_refused),
        cmocka_unit_test(every_proper_prefix_of_a_time_is_refused),
        cmocka_unit_test(times_outside_the_range_are_written_as_its_ends),
        cmocka_unit_test(the_monotonic_clock_never_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
