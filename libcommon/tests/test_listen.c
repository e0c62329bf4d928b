/* One port for several processes, when all of them say so, and for nobody else otherwise. */

#include <unistd.h>

#include "common/listen.h"
#include "testing.h"

struct socket {
    int fd, port;
};

static struct socket must_listen(int port, bool shared)
{
    const struct cc_listen_at at = {.host = "127.0.0.1", .port = port, .shared = shared};
    struct cc_error err = {0};
    struct socket made = {.fd = -1};

    assert_int_equal(cc_listen(&at, &made.fd, &made.port, &err), CC_OK);
    return made;
}

static void assert_taken(int port, bool shared)
{
    const struct cc_listen_at at = {.host = "127.0.0.1", .port = port, .shared = shared};
    struct cc_error err = {0};
    int fd = -1, own_port;

    assert_int_equal(cc_listen(&at, &fd, &own_port, &err), CC_UNAVAILABLE);
    assert_int_equal(fd, -1);
}

static void a_port_is_taken_for_everybody_else(void **state)
{
    struct socket one = must_listen(0, false);

    (void)state;
    assert_taken(one.port, false);
    assert_taken(one.port, true);
    close(one.fd);
}

static void a_shared_port_is_for_those_who_share(void **state)
{
    struct socket one = must_listen(0, true), two = must_listen(one.port, true);

    (void)state;
    assert_int_equal(two.port, one.port);
    assert_taken(one.port, false);
    close(one.fd);
    close(two.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_is_taken_for_everybody_else),
        cmocka_unit_test(a_shared_port_is_for_those_who_share),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
