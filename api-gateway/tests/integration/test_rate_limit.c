/* Token buckets against the real Redis, and without any. */
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testing.h"

#include "common/rate_bucket.h"
#include "proxy/rate_limit.h"
#include "tcp_proxy.h"

struct fixture {
    struct fake_clock clock; /* of what is known, where a test moves it */
    struct cc_redis *redis;
    struct tcp_proxy *proxy; /* before the server, where a test has one */
    struct cc_http_client *client, *second_client;
    struct gateway_rate_limiter *limiter, *second;
    const char *person, *address;
    _Atomic int answered, admitted;
    struct gateway_rate_verdict last;
};

static const struct gateway_rate rates[GATEWAY_RATE_COUNT] = {
    [GATEWAY_RATE_READ] = {"read", 1, 100, 5}, /* so slow that nothing comes back during a test */
    [GATEWAY_RATE_WRITE] = {"write", 0, 1, 0},
    [GATEWAY_RATE_AUTH] = {"auth", 1000, 1, 1},
    [GATEWAY_RATE_ADDRESS] = {"address", 1, 100, 30},
};
static const struct gateway_rate steady_rates[GATEWAY_RATE_COUNT] = {
    [GATEWAY_RATE_READ] = {"read", 400, 1, 400},
    [GATEWAY_RATE_GLOBAL] = {"global", 1, 1000, 100000},
};

static const struct gateway_rate wide_rates[GATEWAY_RATE_COUNT] = {
    [GATEWAY_RATE_READ] = {"read", 1, 100, 100},
    [GATEWAY_RATE_ADDRESS] = {"address", 1, 100, 1000},
};

static void set_up_on(struct fixture *f, const char *url, const struct gateway_rate *limits,
                      const struct cc_clock *clock)
{
    struct cc_error err = {0};

    assert_int_equal(cc_redis_create(url, 2, &f->redis, &err), CC_OK);
    f->client = cc_http_client_create();
    f->second_client = cc_http_client_create();
    assert_int_equal(gateway_rate_limiter_create(url, f->client, limits, clock, &f->limiter, &err),
                     CC_OK);
    assert_int_equal(
        gateway_rate_limiter_create(url, f->second_client, limits, clock, &f->second, &err), CC_OK);
    f->address = test_unique_name("address");
    f->person = test_unique_name("person");
}

static int set_up(void **state)
{
    static struct fixture fixture;

    memset(&fixture, 0, sizeof(fixture));
    set_up_on(&fixture, test_env("CHAT_TEST_REDIS_URL"), rates, cc_clock_system());
    *state = &fixture;
    return 0;
}

static int set_up_steady(void **state)
{
    static struct fixture fixture;

    memset(&fixture, 0, sizeof(fixture));
    set_up_on(&fixture, test_env("CHAT_TEST_REDIS_URL"), steady_rates, cc_clock_system());
    *state = &fixture;
    return 0;
}

static int set_up_wide(void **state)
{
    static struct fixture fixture;

    memset(&fixture, 0, sizeof(fixture));
    fake_clock_init(&fixture.clock);
    set_up_on(&fixture, test_env("CHAT_TEST_REDIS_URL"), wide_rates, &fixture.clock.clock);
    *state = &fixture;
    return 0;
}

static int set_up_unlimited(void **state)
{
    static const struct gateway_rate none[GATEWAY_RATE_COUNT];
    static struct fixture fixture;

    memset(&fixture, 0, sizeof(fixture));
    set_up_on(&fixture, test_env("CHAT_TEST_REDIS_URL"), none, cc_clock_system());
    *state = &fixture;
    return 0;
}

static int set_up_without_redis(void **state)
{
    static struct fixture fixture;

    memset(&fixture, 0, sizeof(fixture));
    set_up_on(&fixture, "redis://127.0.0.1:1/0", rates, cc_clock_system());
    *state = &fixture;
    return 0;
}

static int set_up_behind_a_proxy(void **state)
{
    static struct fixture fixture;

    memset(&fixture, 0, sizeof(fixture));
    fixture.proxy = tcp_proxy_start(test_env("CHAT_TEST_REDIS_URL"));
    set_up_on(&fixture, tcp_proxy_uri(fixture.proxy), rates, cc_clock_system());
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    cc_http_client_destroy(f->client);
    cc_http_client_destroy(f->second_client);
    gateway_rate_limiter_destroy(f->limiter);
    gateway_rate_limiter_destroy(f->second);
    cc_redis_destroy(f->redis);
    if (f->proxy != NULL)
        tcp_proxy_stop(f->proxy);
    return 0;
}

