/* What a socket could not take, on a pair of sockets that takes little. */

#include "testing.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/unsent.h"

#define MUCH_BYTES (1024 * 1024) /* more than a pair of sockets keeps */

struct pair {
    int ours, theirs;
    char *much, *read;
    size_t read_count;
};

static int set_up(void **state)
{
    struct pair *pair = cc_calloc(1, sizeof *pair);
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    pair->ours = fds[0];
    pair->theirs = fds[1];
    pair->much = cc_alloc(MUCH_BYTES);
    pair->read = cc_alloc(MUCH_BYTES);
    for (size_t i = 0; i < MUCH_BYTES; i++)
        pair->much[i] = (char)(i % 251);
    *state = pair;
    return 0;
}

static int tear_down(void **state)
{
    struct pair *pair = *state;

    close(pair->ours);
    if (pair->theirs >= 0)
        close(pair->theirs);
    cc_free(pair->much);
    cc_free(pair->read);
    cc_free(pair);
    return 0;
}

static void read_all(struct pair *pair)
{
    ssize_t got;

    while ((got = recv(pair->theirs, pair->read + pair->read_count, MUCH_BYTES - pair->read_count,
                       0)) > 0)
        pair->read_count += (size_t)got;
}

static void close_theirs(struct pair *pair)
{
    close(pair->theirs);
    pair->theirs = -1;
}

static void what_is_taken_at_once_is_not_kept(void **state)
{
    struct pair *pair = *state;
    struct cc_unsent unsent = {0};

    assert_true(cc_unsent_send(&unsent, pair->ours, pair->much, 100));

    assert_null(unsent.bytes);
    read_all(pair);
    assert_int_equal(pair->read_count, 100);
}

static void the_rest_is_kept_and_comes_in_order(void **state)
{
    struct pair *pair = *state;
    struct cc_unsent unsent = {0};

    assert_true(cc_unsent_send(&unsent, pair->ours, pair->much, MUCH_BYTES));
    assert_non_null(unsent.bytes);
    assert_true(cc_unsent_flush(&unsent, pair->ours)); /* there is no room: nothing happens */
    assert_non_null(unsent.bytes);
    for (int turns = 0; unsent.bytes != NULL && turns < 1000; turns++) {
        read_all(pair);
        assert_true(cc_unsent_flush(&unsent, pair->ours));
    }
    read_all(pair);

    assert_int_equal(pair->read_count, MUCH_BYTES);
    assert_memory_equal(pair->read, pair->much, MUCH_BYTES);
}

static void a_socket_that_takes_nothing_any_more_says_so(void **state)
{
    struct pair *pair = *state;
    struct cc_unsent unsent = {0};
    close_theirs(pair);

    assert_false(cc_unsent_send(&unsent, pair->ours, pair->much, 100));

    assert_null(unsent.bytes);
}

static void what_was_kept_for_it_is_gone(void **state)
{
    struct pair *pair = *state;
    struct cc_unsent unsent = {0};
    assert_true(cc_unsent_send(&unsent, pair->ours, pair->much, MUCH_BYTES));
    close_theirs(pair);

    assert_false(cc_unsent_flush(&unsent, pair->ours));

    assert_null(unsent.bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_taken_at_once_is_not_kept),
        TEST(the_rest_is_kept_and_comes_in_order),
        TEST(a_socket_that_takes_nothing_any_more_says_so),
        TEST(what_was_kept_for_it_is_gone),
    };
    return cmocka_run_group_tests_name("unsent", tests, NULL, NULL);
}
