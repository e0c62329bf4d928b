/* The subscriber against a real server, behind a proxy that cuts and silences its connection. */

#include "testing.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/redis_pool.h"
#include "tcp_proxy.h"

#define MANY 5000

struct fixture {
    struct cc_redis *redis;
    struct cc_redis_subscriber *subscriber;
    struct tcp_proxy *proxy;
    const char *channel;
    _Atomic int confirmed, received, reconnected, lost;
    int expected; /* what `reached_*` compare with */
    pthread_mutex_t lock;
    char last_channel[64], last_payload[64];
    size_t last_length;
};

static void on_message(void *arg, const char *channel, const char *payload, size_t length)
{
    struct fixture *f = arg;
    pthread_mutex_lock(&f->lock);
    snprintf(f->last_channel, sizeof f->last_channel, "%s", channel);
    memcpy(f->last_payload, payload, length < 64 ? length : 64);
    f->last_length = length;
    pthread_mutex_unlock(&f->lock);
    f->received++;
}

static void on_subscribed(void *arg, const char *channel)
{
    (void)channel;
    ((struct fixture *)arg)->confirmed++;
}

static void on_reconnect(void *arg)
{
    ((struct fixture *)arg)->reconnected++;
}

static void on_lost(void *arg)
{
    ((struct fixture *)arg)->lost++;
}

