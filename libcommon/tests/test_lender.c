/* Who is lent a connection of a server that has fallen silent; the connections are numbers. */

#include "testing.h"

#include "../src/lender.h"

struct server {
    bool answers;
    int numbers[CC_LENDER_MAX]; /* addresses stand for connections */
    int opened, closed;
};

struct fixture {
    struct server server;
    struct cc_lender lender;
};

static struct server *the_server; /* ops->close has no other way to it */

static void *open_connection(void *pool, struct cc_error *err)
{
    struct server *server = pool;
    if (!server->answers) {
        cc_fail_detail(err, CC_UNAVAILABLE, "no answer");
        return NULL;
    }
    return &server->numbers[server->opened++];
}

static bool connection_alive(void *connection)
{
    (void)connection;
    return true;
}

static void close_connection(void *connection)
{
    (void)connection;
    the_server->closed++;
}

static const struct cc_lender_ops ops = {open_connection, connection_alive, close_connection};

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){.server = {.answers = true}};
    the_server = &f.server;
    cc_lender_init(&f.lender, "test", 4, &ops, &f.server);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    cc_lender_finish(&f->lender);
    assert_int_equal(f->server.opened, f->server.closed);
    return 0;
}

static void *must_take(struct fixture *f)
{
    struct cc_error err = {0};
    void *connection = NULL;
    assert_int_equal(cc_lender_take(&f->lender, &connection, &err), CC_OK);
    return connection;
}

static int64_t now_ms(void)
{
    return cc_mono_ms(cc_clock_system());
}

static bool lends(void *lender)
{
    void *connection = NULL;
    if (cc_lender_take(lender, &connection, NULL) != CC_OK)
        return false;
    cc_lender_give(lender, connection, true);
    return true;
}

static void a_silent_server_lends_nothing_until_a_connection_is_made(void **state)
{
    struct fixture *f = *state;
    void *asked = must_take(f), *idle = must_take(f);
    struct cc_error err = {0};
    cc_lender_give(&f->lender, idle, true);
    f->server.answers = false;

    cc_lender_give_unanswered(&f->lender, asked, now_ms() + 1);

    assert_int_equal(f->server.closed, 2);
    assert_int_equal(cc_lender_take(&f->lender, &idle, &err), CC_UNAVAILABLE);
    assert_true(err.retry_after_ms > 0);
    f->server.answers = true;
    test_wait_for(lends, &f->lender, 5000);
    assert_int_equal(f->server.opened, 3);
}

static void what_comes_back_from_before_the_silence_is_not_lent_again(void **state)
{
    struct fixture *f = *state;
    void *asked = must_take(f), *other = must_take(f);
    cc_lender_give_unanswered(&f->lender, asked, now_ms() + 1);

    cc_lender_give(&f->lender, other, true);

    assert_int_equal(f->server.closed, 2);
    test_wait_for(lends, &f->lender, 5000);
}

static void a_server_that_answered_others_meanwhile_is_not_silent(void **state)
{
    struct fixture *f = *state;
    int64_t asked_at = now_ms() - 1;
    void *asked = must_take(f), *other = must_take(f);
    cc_lender_give(&f->lender, other, true);

    cc_lender_give_unanswered(&f->lender, asked, asked_at);

    assert_int_equal(f->server.closed, 1);
    assert_ptr_equal(must_take(f), other);
    cc_lender_give(&f->lender, other, true);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_silent_server_lends_nothing_until_a_connection_is_made),
        TEST(what_comes_back_from_before_the_silence_is_not_lent_again),
        TEST(a_server_that_answered_others_meanwhile_is_not_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
