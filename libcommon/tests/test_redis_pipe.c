/* The pipe against a real server, through a proxy that makes it go away. The test's own thread
 * turns it. */

#include "testing.h"

#include <poll.h>
#include <stdatomic.h>
#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/redis_pipe.h"
#include "tcp_proxy.h"

#define CROWD 500

struct fixture {
    struct tcp_proxy *proxy;
    struct cc_redis_pipe *pipe;
    _Atomic int connected;
    int answered, unanswered;
    int64_t last; /* number in the last answer */
    bool in_order;
};

static void on_connected(void *arg)
{
    atomic_fetch_add(&((struct fixture *)arg)->connected, 1);
}

static int setup(void **state)
{
    struct fixture *f = cc_calloc(1, sizeof *f);
    struct cc_error err = {0};

    f->proxy = tcp_proxy_start(test_env("CHAT_TEST_REDIS_URL"));
    f->in_order = true;
    assert_int_equal(cc_redis_pipe_create(tcp_proxy_uri(f->proxy), on_connected, f, &f->pipe, &err),
                     CC_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    cc_redis_pipe_destroy(f->pipe);
    tcp_proxy_stop(f->proxy);
    cc_free(f);
    return 0;
}

static void note(void *arg, const redisReply *reply)
{
    struct fixture *f = arg;

    if (reply == NULL) {
        f->unanswered++;
        return;
    }
    f->answered++;
    f->in_order =
        f->in_order && reply->type == REDIS_REPLY_INTEGER && reply->integer == f->last + 1;
    f->last = reply->integer;
}

static bool ask(struct fixture *f, const char *key)
{
    const char *words[] = {"INCR", key};

    return cc_redis_pipe_ask(f->pipe, 2, words, note, f);
}

/* As an owner's loop does. */
static void turn(struct fixture *f)
{
    struct pollfd watched = {.fd = cc_redis_pipe_fd(f->pipe), .events = POLLIN};

    poll(&watched, watched.fd >= 0 ? 1 : 0, CC_REDIS_PIPE_PERIOD_MS);
    cc_redis_pipe_turn(f->pipe);
}

static void turn_until_told(struct fixture *f, int count)
{
    int64_t until_ms = cc_mono_ms(cc_clock_system()) + 5000;

    while (f->answered + f->unanswered < count && cc_mono_ms(cc_clock_system()) < until_ms)
        turn(f);
    assert_int_equal(f->answered + f->unanswered, count);
}

static bool takes_questions_again(void *arg)
{
    struct fixture *f = arg;

    return ask(f, test_unique_name("redis_pipe"));
}

static void a_lone_question_is_written_at_once(void **state)
{
    struct fixture *f = *state;
    struct pollfd watched = {.fd = cc_redis_pipe_fd(f->pipe), .events = POLLIN};

    assert_true(ask(f, test_unique_name("redis_pipe")));

    assert_int_equal(poll(&watched, 1, 5000), 1); /* nobody has turned it */
    turn_until_told(f, 1);
    assert_int_equal(f->last, 1);
}

static void a_crowd_is_answered_in_its_order(void **state)
{
    struct fixture *f = *state;
    const char *key = test_unique_name("redis_pipe");

    for (int i = 0; i < CROWD; i++)
        assert_true(ask(f, key));

    turn_until_told(f, CROWD);
    assert_int_equal(f->answered, CROWD);
    assert_true(f->in_order);
}

static void whoever_waits_when_the_connection_is_cut_is_told_so(void **state)
{
    struct fixture *f = *state;

    tcp_proxy_silence(f->proxy);
    for (int i = 0; i < 100; i++)
        assert_true(ask(f, "redis_pipe"));
    tcp_proxy_cut(f->proxy);

    turn_until_told(f, 100);
    assert_int_equal(f->unanswered, 100);
    assert_int_equal(cc_redis_pipe_fd(f->pipe), -1);
    assert_false(ask(f, "redis_pipe"));
}

static void silence_is_given_up_and_the_server_found_again(void **state)
{
    struct fixture *f = *state;
    int64_t began_ms = cc_mono_ms(cc_clock_system());

    tcp_proxy_silence(f->proxy);
    assert_true(ask(f, "redis_pipe"));
    turn_until_told(f, 1);
    assert_int_equal(f->unanswered, 1);
    assert_in_range(cc_mono_ms(cc_clock_system()) - began_ms, 200, 1500);

    tcp_proxy_resume(f->proxy);
    test_wait_for(takes_questions_again, f, 10000);
    turn_until_told(f, 2);
    assert_int_equal(f->answered, 1);
    assert_int_equal(atomic_load(&f->connected), 2);
}

static void what_is_under_way_at_the_end_is_told(void **state)
{
    struct fixture *f = *state;

    tcp_proxy_silence(f->proxy);
    assert_true(ask(f, "redis_pipe"));
    assert_true(ask(f, "redis_pipe"));
    cc_redis_pipe_destroy(f->pipe);
    f->pipe = NULL;

    assert_int_equal(f->unanswered, 2);
}

static void a_url_that_is_none_is_refused(void **state)
{
    struct cc_redis_pipe *pipe = NULL;
    struct cc_error err = {0};

    (void)state;
    assert_int_equal(cc_redis_pipe_create("http://127.0.0.1", on_connected, NULL, &pipe, &err),
                     CC_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_lone_question_is_written_at_once),
        TEST(a_crowd_is_answered_in_its_order),
        TEST(whoever_waits_when_the_connection_is_cut_is_told_so),
        TEST(silence_is_given_up_and_the_server_found_again),
        TEST(what_is_under_way_at_the_end_is_told),
        cmocka_unit_test(a_url_that_is_none_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
