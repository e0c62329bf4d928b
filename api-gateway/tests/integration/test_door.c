/* Who gets in, how often, and for how long: buckets of log-ins and tokens, what counts without a
 * service being asked, connections of an address, readers that fall behind. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway_fixture.h"

#include "common/metrics.h"

#define UPGRADE                                                                                    \
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"                   \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define JSON       "Content-Type: application/json\r\n"
#define MANY       60 /* more than refill while they are asked */
#define FLOOD_STEP 65536

static struct gateway *begin(void)
{
    struct gateway *g = create();

    set(g, "TRUSTED_PROXIES", "127.0.0.1"); /* so that a test has addresses of its own */
    return g;
}

static int run_with_defaults(void **state, struct gateway *g)
{
    default_settings(g);
    run_gateway(g);
    *state = g;
    return 0;
}

/* An address that no other run has asked from. */
static const char *an_address(struct gateway *g)
{
    char id[CC_UUID_BYTES];

    cc_ids_next(g->fakes.ids, id);
    return cc_arena_printf(g->arena, "2001:db8:%.4s:%.4s::1", id + 24, id + 32);
}

static const char *ask_from(struct gateway *g, const char *address, const char *line,
                            const char *headers, const char *body)
{
    return ask(g, line, cc_arena_printf(g->arena, "X-Forwarded-For: %s\r\n%s", address, headers),
               body);
}

/* ---- log-ins and refreshes ---- */

static int set_up_with_few_log_ins(void **state)
{
    struct gateway *g = begin();

    set(g, "RATE_AUTH_PER_10S", "2");
    set(g, "RATE_TOKEN_PER_10S", "3");
    return run_with_defaults(state, g);
}

static const char *present(struct gateway *g, const char *address, const char *path,
                           const char *token)
{
    return ask_from(g, address, cc_arena_printf(g->arena, "POST /v1/auth/%s", path), JSON,
                    cc_arena_printf(g->arena, "{\"refresh_token\":\"%s\"}", token));
}

/* Asks until it is refused; the refusal. */
static const char *until_refused(struct gateway *g, const char *address, const char *line,
                                 const char *headers, const char *body)
{
    const char *answer;

    for (int i = 0; i < MANY; i++) {
        answer = ask_from(g, address, line, headers, body);
        if (status_of(answer) == 429)
            return answer;
    }
    fail_msg("%s is never refused: %s", line, answer);
    return answer;
}

static void a_flood_of_log_ins_keeps_no_neighbour_from_refreshing(void **state)
{
    struct gateway *g = *state;
    const char *office = an_address(g), *token = cc_arena_printf(g->arena, "t-%s", office);
    const char *answer = until_refused(g, office, "POST /v1/auth/login", JSON, "{}");

    assert_contains(answer, "RateLimit-Policy: \"auth\";q=2;w=10\r\n");
    answer = present(g, office, "refresh", token);
    assert_int_equal(status_of(answer), 201);
    assert_contains(answer, "RateLimit-Policy: \"token\";q=3;w=10\r\n");
    assert_int_equal(status_of(present(g, office, "logout", token)), 201);
    /* what presents no token is no way around */
    assert_int_equal(status_of(ask_from(g, office, "POST /v1/auth/refresh", JSON, "{}")), 429);
}

static void one_token_has_a_limit_of_its_own(void **state)
{
    struct gateway *g = *state;
    const char *office = an_address(g), *token = cc_arena_printf(g->arena, "t-%s", office);
    const char *body = cc_arena_printf(g->arena, "{\"refresh_token\":\"%s\"}", token);
    const char *answer = until_refused(g, office, "POST /v1/auth/refresh", JSON, body);

    assert_contains(answer, "RateLimit: \"token\";r=0;t=");
    answer = present(g, office, "refresh", cc_arena_printf(g->arena, "%s-other", token));
    assert_int_equal(status_of(answer), 201);
}

/* ---- what no service is asked ---- */

static int set_up_with_few_requests(void **state)
{
    struct gateway *g = begin();

    set(g, "RATE_ADDRESS_PER_S", "2");
    set(g, "RATE_ADDRESS_BURST", "3");
    return run_with_defaults(state, g);
}

