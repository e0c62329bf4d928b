/* Which instance a request tries first, when one of them fails. */
#include <string.h>

#include "testing.h"

#include "common/alloc.h"
#include "proxy/upstreams.h"

#define BAD  "http://127.0.0.1:1"
#define GOOD "http://127.0.0.1:2"

struct fixture {
    struct fake_clock clock;
    struct gateway_settings settings;
    struct gateway_upstreams *upstreams;
};

static int set_up(void **state)
{
    static const char *const urls[] = {BAD, GOOD};
    struct fixture *f = cc_calloc(1, sizeof(*f));
    struct cc_error err = {0};

    fake_clock_init(&f->clock);
    f->settings.user_service_urls = (struct cc_setting_list){.items = urls, .count = 2};
    assert_int_equal(gateway_upstreams_create(&f->settings, &f->clock.clock, &f->upstreams, &err),
                     CC_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    gateway_upstreams_destroy(f->upstreams);
    cc_free(f);
    return 0;
}

static struct gateway_instance *first(struct fixture *f)
{
    struct gateway_turns turns;

    gateway_turns_begin(f->upstreams, GATEWAY_USER, NULL, &turns);
    return gateway_turns_next(&turns);
}

static bool is_bad(const struct gateway_instance *instance)
{
    return strcmp(gateway_instance_url(instance), BAD) == 0;
}

/* The bad instance, when one of the next requests goes to it; NULL otherwise. */
static struct gateway_instance *taken_within(struct fixture *f, int requests)
{
    for (int i = 0; i < requests; i++) {
        struct gateway_instance *instance = first(f);

        if (is_bad(instance))
            return instance;
    }
    return NULL;
}

static void fail_next_trial(struct fixture *f)
{
    struct gateway_instance *bad = taken_within(f, 2);

    assert_non_null(bad);
    gateway_instance_report(bad, false);
}

static void instances_are_taken_in_turn(void **state)
{
    struct fixture *f = *state;
    bool was_bad = is_bad(first(f));

    assert_int_not_equal(is_bad(first(f)), was_bad);
    assert_int_equal(is_bad(first(f)), was_bad);
}

static void one_that_failed_is_passed_over_for_a_second(void **state)
{
    struct fixture *f = *state;

    fail_next_trial(f);
    assert_null(taken_within(f, 20));
    fake_clock_advance_ms(&f->clock, 999);
    assert_null(taken_within(f, 20));
    fake_clock_advance_ms(&f->clock, 1);
    assert_non_null(taken_within(f, 2));
}

static void only_one_request_tries_it_again(void **state)
{
    struct fixture *f = *state;

    fail_next_trial(f);
    fake_clock_advance_ms(&f->clock, 1000);
    assert_non_null(taken_within(f, 2));
    assert_null(taken_within(f, 20));
}

static void a_good_answer_brings_it_back(void **state)
{
    struct fixture *f = *state;

    fail_next_trial(f);
    fake_clock_advance_ms(&f->clock, 1000);
    gateway_instance_report(taken_within(f, 2), true);
    assert_non_null(taken_within(f, 2));
    assert_non_null(taken_within(f, 2));
}

static void each_further_failure_doubles_the_pause_up_to_sixteen_seconds(void **state)
{
    struct fixture *f = *state;
    const int pauses_ms[] = {1000, 2000, 4000, 8000, 16000, 16000};

    for (size_t i = 0; i < sizeof(pauses_ms) / sizeof(pauses_ms[0]); i++) {
        struct gateway_instance *bad = taken_within(f, 2);

        assert_non_null(bad);
        fake_clock_advance_ms(&f->clock, 3000); /* so long it did not answer */
        gateway_instance_report(bad, false);
        fake_clock_advance_ms(&f->clock, pauses_ms[i] - 1);
        assert_null(taken_within(f, 4));
        fake_clock_advance_ms(&f->clock, 1);
    }
}

static void failures_of_one_moment_count_once(void **state)
{
    struct fixture *f = *state;
    struct gateway_instance *bad = taken_within(f, 2);

    for (int i = 0; i < 40; i++)
        gateway_instance_report(bad, false);
    fake_clock_advance_ms(&f->clock, 1000);
    assert_non_null(taken_within(f, 2));
}

static void when_all_have_failed_they_are_tried_all_the_same(void **state)
{
    struct fixture *f = *state;
    struct gateway_turns turns;

    gateway_instance_report(first(f), false);
    gateway_instance_report(first(f), false);
    gateway_turns_begin(f->upstreams, GATEWAY_USER, NULL, &turns);
    assert_non_null(gateway_turns_next(&turns));
    assert_non_null(gateway_turns_next(&turns));
    assert_null(gateway_turns_next(&turns));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(instances_are_taken_in_turn),
        TEST(one_that_failed_is_passed_over_for_a_second),
        TEST(only_one_request_tries_it_again),
        TEST(a_good_answer_brings_it_back),
        TEST(each_further_failure_doubles_the_pause_up_to_sixteen_seconds),
        TEST(failures_of_one_moment_count_once),
        TEST(when_all_have_failed_they_are_tried_all_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
