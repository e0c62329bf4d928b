/* See gateway_fixture.h. */
#include "gateway_fixture.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../../libcommon/src/health_private.h" /* the skeleton's part, played by the test */
#include "common/alloc.h"
#include "http/routes.h"

#define ANSWER_WAIT_MS 1000 /* then the stream ends, and whoever waits for more is told */

/* ---- starting ---- */

void set(struct gateway *g, const char *key, const char *value)
{
    assert_in_range(g->setting_count, 0, SETTINGS_MAX - 1);
    g->environment[g->setting_count++] = cc_arena_printf(g->arena, "CHAT_%s=%s", key, value);
}

static void set_url(struct gateway *g, const char *key, int port)
{
    set(g, key, cc_arena_printf(g->arena, "http://127.0.0.1:%d", port));
}

void sign_token(struct gateway *g)
{
    struct cc_caller caller = {.token_expires_at_ms = cc_wall_ms(cc_clock_system()) + 600000};
    struct cc_error err = {0};

    cc_ids_next(g->fakes.ids, g->user_id);
    cc_ids_next(g->fakes.ids, g->session_id);
    memcpy(caller.user_id, g->user_id, sizeof(caller.user_id));
    memcpy(caller.session_id, g->session_id, sizeof(caller.session_id));
    memcpy(caller.device_id, "phone", 6);
    memcpy(caller.role, "user", 5);
    assert_int_equal(cc_jwt_sign(g->fakes.signer, &caller, cc_wall_ms(cc_clock_system()), "j",
                                 g->arena, &g->token, &err),
                     CC_OK);
}

void default_settings(struct gateway *g)
{
    int internal = cc_http_server_port(g->fakes.internal);

    set(g, "REDIS_URL", test_env("CHAT_TEST_REDIS_URL"));
    set(g, "JWKS_URLS",
        cc_arena_printf(g->arena, "http://127.0.0.1:%d/internal/jwks.json", internal));
    set_url(g, "AUTH_SERVICE_URLS", fake_upstream_port(&g->fakes, FAKE_AUTH));
    set_url(g, "USER_SERVICE_URLS", fake_upstream_port(&g->fakes, FAKE_USER));
    set_url(g, "MESSAGE_SERVICE_URLS", fake_upstream_port(&g->fakes, FAKE_MESSAGE));
    set_url(g, "NOTIFICATION_SERVICE_URLS", fake_upstream_port(&g->fakes, FAKE_NOTIFICATION));
    set_url(g, "AUTH_SERVICE_INTERNAL_URLS", internal);
    set_url(g, "MESSAGE_SERVICE_INTERNAL_URLS", internal);
    set(g, "CHAT_SERVICE_URLS", /* the first instance is down */
        cc_arena_printf(g->arena, "http://127.0.0.1:%d,http://127.0.0.1:%d", fake_dead_port(),
                        fake_upstream_port(&g->fakes, FAKE_CHAT)));
    set(g, "WEBSOCKET_GATEWAY_URLS",
        cc_arena_printf(g->arena, "http://127.0.0.1:%d,http://127.0.0.1:%d", fake_dead_port(),
                        g->fakes.websocket.port));
    set(g, "RATE_AUTH_PER_10S", "1000");
    set(g, "RATE_READ_PER_S", "1000");
    set(g, "RATE_READ_BURST", "1000");
    set(g, "ALLOWED_ORIGINS", "https://chat.example");
    set(g, "READY_PORT_DISTANCE", "0"); /* the fakes have no ops listener */
    set(g, "RATE_ADDRESS_PER_S", "10000");
    set(g, "RATE_ADDRESS_BURST", "10000");
}

static bool has_keys(void *arg)
{
    struct cc_error err = {0};

    return cc_jwt_verifier_probe(((struct gateway *)arg)->app.verifier, &err) == CC_OK;
}