static void what_is_answered_at_the_door_counts_for_the_address(void **state)
{
    static const struct {
        const char *line, *headers, *body;
        int status;
    } rows[] = {
        {"GET /v1/users/me", "", "", 401},
        {"GET /v1/users/me", "Authorization: Bearer a.b.c\r\n", "", 401},
        {"GET /nowhere", "", "", 404},
        {"DELETE /v1/devices", "", "", 405},
        {"POST /v1/auth/login", "Content-Type: text/plain\r\n", "x", 415},
        {"OPTIONS /v1/users/me",
         "Origin: https://chat.example\r\nAccess-Control-Request-Method: PUT\r\n", "", 204},
        {"GET /.well-known/jwks.json", "", "", 200},
        {"GET /v1/ws", "", "", 400},
    };
    struct gateway *g = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *address = an_address(g), *answer;
        int status = status_of(ask_from(g, address, rows[i].line, rows[i].headers, rows[i].body));

        if (status != rows[i].status)
            fail_msg("case %zu: %d", i, status);
        answer = until_refused(g, address, rows[i].line, rows[i].headers, rows[i].body);
        assert_contains(answer, "RateLimit: \"address\";r=0;t=");
        assert_contains(answer, "Retry-After: ");
    }
}

static const char handshake[] = "GET /v1/ws HTTP/1.1\r\nHost: h\r\n" UPGRADE
                                "Sec-WebSocket-Protocol: refuse\r\nX-Forwarded-For: %s\r\n\r\n";

static void a_handshake_counts_for_the_address(void **state)
{
    struct gateway *g = *state;
    const char *request = cc_arena_printf(g->arena, handshake, an_address(g));
    int status = 0;

    for (int i = 0; i < MANY && status != 429; i++) {
        status = status_of(ask_raw(g, request, strlen(request)));
        if (status != 429)
            assert_int_equal(status, 403);
    }
    assert_int_equal(status, 429);
}

/* ---- connections ---- */

static int set_up_with_two_connections(void **state)
{
    struct gateway *g = create();

    set(g, "CONNECTIONS_PER_ADDRESS_MAX", "2");
    return run_with_defaults(state, g);
}

static int set_up_behind_a_proxy(void **state)
{
    struct gateway *g = begin();

    set(g, "CONNECTIONS_PER_ADDRESS_MAX", "2");
    return run_with_defaults(state, g);
}

