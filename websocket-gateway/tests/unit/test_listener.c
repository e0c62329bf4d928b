/* The plain listener on a loop that the test turns. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/listen.h"
#include "testing.h"

#include "ws/listener.h"

#define TURNS 20

struct fixture {
    uv_loop_t loop;
    struct ws_listener listener;
    int port;
    int accepted, last_fd;
};

static void accepted(void *arg, int fd)
{
    struct fixture *f = arg;

    f->accepted++;
    f->last_fd = fd;
}

static int set_up(void **state)
{
    struct fixture *f = cc_calloc(1, sizeof *f);
    struct cc_error err = {0};
    int fd;

    assert_int_equal(cc_listen(&(struct cc_listen_at){.host = "127.0.0.1"}, &fd, &f->port, &err),
                     CC_OK);
    uv_loop_init(&f->loop);
    f->listener = (struct ws_listener){.fd = -1, .accepted = accepted, .arg = f};
    f->last_fd = -1;
    ws_listener_start(&f->listener, &f->loop, fd);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    ws_listener_stop(&f->listener);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    cc_free(f);
    return 0;
}

/* Loopback: what was connected before is there when the loop turns. */
static void turn(struct fixture *f)
{
    for (int i = 0; i < TURNS; i++)
        uv_run(&f->loop, UV_RUN_NOWAIT);
}

/* The client's end, or -1: refused. */
static int dial(int socket_fd, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    return connect(socket_fd, (struct sockaddr *)&address, sizeof address);
}

static int new_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    return fd;
}

static void limit_descriptors(rlim_t count)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = count;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void connections_are_handed_over_ready_to_be_used(void **state)
{
    struct fixture *f = *state;
    int client = new_socket();

    assert_int_equal(dial(client, f->port), 0);
    turn(f);

    assert_int_equal(f->accepted, 1);
    assert_true(fcntl(f->last_fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(f->last_fd, F_GETFD) & FD_CLOEXEC);
    close(f->last_fd);
    close(client);
}

static void when_descriptors_have_run_out_it_goes_on_with_the_next_tick(void **state)
{
    struct fixture *f = *state;
    int client = new_socket();
    struct rlimit before;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(dial(client, f->port), 0);
    limit_descriptors(3); /* the next one would be above */
    turn(f);
    assert_int_equal(f->accepted, 0);
    assert_true(f->listener.paused);
    limit_descriptors(before.rlim_cur);
    turn(f);
    assert_int_equal(f->accepted, 0);
    ws_listener_tick(&f->listener);
    turn(f);

    assert_int_equal(f->accepted, 1);
    close(f->last_fd);
    close(client);
}

static void after_its_end_nobody_gets_a_connection(void **state)
{
    struct fixture *f = *state;
    int client = new_socket();

    ws_listener_stop(&f->listener);
    ws_listener_tick(&f->listener);

    assert_int_equal(dial(client, f->port), -1);
    assert_int_equal(errno, ECONNREFUSED);
    assert_int_equal(f->accepted, 0);
    close(client);
}

#define LISTENER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LISTENER_TEST(connections_are_handed_over_ready_to_be_used),
        LISTENER_TEST(when_descriptors_have_run_out_it_goes_on_with_the_next_tick),
        LISTENER_TEST(after_its_end_nobody_gets_a_connection),
    };

    return cmocka_run_group_tests_name("websocket-gateway listener", tests, NULL, NULL);
}