void run_gateway(struct gateway *g)
{
    struct cc_error err = {0};

    if (cc_settings_load(gateway_settings_table, NULL, g->environment, true, &g->settings, &err) !=
        CC_OK)
        fail_msg("%s", err.public_text);
    g->runtime = (struct cc_runtime){.service = "api-gateway",
                                     .node_id = "test",
                                     .settings = &g->settings,
                                     .clock = cc_clock_system(),
                                     .random = cc_random_system(),
                                     .ids = g->fakes.ids,
                                     .health = cc_health_create(cc_clock_system())};
    if (gateway_app_start(&g->app, &g->runtime, &err) != CC_OK)
        fail_msg("%s %s", err.public_text, err.detail);
    const struct cc_http_options options = {.host = "127.0.0.1",
                                            .routes = gateway_routes,
                                            .hooks = &gateway_http_hooks,
                                            .app = &g->app,
                                            .clock = cc_clock_system(),
                                            .ids = g->fakes.ids,
                                            .open_to_clients = true};
    assert_int_equal(cc_http_server_start(&options, &g->server, &err), CC_OK);
    cc_health_start(g->runtime.health);
    test_wait_for(has_keys, g, 5000);
}

struct gateway *create(void)
{
    struct gateway *g = cc_calloc(1, sizeof(*g));

    g->arena = cc_arena_create(0);
    fake_upstreams_start(&g->fakes);
    sign_token(g);
    return g;
}

int set_up(void **state)
{
    struct gateway *g = create();

    default_settings(g);
    run_gateway(g);
    *state = g;
    return 0;
}

struct gateway *run_another(const struct gateway *g)
{
    struct gateway *another = cc_calloc(1, sizeof(*another));

    another->arena = cc_arena_create(0);
    another->fakes.ids = g->fakes.ids;
    another->token = g->token;
    memcpy(another->environment, g->environment, sizeof(g->environment));
    run_gateway(another);
    return another;
}

static void stop_gateway(struct gateway *g)
{
    cc_http_server_stop(g->server);
    cc_health_stop(g->runtime.health);
    gateway_app_stop(&g->app);
    cc_health_destroy(g->runtime.health);
    cc_settings_free(&g->settings);
}

void stop_another(struct gateway *g)
{
    stop_gateway(g);
    cc_arena_destroy(g->arena);
    cc_free(g);
}

int tear_down(void **state)
{
    struct gateway *g = *state;

    stop_gateway(g);
    fake_upstreams_stop(&g->fakes);
    cc_arena_destroy(g->arena);
    cc_free(g);
    return 0;
}

/* ---- a client ---- */

int dial(const struct gateway *g)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)cc_http_server_port(g->server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval timeout = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* Sends a request with Connection: close and returns everything up to the end. */
const char *ask(struct gateway *g, const char *line, const char *headers, const char *body)
{
    char *request = cc_arena_printf(
        g->arena, "%s HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n%s",
        line, strlen(body), headers, body);
    size_t size = 262144, used = 0;
    char *answer = cc_arena_alloc(g->arena, size);
    int fd = dial(g);
    ssize_t got;

    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    while ((got = recv(fd, answer + used, size - 1 - used, 0)) > 0)
        used += (size_t)got;
    assert_int_equal(got, 0);
    answer[used] = '\0';
    close(fd);
    return answer;
}

const char *bearer(struct gateway *g)
{
    return cc_arena_printf(g->arena, "Authorization: Bearer %s\r\n", g->token);
}

const char *ask_signed(struct gateway *g, const char *line)
{
    return ask(g, line, bearer(g), "");
}

int status_of(const char *answer)
{
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? (int)strtol(answer + 9, NULL, 10) : 0;
}

const char *ask_raw(struct gateway *g, const char *request, size_t count)
{
    size_t size = 65536, used = 0;
    char *answer = cc_arena_calloc(g->arena, 1, size);
    int fd = dial(g);

    struct pollfd answered = {.fd = fd, .events = POLLIN};

    if (send(fd, request, count, MSG_NOSIGNAL) == (ssize_t)count &&
        poll(&answered, 1, ANSWER_WAIT_MS) >= 0)
        shutdown(fd, SHUT_WR);
    for (ssize_t got; (got = recv(fd, answer + used, size - 1 - used, 0)) > 0;)
        used += (size_t)got;
    close(fd);
    return answer;
}
