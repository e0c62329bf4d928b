/* Two gateways learn who was logged out: without Redis, and when what Redis tells is lost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway_fixture.h"

#include "common/alloc.h"
#include "tcp_proxy.h"

#define REFUSED_MS 1000 /* on a quiet machine */

struct pair {
    struct gateway *one, *other;
    struct tcp_proxy *redis; /* NULL: gone */
    int lists;               /* read before */
};

/* auth-service's list names the caller's session once it is told to; nobody publishes it. */
static void start_pair(struct pair *pair, const char *poll_ms)
{
    struct gateway *g = create();

    pair->redis = tcp_proxy_start(test_env("CHAT_TEST_REDIS_URL"));
    memcpy(g->fakes.revoked_session, g->session_id, sizeof(g->session_id));
    atomic_store(&g->fakes.revocation_hidden, true);
    set(g, "REDIS_URL", tcp_proxy_uri(pair->redis));
    set(g, "REVOCATIONS_POLL_MS", poll_ms);
    default_settings(g);
    run_gateway(g);
    pair->one = g;
    pair->other = run_another(g);
}

static int set_up_pair(void **state)
{
    struct pair *pair = cc_calloc(1, sizeof(*pair));

    start_pair(pair, "600000");
    *state = pair;
    return 0;
}

static int set_up_pair_that_polls(void **state)
{
    struct pair *pair = cc_calloc(1, sizeof(*pair));

    start_pair(pair, "300");
    *state = pair;
    return 0;
}

static int tear_down_pair(void **state)
{
    struct pair *pair = *state;
    void *one = pair->one;

    stop_another(pair->other);
    tear_down(&one);
    if (pair->redis != NULL)
        tcp_proxy_stop(pair->redis);
    cc_free(pair);
    return 0;
}

static bool both_serve(void *arg)
{
    struct pair *pair = arg;

    return status_of(ask_signed(pair->one, "GET /v1/users/me")) == 200 &&
           status_of(ask_signed(pair->other, "GET /v1/users/me")) == 200;
}

static bool both_refuse(void *arg)
{
    struct pair *pair = arg;

    return status_of(ask_signed(pair->one, "GET /v1/users/me")) == 401 &&
           status_of(ask_signed(pair->other, "GET /v1/users/me")) == 401;
}

/* Runnable processes per core, at least 1. */
static double slowness(void)
{
    double load = 0;

    getloadavg(&load, 1);
    load /= (double)sysconf(_SC_NPROCESSORS_ONLN);
    return load > 1 ? load : 1;
}

/* More often than a start and a connection lost or made would by themselves. */
static bool lists_go_on_being_read(void *arg)
{
    struct pair *pair = arg;

    return atomic_load(&pair->one->fakes.lists) >= pair->lists + 8;
}

static void wait_for_lists(struct pair *pair)
{
    pair->lists = atomic_load(&pair->one->fakes.lists);
    test_wait_for(lists_go_on_being_read, pair, 10000);
}

static void assert_refused_in_time(struct pair *pair)
{
    int64_t began_ms = cc_mono_ms(cc_clock_system()), took_ms;

    atomic_store(&pair->one->fakes.revocation_hidden, false);
    test_wait_for(both_refuse, pair, 20000);
    took_ms = cc_mono_ms(cc_clock_system()) - began_ms;
    print_message("refused by both after %lld ms\n", (long long)took_ms);
    assert_true((double)took_ms <= REFUSED_MS * slowness());
}

static void without_redis_both_refuse_within_a_second(void **state)
{
    struct pair *pair = *state;

    test_wait_for(both_serve, pair, 5000);
    tcp_proxy_stop(pair->redis);
    pair->redis = NULL;
    wait_for_lists(pair);
    assert_true(both_serve(pair));
    assert_refused_in_time(pair);
}

static bool redis_is_heard(void *arg)
{
    const struct pair *pair = arg;
    CC_AUTO(redis_reply) redisReply *reply = NULL;
    struct cc_error err = {0};

    return cc_redis_do(pair->one->app.redis, &reply, &err, "PUBSUB", "NUMSUB", "session-revoked",
                       NULL) == CC_OK &&
           reply->elements == 2 && reply->element[1]->integer >= 2;
}

static void what_redis_did_not_tell_is_found_in_the_list(void **state)
{
    struct pair *pair = *state;

    test_wait_for(redis_is_heard, pair, 5000);
    wait_for_lists(pair);
    assert_true(both_serve(pair));
    assert_refused_in_time(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_redis_both_refuse_within_a_second, set_up_pair,
                                        tear_down_pair),
        cmocka_unit_test_setup_teardown(what_redis_did_not_tell_is_found_in_the_list,
                                        set_up_pair_that_polls, tear_down_pair),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