/* On the test's thread where a request goes ahead, else on a client's. */
static void note(void *arg, const struct gateway_rate_verdict *verdict)
{
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    struct fixture *f = arg;

    pthread_mutex_lock(&one_at_a_time);
    f->last = *verdict;
    pthread_mutex_unlock(&one_at_a_time);
    if (verdict->admitted)
        atomic_fetch_add(&f->admitted, 1);
    atomic_fetch_add(&f->answered, 1);
}

static int expected;
static bool all_answered(void *arg)
{
    return atomic_load(&((struct fixture *)arg)->answered) == expected;
}

static void take(struct fixture *f, struct gateway_rate_limiter *limiter,
                 enum gateway_rate_class which, int times)
{
    expected = atomic_load(&f->answered) + times;
    for (int i = 0; i < times; i++)
        gateway_rate_limiter_take(limiter, which, f->person, f->address, note, f);
    test_wait_for(all_answered, f, 5000);
}

static void a_burst_is_admitted_and_no_more(void **state)
{
    struct fixture *f = *state;

    take(f, f->limiter, GATEWAY_RATE_READ, 20);
    assert_int_equal(f->admitted, 5);
    assert_int_equal(f->last.remaining, 0);
    assert_int_equal(f->last.burst, 5);
    assert_int_equal(f->last.window_s, 500);
    assert_in_range(f->last.retry_after_ms, 90000, 100000);
}

static void two_gateways_share_one_bucket(void **state)
{
    struct fixture *f = *state;

    take(f, f->limiter, GATEWAY_RATE_READ, 3);
    take(f, f->second, GATEWAY_RATE_READ, 3);
    assert_int_equal(f->admitted, 5);
}

static void people_have_buckets_of_their_own(void **state)
{
    struct fixture *f = *state;

    take(f, f->limiter, GATEWAY_RATE_READ, 6);
    f->person = test_unique_name("person");
    take(f, f->limiter, GATEWAY_RATE_READ, 1);
    assert_int_equal(f->admitted, 6);
}

static bool token_came_back(void *arg)
{
    struct fixture *f = arg;
    int before = atomic_load(&f->admitted);

    take(f, f->limiter, GATEWAY_RATE_AUTH, 1);
    return atomic_load(&f->admitted) > before;
}

static void tokens_come_back_with_time(void **state)
{
    struct fixture *f = *state;

    take(f, f->limiter, GATEWAY_RATE_AUTH, 1);
    test_wait_for(token_came_back, f, 1000);
}

/* Tokens in the person's bucket, as Redis has it. */
static int tokens_of(struct fixture *f)
{
    CC_AUTO(redis_reply) redisReply *reply = NULL;
    struct cc_error err = {0};
    char key[CC_RATE_NAME_BYTES];
    cc_rate_name("read", f->person, key);
    assert_int_equal(cc_redis_do(f->redis, &reply, &err, "HGET", key, "v", NULL), CC_OK);
    if (reply->str == NULL)
        return INT_MAX; /* nobody has taken any */
    char *end;
    int64_t thousandths = strtoll(reply->str, &end, 10);
    assert_int_equal(*end, '\0');
    return (int)(thousandths / 1000);
}

static int tokens_left;
static bool redis_has_counted(void *arg)
{
    return tokens_of(arg) == tokens_left;
}

static void where_much_is_left_a_request_does_not_wait_and_is_counted(void **state)
{
    struct fixture *f = *state;
    take(f, f->limiter, GATEWAY_RATE_READ, 1);

    gateway_rate_limiter_take(f->limiter, GATEWAY_RATE_READ, f->person, f->address, note, f);

    assert_int_equal(f->answered, 2);
    assert_true(f->last.admitted);
    assert_int_equal(f->last.remaining, 98);
    tokens_left = 98;
    test_wait_for(redis_has_counted, f, 5000);
}

static void who_goes_ahead_gets_no_more_than_the_bucket_holds(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 20; i++)
        take(f, f->limiter, GATEWAY_RATE_READ, 10);
    assert_int_equal(f->admitted, 100);
    assert_int_equal(tokens_of(f), 0);
}

/* The second one still believes that all is there: one request, and it knows better. */
static void on_old_knowledge_one_goes_ahead_and_is_owed(void **state)
{
    struct fixture *f = *state;
    take(f, f->second, GATEWAY_RATE_READ, 1);
    take(f, f->limiter, GATEWAY_RATE_READ, 120);
    assert_int_equal(f->admitted, 100);
    fake_clock_advance_ms(&f->clock, 1000);

    take(f, f->second, GATEWAY_RATE_READ, 20);

    assert_in_range(f->admitted, 100, 101);
    assert_int_equal(tokens_of(f), 100 - f->admitted);
}

static void a_class_without_limit_is_answered_at_once(void **state)
{
    struct fixture *f = *state;

    gateway_rate_limiter_take(f->limiter, GATEWAY_RATE_WRITE, f->person, f->address, note, f);
    assert_int_equal(f->answered, 1);
    assert_true(f->last.admitted);
    assert_int_equal(f->last.burst, 0);
}

