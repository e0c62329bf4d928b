/* What the edge tells of a request: its line in the access log, its metrics; and what it must not
 * tell. stdout goes to a file meanwhile. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway_fixture.h"

#include "common/metrics.h"

#define LOG_MAX     (1 << 20)
#define FAKE_ROUTE  "\"route\":\"/{rest...}\""
#define METRICS_MAX (1 << 20)

static struct {
    int real_stdout;
    char path[TEST_FOLDER_SIZE + 16];
} capture;

static int set_up_listening(void **state)
{
    int fd;

    snprintf(capture.path, sizeof(capture.path), "%s/log", test_folder());
    fd = open(capture.path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    fflush(stdout);
    capture.real_stdout = dup(STDOUT_FILENO);
    dup2(fd, STDOUT_FILENO);
    close(fd);
    return set_up(state);
}

static int tear_down_listening(void **state)
{
    int result = tear_down(state);

    fflush(stdout);
    dup2(capture.real_stdout, STDOUT_FILENO);
    close(capture.real_stdout);
    return result;
}

/* Everything logged since the test began. */
static const char *logged(struct gateway *g)
{
    char *text = cc_arena_calloc(g->arena, 1, LOG_MAX);
    FILE *file = fopen(capture.path, "r");

    assert_non_null(file);
    assert_in_range(fread(text, 1, LOG_MAX - 1, file), 0, LOG_MAX - 2);
    fclose(file);
    return text;
}

struct request {
    struct gateway *g;
    const char *id;
    const char *line; /* its line in the log */
};

/* The fakes log into the same file, with a pattern of their own. */
static bool has_its_line(void *arg)
{
    struct request *request = arg;
    struct cc_arena *arena = request->g->arena;
    const char *id = cc_arena_printf(arena, "\"request_id\":\"%s\"", request->id);
    const char *next, *text = logged(request->g);

    for (; (next = strchr(text, '\n')) != NULL; text = next + 1) {
        const char *line = cc_arena_printf(arena, "%.*s", (int)(next - text), text);

        if (strstr(line, id) != NULL && strstr(line, FAKE_ROUTE) == NULL) {
            request->line = line;
            return true;
        }
    }
    return false;
}

/* The line is written after the answer. */
static const char *line_of(struct gateway *g, const char *id)
{
    struct request request = {.g = g, .id = id};

    test_wait_for(has_its_line, &request, 5000);
    return request.line;
}

static const char *ask_named(struct gateway *g, const char *line, const char *id)
{
    return ask(g, line, cc_arena_printf(g->arena, "%sX-Request-Id: %s\r\n", bearer(g), id), "");
}

static void assert_has(struct gateway *g, const char *line, const char *key, const char *value)
{
    assert_contains(line, cc_arena_printf(g->arena, "\"%s\":\"%s\"", key, value));
}

static void assert_has_a_duration(const char *line)
{
    const char *duration = strstr(line, "\"duration_us\":\"");

    assert_non_null(duration);
    assert_in_range(strtoll(duration + strlen("\"duration_us\":\""), NULL, 10), 1, 60000000);
}

/* ---- the access log ---- */

static void a_request_is_one_line_without_its_path_query_and_token(void **state)
{
    struct gateway *g = *state;
    const char *line;

    assert_int_equal(
        status_of(ask_named(g, "GET /v1/chats/canary1/messages?query=canary2", "request-1")), 200);
    line = line_of(g, "request-1");
    assert_has(g, line, "message", "request");
    assert_has(g, line, "method", "GET");
    assert_has(g, line, "route", "/v1/chats/{chat_id}/messages");
    assert_has(g, line, "status", "200");
    assert_has(g, line, "peer", "127.0.0.1");
    assert_has(g, line, "user", g->user_id);
    assert_has_a_duration(line);
    assert_lacks(logged(g), "canary");
    assert_lacks(logged(g), g->token);
    assert_lacks(logged(g), strrchr(g->token, '.')); /* its signature */
}

static void a_request_that_failed_is_told_of_as_well(void **state)
{
    struct gateway *g = *state;
    const char *line;

    atomic_store(&g->fakes.services[FAKE_NOTIFICATION].refuse_status, 500);
    assert_int_equal(status_of(ask_named(g, "GET /v1/notifications?query=canary", "request-2")),
                     500);
    line = line_of(g, "request-2");
    assert_has(g, line, "message", "request failed");
    assert_has(g, line, "method", "GET");
    assert_has(g, line, "route", "/v1/notifications");
    assert_has(g, line, "status", "500");
    assert_has(g, line, "peer", "127.0.0.1");
    assert_has(g, line, "user", g->user_id);
    assert_has_a_duration(line);
    assert_lacks(logged(g), "canary");
    assert_lacks(logged(g), g->token);
}

static void a_refused_token_is_not_told(void **state)
{
    struct gateway *g = *state;
    const char *headers =
        "Authorization: Bearer canary.canary.canary\r\nX-Request-Id: request-3\r\n";
    const char *line;

    assert_int_equal(status_of(ask(g, "GET /v1/users/me?token=canary", headers, "")), 401);
    line = line_of(g, "request-3");
    assert_has(g, line, "status", "401");
    assert_has(g, line, "user", "");
    assert_lacks(logged(g), "canary");
}

/* ---- metrics ---- */

static const char *metrics(struct gateway *g)
{
    struct cc_strbuf text;
    const char *copy;

    cc_strbuf_init(&text, METRICS_MAX);
    cc_metrics_render(&text);
    copy = cc_arena_printf(g->arena, "%s", cc_strbuf_text(&text));
    cc_strbuf_finish(&text);
    return copy;
}

static bool are_counted(void *arg)
{
    const char *text = metrics(arg);

    return strstr(text, "http_server_request_duration_seconds_count{method=\"GET\","
                        "route=\"/v1/chats/{chat_id}/messages/{rest...}\",status=\"200\"}") &&
           strstr(text, "http_server_request_duration_seconds_count{method=\"GET\","
                        "route=\"\",status=\"404\"}") &&
           strstr(text, "http_server_request_duration_seconds_count{method=\"other\",");
}

/* Labels must not grow with what clients ask for. */
static void metrics_name_the_pattern_of_the_route(void **state)
{
    struct gateway *g = *state;

    assert_int_equal(status_of(ask_signed(g, "GET /v1/chats/canary/messages/canary")), 200);
    assert_int_equal(status_of(ask_signed(g, "GET /canary")), 404);
    assert_int_equal(status_of(ask_signed(g, "CANARY /v1/bootstrap")), 405);
    test_wait_for(are_counted, g, 5000);
    assert_lacks(metrics(g), "canary");
}

int main(void)
{
#define LISTENING(name) cmocka_unit_test_setup_teardown(name, set_up_listening, tear_down_listening)
    const struct CMUnitTest tests[] = {
        LISTENING(a_request_is_one_line_without_its_path_query_and_token),
        LISTENING(a_request_that_failed_is_told_of_as_well),
        LISTENING(a_refused_token_is_not_told),
        LISTENING(metrics_name_the_pattern_of_the_route),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
