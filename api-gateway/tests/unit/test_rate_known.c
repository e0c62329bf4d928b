/* When a request is let through before Redis is asked. */

#include "testing.h"

#include <stdio.h>

#include "common/metrics.h"
#include "proxy/rate_known.h"

#define BURST 100

static const struct gateway_rate rates[GATEWAY_RATE_COUNT] = {
    [GATEWAY_RATE_READ] = {"read", 10, 1, BURST},
    [GATEWAY_RATE_AUTH] = {"auth", 10, 10, 10},
    [GATEWAY_RATE_ADDRESS] = {"address", 10, 1, BURST},
};
static const struct gateway_rate_bucket both[] = {{GATEWAY_RATE_READ, "rate:read:ada"},
                                                  {GATEWAY_RATE_ADDRESS, "rate:address:home"}};

struct fixture {
    struct fake_clock clock;
    struct gateway_known_rates *known;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    fake_clock_init(&fixture.clock);
    fixture.known = gateway_known_rates_create(rates, &fixture.clock.clock);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    gateway_known_rates_destroy(((struct fixture *)*state)->known);
    return 0;
}

static bool take(struct fixture *f)
{
    struct gateway_rate_verdict verdict;
    return gateway_known_rates_ask(f->known, both, 2, &verdict);
}

static void hear(struct fixture *f, int64_t of_class, int64_t of_address)
{
    const int64_t left[] = {of_class, of_address};
    gateway_known_rates_heard(f->known, both, 2, left);
}

/* A first question, and its answer. */
static void know(struct fixture *f, int64_t of_class, int64_t of_address)
{
    assert_false(take(f));
    hear(f, of_class, of_address);
}

static void what_nobody_has_told_is_asked(void **state)
{
    assert_false(take(*state));
    assert_false(take(*state));
}

static void as_long_as_more_than_half_is_left_nobody_waits(void **state)
{
    struct fixture *f = *state;
    know(f, BURST - 1, BURST);
    int taken = 0;

    while (take(f))
        taken++;

    assert_int_equal(taken, BURST - 1 - BURST / 2);
}

static void the_emptier_of_the_buckets_decides(void **state)
{
    struct fixture *f = *state;

    know(f, BURST, BURST / 2);
    assert_false(take(f));
    hear(f, BURST, BURST / 2 + 1);
    assert_true(take(f));
}

static void the_verdict_is_that_of_the_first_bucket(void **state)
{
    struct fixture *f = *state;
    struct gateway_rate_verdict verdict;
    know(f, 80, 60);

    assert_true(gateway_known_rates_ask(f->known, both, 2, &verdict));

    assert_true(verdict.admitted);
    assert_string_equal(verdict.name, "read");
    assert_int_equal(verdict.burst, BURST);
    assert_int_equal(verdict.remaining, 79);
    assert_int_equal(verdict.retry_after_ms, 0);
}

/* Whether it was let through or waits for its answer. */
static void what_is_under_way_counts_as_taken(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 4; i++)
        assert_false(take(f));

    hear(f, BURST / 2 + 4, BURST); /* three are still to come */
    assert_true(take(f));
    assert_false(take(f));
}

static void what_is_old_lets_one_through(void **state)
{
    struct fixture *f = *state;
    know(f, BURST, BURST);
    fake_clock_advance_ms(&f->clock, 100);

    assert_true(take(f));
    assert_false(take(f));
    hear(f, BURST, BURST);
    assert_true(take(f));
    assert_true(take(f));
}

static void what_is_older_lets_nobody_through(void **state)
{
    struct fixture *f = *state;
    know(f, BURST, BURST);
    fake_clock_advance_ms(&f->clock, 10000);

    assert_false(take(f));
}

static void an_empty_bucket_ends_it_for_itself_alone(void **state)
{
    struct fixture *f = *state;
    struct gateway_rate_verdict verdict;
    know(f, BURST, BURST);
    assert_true(take(f));

    hear(f, 0, GATEWAY_RATE_UNTOLD);

    assert_false(take(f));
    assert_true(gateway_known_rates_ask(f->known, &both[1], 1, &verdict));
}

static void a_small_bucket_is_always_asked(void **state)
{
    struct fixture *f = *state;
    const struct gateway_rate_bucket small = {GATEWAY_RATE_AUTH, "rate:auth:home"};
    const int64_t full = 10;
    struct gateway_rate_verdict verdict;
    assert_false(gateway_known_rates_ask(f->known, &small, 1, &verdict));

    gateway_known_rates_heard(f->known, &small, 1, &full);

    assert_false(gateway_known_rates_ask(f->known, &small, 1, &verdict));
}

/* People who come once; each waits for an answer. */
static void people_come(struct fixture *f, int from, int count)
{
    for (int i = from; i < from + count; i++) {
        struct gateway_rate_bucket bucket = {.which = GATEWAY_RATE_READ};
        struct gateway_rate_verdict verdict;
        const int64_t left = BURST;

        (void)snprintf(bucket.key, sizeof bucket.key, "rate:read:%d", i);
        assert_false(gateway_known_rates_ask(f->known, &bucket, 1, &verdict));
        gateway_known_rates_heard(f->known, &bucket, 1, &left);
    }
}

static int64_t known_buckets(void)
{
    return cc_gauge_value(cc_gauge_get("gateway_rate_buckets_known", "", NULL));
}

static void who_has_gone_is_forgotten(void **state)
{
    struct fixture *f = *state;
    people_come(f, 0, 1000);
    fake_clock_advance_ms(&f->clock, 10000);

    people_come(f, 1000, 100);

    assert_in_range(known_buckets(), 100, 124);
}

static void a_crowd_that_is_too_large_is_forgotten_as_well(void **state)
{
    struct fixture *f = *state;

    people_come(f, 0, 120000);

    assert_in_range(known_buckets(), 1, 100000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_nobody_has_told_is_asked),
        TEST(as_long_as_more_than_half_is_left_nobody_waits),
        TEST(the_emptier_of_the_buckets_decides),
        TEST(the_verdict_is_that_of_the_first_bucket),
        TEST(what_is_under_way_counts_as_taken),
        TEST(what_is_old_lets_one_through),
        TEST(what_is_older_lets_nobody_through),
        TEST(an_empty_bucket_ends_it_for_itself_alone),
        TEST(a_small_bucket_is_always_asked),
        TEST(who_has_gone_is_forgotten),
        TEST(a_crowd_that_is_too_large_is_forgotten_as_well),
    };
    return cmocka_run_group_tests_name("what is known of rates", tests, NULL, NULL);
}