static void a_script_that_redis_forgot_is_loaded_again(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};

    take(f, f->limiter, GATEWAY_RATE_READ, 1);
    assert_int_equal(cc_redis_do(f->redis, NULL, &err, "SCRIPT", "FLUSH", NULL), CC_OK);
    take(f, f->limiter, GATEWAY_RATE_READ, 10);
    assert_int_equal(f->admitted, 5); /* a bucket of this process alone would have given 1 + 5 */
}

static void without_redis_each_process_limits_alone(void **state)
{
    struct fixture *f = *state;

    take(f, f->limiter, GATEWAY_RATE_READ, 20);
    assert_int_equal(f->admitted, 5);
    take(f, f->second, GATEWAY_RATE_READ, 20);
    assert_int_equal(f->admitted, 10);
}

static bool shares_a_bucket_again(void *arg)
{
    struct fixture *f = arg;

    f->person = test_unique_name("person");
    take(f, f->limiter, GATEWAY_RATE_AUTH, 1);
    int before = atomic_load(&f->admitted);
    take(f, f->second, GATEWAY_RATE_AUTH, 1);
    return atomic_load(&f->admitted) == before;
}

static void a_silent_redis_is_given_up_and_found_again(void **state)
{
    struct fixture *f = *state;

    take(f, f->limiter, GATEWAY_RATE_READ, 5);
    tcp_proxy_silence(f->proxy);
    int64_t began_ms = cc_mono_ms(cc_clock_system());
    take(f, f->limiter, GATEWAY_RATE_READ, 20);
    assert_int_equal(f->admitted, 10); /* 5 of Redis, 5 of this process */
    assert_in_range(cc_mono_ms(cc_clock_system()) - began_ms, 200, 2000);

    tcp_proxy_resume(f->proxy);
    f->address = test_unique_name("address");
    test_wait_for(shares_a_bucket_again, f, 10000);
}

/* Whoever changes the person keeps the address; the refusing bucket takes from none. */
static void one_address_is_one_bucket_for_all_its_people(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 8; i++) {
        f->person = test_unique_name("person");
        take(f, f->limiter, GATEWAY_RATE_READ, 5);
    }
    assert_int_equal(f->admitted, 30);
    assert_string_equal(f->last.name, "address");
    assert_false(f->last.admitted);
    f->address = test_unique_name("address");
    take(f, f->limiter, GATEWAY_RATE_READ, 5); /* the last person's own bucket is untouched */
    assert_int_equal(f->admitted, 35);
}

static void two_gateways_admit_the_rate_within_five_percent(void **state)
{
    struct fixture *f = *state;
    const struct gateway_rate *rate = &steady_rates[GATEWAY_RATE_READ];
    int64_t began_ms = cc_mono_ms(cc_clock_system()), passed_ms = 0;
    double wanted;

    while (passed_ms < 2000) {
        take(f, f->limiter, GATEWAY_RATE_READ, 30);
        take(f, f->second, GATEWAY_RATE_READ, 30);
        passed_ms = cc_mono_ms(cc_clock_system()) - began_ms;
    }
    wanted = (double)rate->burst + (double)(rate->amount * passed_ms) / 1000.0;
    assert_in_range(f->admitted, (int)(wanted * 0.95), (int)(wanted * 1.05));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_burst_is_admitted_and_no_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_gateways_share_one_bucket, set_up, tear_down),
        cmocka_unit_test_setup_teardown(people_have_buckets_of_their_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tokens_come_back_with_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_class_without_limit_is_answered_at_once, set_up_unlimited,
                                        tear_down),
        cmocka_unit_test_setup_teardown(where_much_is_left_a_request_does_not_wait_and_is_counted,
                                        set_up_wide, tear_down),
        cmocka_unit_test_setup_teardown(who_goes_ahead_gets_no_more_than_the_bucket_holds,
                                        set_up_wide, tear_down),
        cmocka_unit_test_setup_teardown(on_old_knowledge_one_goes_ahead_and_is_owed, set_up_wide,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_script_that_redis_forgot_is_loaded_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_address_is_one_bucket_for_all_its_people, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(two_gateways_admit_the_rate_within_five_percent,
                                        set_up_steady, tear_down),
        cmocka_unit_test_setup_teardown(one_address_is_one_bucket_for_all_its_people,
                                        set_up_without_redis, tear_down),
        cmocka_unit_test_setup_teardown(a_silent_redis_is_given_up_and_found_again,
                                        set_up_behind_a_proxy, tear_down),
        cmocka_unit_test_setup_teardown(without_redis_each_process_limits_alone,
                                        set_up_without_redis, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