static int setup(void **state)
{
    static const struct cc_redis_subscriber_events events = {on_message, on_subscribed,
                                                             on_reconnect, on_lost};
    struct fixture *f = cc_calloc(1, sizeof *f);
    const char *url = test_env("CHAT_TEST_REDIS_URL");
    struct cc_error err = {0};
    f->channel = test_unique_name("subscriber");
    f->proxy = tcp_proxy_start(url);
    pthread_mutex_init(&f->lock, NULL);
    assert_int_equal(cc_redis_create(url, 2, &f->redis, &err), CC_OK);
    assert_int_equal(
        cc_redis_subscriber_create(tcp_proxy_uri(f->proxy), &events, f, &f->subscriber, &err),
        CC_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    cc_redis_subscriber_destroy(f->subscriber);
    cc_redis_destroy(f->redis);
    tcp_proxy_stop(f->proxy);
    pthread_mutex_destroy(&f->lock);
    cc_free(f);
    return 0;
}

static bool all_confirmed(void *arg)
{
    struct fixture *f = arg;
    return f->confirmed >= f->expected;
}

static bool all_received(void *arg)
{
    struct fixture *f = arg;
    return f->received >= f->expected;
}

static bool has_reconnected(void *arg)
{
    struct fixture *f = arg;
    return f->reconnected >= f->expected;
}

/* How many connections listen to the channel, as the server counts. */
static int64_t listeners(struct fixture *f, const char *channel)
{
    struct cc_error err = {0};
    CC_AUTO(redis_reply) redisReply *reply = NULL;
    assert_int_equal(cc_redis_do(f->redis, &reply, &err, "PUBSUB", "NUMSUB", channel, NULL), CC_OK);
    return reply->element[1]->integer;
}

static bool nobody_listens(void *arg)
{
    struct fixture *f = arg;
    return listeners(f, f->channel) == 0;
}

static void publish(struct fixture *f, const char *channel, const char *payload)
{
    struct cc_error err = {0};
    assert_int_equal(cc_redis_do(f->redis, NULL, &err, "PUBLISH", channel, payload, NULL), CC_OK);
}

static void subscribe_and_wait(struct fixture *f)
{
    f->expected = f->confirmed + 1;
    cc_redis_subscribe(f->subscriber, f->channel);
    test_wait_for(all_confirmed, f, 2000);
}

static void what_is_published_after_the_confirmation_arrives(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    const char *argv[] = {"PUBLISH", f->channel, "a\0b"};
    const size_t lengths[] = {7, strlen(f->channel), 3};
    subscribe_and_wait(f);

    assert_int_equal(cc_redis_command(f->redis, 3, argv, lengths, NULL, &err), CC_OK);

    f->expected = 1;
    test_wait_for(all_received, f, 2000);
    pthread_mutex_lock(&f->lock);
    assert_string_equal(f->last_channel, f->channel);
    assert_int_equal(f->last_length, 3);
    assert_memory_equal(f->last_payload, "a\0b", 3);
    pthread_mutex_unlock(&f->lock);
}

static void a_channel_stays_until_the_last_one_leaves(void **state)
{
    struct fixture *f = *state;
    subscribe_and_wait(f);
    cc_redis_subscribe(f->subscriber, f->channel);

    cc_redis_unsubscribe(f->subscriber, f->channel);
    publish(f, f->channel, "still here");
    f->expected = 1;
    test_wait_for(all_received, f, 2000);

    cc_redis_unsubscribe(f->subscriber, f->channel);
    test_wait_for(nobody_listens, f, 2000);
}

static void leaving_more_often_than_joining_changes_nothing(void **state)
{
    struct fixture *f = *state;
    cc_redis_unsubscribe(f->subscriber, f->channel);
    cc_redis_unsubscribe(f->subscriber, f->channel);

    subscribe_and_wait(f);

    assert_int_equal(listeners(f, f->channel), 1);
}

static void who_leaves_and_joins_at_once_is_confirmed_again(void **state)
{
    struct fixture *f = *state;
    subscribe_and_wait(f);

    for (int i = 0; i < 20; i++) {
        f->expected = f->confirmed + 1;
        cc_redis_unsubscribe(f->subscriber, f->channel);
        cc_redis_subscribe(f->subscriber, f->channel);
        test_wait_for(all_confirmed, f, 2000);
        assert_int_equal(listeners(f, f->channel), 1);
    }
}

static void thousands_of_channels_come_back_after_a_reconnect(void **state)
{
    struct fixture *f = *state;
    char channel[64];
    for (int i = 0; i < MANY; i++) {
        snprintf(channel, sizeof channel, "%s-%d", f->channel, i);
        cc_redis_subscribe(f->subscriber, channel);
    }
    f->expected = MANY;
    test_wait_for(all_confirmed, f, 5000);

    tcp_proxy_cut(f->proxy);
    tcp_proxy_resume(f->proxy);

    f->expected = 1;
    test_wait_for(has_reconnected, f, 5000);
    assert_int_equal(f->confirmed, 2 * MANY);
    for (int i = 0; i < MANY; i += 97) {
        snprintf(channel, sizeof channel, "%s-%d", f->channel, i);
        assert_int_equal(listeners(f, channel), 1);
    }
    publish(f, channel, "hello");
    test_wait_for(all_received, f, 2000);
}

static void a_channel_joined_and_one_left_while_away_are_as_wished_afterwards(void **state)
{
    struct fixture *f = *state;
    char joined[64];
    snprintf(joined, sizeof joined, "%s-joined", f->channel);
    subscribe_and_wait(f);
    tcp_proxy_cut(f->proxy);
    cc_redis_unsubscribe(f->subscriber, f->channel);
    cc_redis_subscribe(f->subscriber, joined);

    tcp_proxy_resume(f->proxy);

    f->expected = 1;
    test_wait_for(has_reconnected, f, 5000);
    assert_int_equal(listeners(f, joined), 1);
    assert_int_equal(listeners(f, f->channel), 0);
}

static void the_first_connection_is_no_reconnect(void **state)
{
    struct fixture *f = *state;
    subscribe_and_wait(f);

    assert_int_equal(f->reconnected, 0);
}

static void a_server_that_falls_silent_is_left_within_seconds(void **state)
{
    struct fixture *f = *state;
    subscribe_and_wait(f);
    tcp_proxy_silence(f->proxy);

    test_wait_for(nobody_listens, f, 8000);

    tcp_proxy_resume(f->proxy);
    f->expected = 1;
    test_wait_for(has_reconnected, f, 5000);
    assert_int_equal(listeners(f, f->channel), 1);
}

static bool is_lost(void *arg)
{
    return ((struct fixture *)arg)->lost == 1;
}

static void a_lost_connection_is_told_once(void **state)
{
    struct fixture *f = *state;
    subscribe_and_wait(f);
    assert_int_equal(f->lost, 0);

    tcp_proxy_cut(f->proxy);
    test_wait_for(is_lost, f, 2000);

    tcp_proxy_resume(f->proxy);
    f->expected = 1;
    test_wait_for(has_reconnected, f, 5000);
    assert_int_equal(f->lost, 1);
}

static void an_idle_connection_is_kept(void **state)
{
    struct fixture *f = *state;
    subscribe_and_wait(f);

    nanosleep(&(struct timespec){.tv_sec = 7}, NULL); /* longer than silence is borne */

    assert_int_equal(f->reconnected, 0);
    publish(f, f->channel, "hello");
    f->expected = 1;
    test_wait_for(all_received, f, 2000);
}

static void *join_and_leave(void *arg)
{
    struct fixture *f = arg;
    for (int i = 0; i < 500; i++) {
        cc_redis_subscribe(f->subscriber, f->channel);
        cc_redis_unsubscribe(f->subscriber, f->channel);
    }
    return NULL;
}

static void threads_may_join_and_leave_at_the_same_time(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, join_and_leave, f);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    test_wait_for(nobody_listens, f, 2000);

    subscribe_and_wait(f);

    assert_int_equal(listeners(f, f->channel), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        TEST(what_is_published_after_the_confirmation_arrives),
        TEST(a_channel_stays_until_the_last_one_leaves),
        TEST(leaving_more_often_than_joining_changes_nothing),
        TEST(who_leaves_and_joins_at_once_is_confirmed_again),
        TEST(thousands_of_channels_come_back_after_a_reconnect),
        TEST(a_channel_joined_and_one_left_while_away_are_as_wished_afterwards),
        TEST(the_first_connection_is_no_reconnect),
        TEST(a_server_that_falls_silent_is_left_within_seconds),
        TEST(a_lost_connection_is_told_once),
        TEST(an_idle_connection_is_kept),
        TEST(threads_may_join_and_leave_at_the_same_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