/* Whether a connection is served; it stays open in *out_fd. */
static bool is_served(struct gateway *g, int *out_fd)
{
    static const char request[] = "GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n";
    char text[4096];

    *out_fd = dial(g);
    return send(*out_fd, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0 &&
           recv(*out_fd, text, sizeof(text), 0) > 0;
}

static bool another_is_served(void *arg)
{
    int fd;
    bool served = is_served(arg, &fd);

    close(fd);
    return served;
}

static void an_address_has_its_share_of_connections(void **state)
{
    struct gateway *g = *state;
    int first, second, third;

    assert_true(is_served(g, &first));
    assert_true(is_served(g, &second));
    assert_false(is_served(g, &third));
    close(third);
    close(first);
    test_wait_for(another_is_served, g, 5000);
    close(second);
}

static void a_trusted_proxy_has_as_many_connections_as_it_needs(void **state)
{
    struct gateway *g = *state;
    int fds[5];

    for (size_t i = 0; i < 5; i++)
        assert_true(is_served(g, &fds[i]));
    for (size_t i = 0; i < 5; i++)
        close(fds[i]);
}

/* ---- readers that fall behind ---- */

static int set_up_with_time(void **state)
{
    struct gateway *g = create();

    set(g, "TUNNEL_BEHIND_MS", "4000");
    return run_with_defaults(state, g);
}

static int set_up_patient(void **state)
{
    struct gateway *g = create();

    set(g, "TUNNEL_BEHIND_MS", "600000");
    return run_with_defaults(state, g);
}

/* A window so small that the gateway sees what the reader takes. */
static int dial_with_small_window(const struct gateway *g)
{
    const int bytes = 65536;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)cc_http_server_port(g->server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static int open_tunnel(int fd)
{
    static const char request[] = "GET /v1/ws HTTP/1.1\r\nHost: h\r\n" UPGRADE "\r\n";
    char text[4096] = "";

    assert_true(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0);
    for (size_t used = 0; strstr(text, "hello first") == NULL;) {
        ssize_t got = recv(fd, text + used, sizeof(text) - 1 - used, 0);

        assert_true(got > 0);
        used += (size_t)got;
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return fd;
}

struct dripping {
    struct gateway *g;
    int fd;
    int full_turns; /* in a row in which nothing could be sent */
    size_t read_bytes;
};

/* Everything between here and the echo is full of what nobody reads. */
static bool all_is_full(void *arg)
{
    struct dripping *dripping = arg;
    static char block[FLOOD_STEP];

    if (send(dripping->fd, block, sizeof(block), MSG_NOSIGNAL) > 0)
        dripping->full_turns = 0;
    else
        dripping->full_turns++;
    return dripping->full_turns > 20;
}

static bool it_ended_while_dripping(void *arg)
{
    struct dripping *dripping = arg;
    char some[6144];
    ssize_t got = recv(dripping->fd, some, sizeof(some), 0);

    dripping->read_bytes += got > 0 ? (size_t)got : 0;
    return atomic_load(&dripping->g->fakes.websocket.ended) == 1;
}

static void drips_do_not_keep_a_tunnel_open(void **state)
{
    struct dripping dripping = {.g = *state};

    dripping.fd = open_tunnel(dial_with_small_window(dripping.g));
    test_wait_for(all_is_full, &dripping, 10000);
    test_wait_for(it_ended_while_dripping, &dripping, 20000);
    close(dripping.fd);
}

static int64_t open_tunnels(void)
{
    struct cc_strbuf text;
    const char *line;
    int64_t count;

    cc_strbuf_init(&text, 1 << 20);
    cc_metrics_render(&text);
    line = strstr(cc_strbuf_text(&text), "\ngateway_tunnels_open ");
    assert_non_null(line);
    count = strtoll(line + strlen("\ngateway_tunnels_open "), NULL, 10);
    cc_strbuf_finish(&text);
    return count;
}

static bool no_tunnel_is_open(void *arg)
{
    (void)arg;
    return open_tunnels() == 0;
}

static void a_server_that_hangs_up_is_noticed_while_the_client_is_behind(void **state)
{
    struct dripping dripping = {.g = *state};

    dripping.fd = open_tunnel(dial(dripping.g));
    assert_int_equal(open_tunnels(), 1);
    test_wait_for(all_is_full, &dripping, 10000);
    shutdown(atomic_load(&dripping.g->fakes.websocket.fd), SHUT_RDWR);
    test_wait_for(no_tunnel_is_open, NULL, 15000);
    close(dripping.fd);
}

/* A reader that pauses for less than the deadline and then takes everything loses nothing, however
 * often. */
static bool it_has_taken_everything(void *arg)
{
    struct dripping *dripping = arg;
    static char block[FLOOD_STEP];
    ssize_t got;

    while ((got = recv(dripping->fd, block, sizeof(block), 0)) > 0)
        dripping->read_bytes += (size_t)got;
    assert_true(got < 0 && errno == EAGAIN);
    dripping->full_turns++;
    return dripping->full_turns > 1000; /* long after the deadline of the first */
}

static void who_catches_up_in_time_stays(void **state)
{
    struct dripping dripping = {.g = *state};

    dripping.fd = open_tunnel(dial(dripping.g));
    test_wait_for(all_is_full, &dripping, 10000);
    dripping.full_turns = 0;
    test_wait_for(it_has_taken_everything, &dripping, 20000);
    assert_int_equal(atomic_load(&dripping.g->fakes.websocket.ended), 0);
    close(dripping.fd);
}

int main(void)
{
#define WITH(set_up, name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(set_up_with_few_log_ins, a_flood_of_log_ins_keeps_no_neighbour_from_refreshing),
        WITH(set_up_with_few_log_ins, one_token_has_a_limit_of_its_own),
        WITH(set_up_with_few_requests, what_is_answered_at_the_door_counts_for_the_address),
        WITH(set_up_with_few_requests, a_handshake_counts_for_the_address),
        WITH(set_up_with_two_connections, an_address_has_its_share_of_connections),
        WITH(set_up_behind_a_proxy, a_trusted_proxy_has_as_many_connections_as_it_needs),
        WITH(set_up_with_time, drips_do_not_keep_a_tunnel_open),
        WITH(set_up_with_time, who_catches_up_in_time_stays),
        WITH(set_up_patient, a_server_that_hangs_up_is_noticed_while_the_client_is_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
