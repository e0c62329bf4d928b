/* Log lines as they leave the process: stdout is a pipe here. */

#include "testing.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <pthread.h>

#include "common/alloc.h"
#include "common/log.h"

static struct {
    int real_stdout, reading;
} capture;

static int set_up(void **state)
{
    int ends[2];
    (void)state;
    fflush(stdout);
    if (pipe(ends) != 0)
        return -1;
    capture.real_stdout = dup(STDOUT_FILENO);
    capture.reading = ends[0];
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
    cc_log_init("test-service", "node-1", CC_LOG_INFO);
    cc_log_set_trace("");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dup2(capture.real_stdout, STDOUT_FILENO);
    close(capture.real_stdout);
    close(capture.reading);
    return 0;
}

/* Everything logged since the last call. */
static const char *captured(void)
{
    static char text[65536];
    ssize_t length = read(capture.reading, text, sizeof text - 1);
    text[length > 0 ? length : 0] = '\0';
    return text;
}

/* The only line logged, parsed. */
static json_t *logged(void)
{
    json_error_t fault;
    const char *line = captured();
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, &fault);
    assert_non_null(object);
    return object;
}

#define assert_member(object, key, value)                                                          \
    assert_string_equal(json_string_value(json_object_get((object), (key))), (value))

static void a_line_is_one_json_object_with_the_common_fields(void **state)
{
    (void)state;
    cc_log_set_trace("4bf92f3577b34da6a3ce929d0e0e4736");
    cc_log(CC_LOG_WARN, "something \"odd\"", "port", "8104", NULL);

    json_auto_t *line = logged();
    assert_member(line, "log.level", "warn");
    assert_member(line, "message", "something \"odd\"");
    assert_member(line, "service.name", "test-service");
    assert_member(line, "node", "node-1");
    assert_member(line, "trace_id", "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_member(line, "port", "8104");
    assert_int_equal(strlen(json_string_value(json_object_get(line, "@timestamp"))), 24);
}

static void without_a_trace_there_is_no_trace_id(void **state)
{
    (void)state;
    cc_log(CC_LOG_INFO, "x", NULL);
    json_auto_t *line = logged();
    assert_null(json_object_get(line, "trace_id"));
}

static void secrets_are_masked_by_their_key(void **state)
{
    (void)state;
    static const char *const secrets[] = {"token",    "refresh_token", "Authorization",
                                          "password", "code",          "body",
                                          "email",    "client_secret"};
    static const char *const harmless[] = {"status_code", "body_bytes", "topic", "user_id"};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        cc_log(CC_LOG_INFO, "x", secrets[i], "hunter2", NULL);
        assert_null(strstr(captured(), "hunter2"));
    }
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
        cc_log(CC_LOG_INFO, "x", harmless[i], "visible", NULL);
        assert_non_null(strstr(captured(), "visible"));
    }
}

static void lines_below_the_level_are_not_written(void **state)
{
    (void)state;
    enum cc_log_level level;
    cc_log(CC_LOG_DEBUG, "quiet", NULL);
    assert_string_equal(captured(), "");

    assert_true(cc_log_level_parse("debug", &level));
    cc_log_set_level(level);
    cc_log(CC_LOG_DEBUG, "loud", NULL);
    assert_non_null(strstr(captured(), "loud"));
    assert_false(cc_log_level_parse("verbose", &level));
}

static void an_error_is_logged_with_code_detail_and_field(void **state)
{
    (void)state;
    struct cc_error err;
    cc_fail_detail(&err, CC_UNAVAILABLE, "connection refused");
    cc_log_error(CC_LOG_ERROR, "request failed", &err, "route", "/v1/x", NULL);

    json_auto_t *first = logged();
    assert_member(first, "error.code", "unavailable");
    assert_member(first, "error.message", "connection refused");
    assert_member(first, "route", "/v1/x");

    cc_fail(&err, CC_INVALID, "/seq", "is required");
    cc_log_error(CC_LOG_ERROR, "request failed", &err, NULL);
    json_auto_t *second = logged();
    assert_member(second, "error.message", "is required");
    assert_member(second, "error.field", "/seq");
}

static void long_and_broken_values_still_give_one_valid_line(void **state)
{
    (void)state;
    char *value = cc_alloc(20001);
    memset(value, '"', 20000);
    value[20000] = '\0';
    cc_log(CC_LOG_INFO, "long", "a", value, "b", value, "c", "\xFF", NULL);
    json_auto_t *line = logged();
    assert_member(line, "message", "long");
    assert_true(json_is_true(json_object_get(line, "fields_dropped")));

    cc_log(CC_LOG_INFO, "long", "a", value, "c", "\xFF", NULL);
    json_auto_t *cut = logged();
    assert_int_equal(strlen(json_string_value(json_object_get(cut, "a"))), 4096);
    assert_member(cut, "c", "\xEF\xBF\xBD");
    cc_free(value);
}

static void *log_many(void *argument)
{
    for (int i = 0; i < 50; i++)
        cc_log(CC_LOG_INFO, "from a thread", "filler", "0123456789012345678901234567890123456789",
               NULL);
    return argument;
}

static void lines_of_several_threads_do_not_mix(void **state)
{
    (void)state;
    pthread_t threads[4];
    int count = 0;
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, log_many, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);

    for (const char *at = captured(); *at != '\0'; count++) {
        const char *end = strchr(at, '\n');
        json_auto_t *line = json_loadb(at, (size_t)(end - at), 0, NULL);
        assert_member(line, "message", "from a thread");
        at = end + 1;
    }
    assert_int_equal(count, 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_is_one_json_object_with_the_common_fields),
        TEST(without_a_trace_there_is_no_trace_id),
        TEST(secrets_are_masked_by_their_key),
        TEST(lines_below_the_level_are_not_written),
        TEST(an_error_is_logged_with_code_detail_and_field),
        TEST(long_and_broken_values_still_give_one_valid_line),
        TEST(lines_of_several_threads_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
