/* Which websocket-gateway a person's handshakes reach: always the same one, so that their devices
 * share what it knows of them, and together one other when it is gone. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway_fixture.h"

#define INSTANCES  4
#define HANDSHAKES 10
#define PEOPLE     12
#define PEOPLE_MAX 200 /* that all of them miss an instance is as good as impossible */

static struct fake_websocket instances[INSTANCES];

static int set_up_with_instances(void **state)
{
    struct gateway *g = create();
    const char *urls = "";

    memset(instances, 0, sizeof(instances));
    for (size_t i = 0; i < INSTANCES; i++) {
        fake_websocket_start(&instances[i]);
        urls = cc_arena_printf(g->arena, "%s%shttp://127.0.0.1:%d", urls, i > 0 ? "," : "",
                               instances[i].port);
    }
    set(g, "WEBSOCKET_GATEWAY_URLS", urls);
    default_settings(g);
    run_gateway(g);
    *state = g;
    return 0;
}

static int tear_down_with_instances(void **state)
{
    int result = tear_down(state); /* ends the tunnels, for which the instances wait */

    for (size_t i = 0; i < INSTANCES; i++)
        fake_websocket_stop(&instances[i]);
    return result;
}

static void read_counts(int out[INSTANCES])
{
    for (size_t i = 0; i < INSTANCES; i++)
        out[i] = atomic_load(&instances[i].upgrades);
}

static void upgrade(struct gateway *g)
{
    const char *request = cc_arena_printf(
        g->arena,
        "GET /v1/ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n%s"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        bearer(g));
    char text[4096] = "";
    int fd = dial(g);

    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    for (size_t used = 0; strstr(text, "hello first") == NULL;) {
        ssize_t got = recv(fd, text + used, sizeof(text) - 1 - used, 0);

        if (got <= 0)
            fail_msg("no tunnel: %s", text);
        used += (size_t)got;
    }
    close(fd);
}

/* The instance that a handshake with the present token reached. */
static int reach(struct gateway *g)
{
    int before[INSTANCES], after[INSTANCES], reached = -1;

    read_counts(before);
    upgrade(g);
    read_counts(after);
    for (int i = 0; i < INSTANCES; i++)
        if (after[i] != before[i]) {
            assert_int_equal(after[i], before[i] + 1);
            assert_int_equal(reached, -1);
            reached = i;
        }
    assert_int_not_equal(reached, -1);
    return reached;
}

/* The one that all of a person's handshakes reach. */
static int reach_often(struct gateway *g)
{
    int first = reach(g);

    for (int i = 1; i < HANDSHAKES; i++)
        assert_int_equal(reach(g), first);
    return first;
}

static void handshakes_of_one_person_reach_one_instance(void **state)
{
    for (int i = 0; i < PEOPLE; i++) {
        sign_token(*state);
        reach_often(*state);
    }
}

static void people_spread_over_all_instances(void **state)
{
    bool reached[INSTANCES] = {false};
    int count = 0;

    for (int i = 0; i < PEOPLE_MAX && count < INSTANCES; i++) {
        int instance;

        sign_token(*state);
        instance = reach(*state);
        count += !reached[instance];
        reached[instance] = true;
    }
    assert_int_equal(count, INSTANCES);
}

static void of_an_instance_that_is_gone_a_person_moves_to_one_other(void **state)
{
    struct gateway *g = *state;
    const char *tokens[PEOPLE];
    int before[PEOPLE], gone;

    for (int i = 0; i < PEOPLE; i++) {
        sign_token(g);
        tokens[i] = g->token;
        before[i] = reach(g);
    }
    gone = before[0];
    fake_websocket_leave(&instances[gone]);
    for (int i = 0; i < PEOPLE; i++) {
        g->token = tokens[i];
        if (before[i] == gone)
            assert_int_not_equal(reach_often(g), gone);
        else
            assert_int_equal(reach_often(g), before[i]);
    }
}

int main(void)
{
#define WITH_INSTANCES(name)                                                                       \
    cmocka_unit_test_setup_teardown(name, set_up_with_instances, tear_down_with_instances)
    const struct CMUnitTest tests[] = {
        WITH_INSTANCES(handshakes_of_one_person_reach_one_instance),
        WITH_INSTANCES(people_spread_over_all_instances),
        WITH_INSTANCES(of_an_instance_that_is_gone_a_person_moves_to_one_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
