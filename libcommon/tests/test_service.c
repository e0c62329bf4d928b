/* The skeleton as a process: this program starts itself again as a small service, sends it signals
 * and asks its listeners. The service's settings tell it how to misbehave. */

#include "testing.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <pthread.h>

#include "common/service.h"

/* ---- the service ---- */

struct settings {
    struct cc_common_settings common;
    const char *events_file; /* gets a line for each step of the service's life */
    const char *store_file;  /* the "store" is up while this file exists */
    const char *password;
    const char *greeting;
    int64_t drain_ms;
    bool start_fails;
};

struct app {
    const struct settings *settings;
    pthread_mutex_t lock; /* greeting: reload writes it, workers read it */
    char greeting[32];
};

#define AT(member) offsetof(struct settings, member)
static const struct cc_setting service_settings[] = {
    {"events_file", CC_SETTING_TEXT, AT(events_file), "", 0, 0, CC_SETTING_REQUIRED, "a file"},
    {"store_file", CC_SETTING_TEXT, AT(store_file), "/", 0, 0, 0, "a file"},
    {"password", CC_SETTING_TEXT, AT(password), "", 0, 0, CC_SETTING_SECRET, "a secret"},
    {"greeting", CC_SETTING_TEXT, AT(greeting), "hello", 0, 0, CC_SETTING_RELOADABLE, "a word"},
    {"drain_ms", CC_SETTING_INT, AT(drain_ms), "0", 0, 60000, 0, "time that draining takes"},
    {"start_fails", CC_SETTING_BOOL, AT(start_fails), "false", 0, 0, 0, "a fault"},
    {0},
};

static void wait_ms(int64_t ms)
{
    poll(NULL, 0, (int)ms);
}

static void note(const struct settings *settings, const char *event)
{
    int fd = open(settings->events_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || dprintf(fd, "%s\n", event) < 0)
        abort();
    close(fd);
}

static enum cc_code probe_store(void *subject, struct cc_error *err)
{
    const struct app *app = subject;
    if (access(app->settings->store_file, F_OK) == 0)
        return CC_OK;
    return cc_fail_detail(err, CC_UNAVAILABLE, "no file");
}

static enum cc_code start(void *subject, const struct cc_runtime *runtime, struct cc_error *err)
{
    struct app *app = subject;
    app->settings = runtime->settings;
    note(app->settings, "start");
    if (app->settings->start_fails)
        return cc_fail_detail(err, CC_INTERNAL, "start was told to fail");
    pthread_mutex_init(&app->lock, NULL);
    snprintf(app->greeting, sizeof app->greeting, "%s", app->settings->greeting);
    cc_health_watch(runtime->health, "store", probe_store, app);
    return CC_OK;
}

static void reload(void *subject, const void *settings)
{
    struct app *app = subject;
    const struct settings *fresh = settings;
    pthread_mutex_lock(&app->lock);
    snprintf(app->greeting, sizeof app->greeting, "%s", fresh->greeting);
    pthread_mutex_unlock(&app->lock);
    note(app->settings, fresh->greeting);
}

static void drain(void *subject, int64_t deadline_mono_ms)
{
    struct app *app = subject;
    (void)deadline_mono_ms;
    note(app->settings, cc_service_draining() ? "drain" : "drain without draining");
    wait_ms(app->settings->drain_ms);
}

static void stop(void *subject)
{
    note(((struct app *)subject)->settings, "stop");
}

static enum cc_code migrate(const struct cc_runtime *runtime, struct cc_error *err)
{
    const struct settings *settings = runtime->settings;
    note(settings, "migrate");
    return settings->start_fails ? cc_fail_detail(err, CC_UNAVAILABLE, "no store") : CC_OK;
}

static int command(const struct cc_runtime *runtime, int count, char **words)
{
    note(runtime->settings, words[count - 1]);
    return 10 + count;
}

static enum cc_code check(const void *settings, struct cc_error *err)
{
    if (strcmp(((const struct settings *)settings)->greeting, "rude") == 0)
        return cc_fail(err, CC_INVALID, "greeting", "setting 'greeting' must not be rude");
    return CC_OK;
}

static enum cc_code slow(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    (void)err;
    note(((struct app *)cc_request_app(req))->settings, "request");
    wait_ms(400);
    cc_response_body(res, "text/plain", "done", 4);
    return CC_OK;
}

static enum cc_code greet(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    (void)err;
    struct app *app = cc_request_app(req);
    pthread_mutex_lock(&app->lock);
    cc_response_body(res, "text/plain", app->greeting, strlen(app->greeting));
    pthread_mutex_unlock(&app->lock);
    return CC_OK;
}

static const struct cc_route routes[] = {
    {"GET", "/v1/slow", CC_AUTH_NONE, CC_RATE_NONE, 0, slow, CC_BLOCKING},
    {0},
};
static const struct cc_route internal_routes[] = {
    {"GET", "/internal/greetings/{name}", CC_AUTH_INTERNAL, CC_RATE_NONE, 0, greet, CC_BLOCKING},
    {0},
};

static const struct cc_service service = {
    .name = "test-service",
    .summary = "shows how the skeleton behaves",
    .settings = service_settings,
    .settings_size = sizeof(struct settings),
    .app_size = sizeof(struct app),
    .routes = routes,
    .internal_routes = internal_routes,
    .check = check,
    .migrate = migrate,
    .start = start,
    .reload = reload,
    .drain = drain,
    .stop = stop,
    .command = command,
};

/* ---- one run of it ---- */

struct fixture {
    char config[96], events[96], store[96], output[96], errors[96];
    pid_t pid; /* 0 = not running */
    char text[65536];
};

static int set_up(void **state)
{
    static struct fixture f;
    const char *folder = test_folder();
    memset(&f, 0, sizeof f);
    snprintf(f.config, sizeof f.config, "%s/config.json", folder);
    snprintf(f.events, sizeof f.events, "%s/events", folder);
    snprintf(f.store, sizeof f.store, "%s/store", folder);
    snprintf(f.output, sizeof f.output, "%s/output", folder);
    snprintf(f.errors, sizeof f.errors, "%s/errors", folder);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    if (f->pid != 0) {
        kill(f->pid, SIGKILL);
        waitpid(f->pid, NULL, 0);
    }
    return 0;
}

static const char *content(struct fixture *f, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, f->text, sizeof f->text - 1);
    if (fd >= 0)
        close(fd);
    f->text[length > 0 ? length : 0] = '\0';
    return f->text;
}

/* `more` are further members of the settings file, each with a comma in front. */
static void configure(struct fixture *f, const char *more)
{
    FILE *file = fopen(f->config, "w");
    assert_non_null(file);
    fprintf(file, "{\"events_file\":\"%s\",\"drain_timeout_ms\":2000%s}", f->events, more);
    fclose(file);
}

static void redirect(const char *path, int fd)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || dup2(file, fd) < 0)
        _exit(99);
    close(file);
}

/* Starts it with up to three arguments behind --config; "" = none. */
static void launch(struct fixture *f, const char *first, const char *second, const char *third)
{
    const char *arguments[8] = {"test-service", "serve", "--config", f->config};
    const char *const more[] = {first, second, third};
    int count = 4;
    for (int i = 0; i < 3; i++)
        if (more[i][0] != '\0')
            arguments[count++] = more[i];
    f->pid = fork();
    assert_true(f->pid >= 0);
    if (f->pid > 0)
        return;
    redirect(f->output, STDOUT_FILENO);
    redirect(f->errors, STDERR_FILENO);
    execv("/proc/self/exe", (char **)(uintptr_t)arguments);
    _exit(98);
}

static bool has_ended(void *subject)
{
    struct fixture *f = subject;
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)f->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

/* Its exit code; it must end by itself within 15 s. */
static int finish(struct fixture *f)
{
    int status;
    test_wait_for(has_ended, f, 15000);
    waitpid(f->pid, &status, 0);
    f->pid = 0;
    if (strstr(content(f, f->errors), "Sanitizer") != NULL)
        print_error("%s", f->text);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int run(struct fixture *f, const char *first, const char *second, const char *third)
{
    launch(f, first, second, third);
    return finish(f);
}

static bool has_started(void *subject)
{
    struct fixture *f = subject;
    return strstr(content(f, f->output), "\"message\":\"started\"") != NULL;
}

/* The port that the line "started" names under `key`. */
static int port_named(struct fixture *f, const char *key)
{
    char member[32];
    snprintf(member, sizeof member, "\"%s\":\"", key);
    test_wait_for(has_started, f, 10000);
    const char *at = strstr(content(f, f->output), member);
    assert_non_null(at);
    return (int)strtol(at + strlen(member), NULL, 10);
}

/* ---- a minimal HTTP client ---- */

static int connect_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static int send_get(int port, const char *path)
{
    int fd = connect_to(port);
    if (fd >= 0)
        dprintf(fd, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    return fd;
}

/* Status of the answer, 0 when there is none; the whole answer is in f->text. */
static int receive(struct fixture *f, int fd)
{
    size_t length = 0;
    ssize_t got = -1;
    if (fd < 0)
        return 0;
    while (length < sizeof f->text - 1 &&
           (got = read(fd, f->text + length, sizeof f->text - 1 - length)) > 0)
        length += (size_t)got;
    close(fd);
    f->text[length] = '\0';
    return length < 12 ? 0 : (int)strtol(f->text + 9, NULL, 10);
}

static int get(struct fixture *f, int port, const char *path)
{
    return receive(f, send_get(port, path));
}

struct expectation {
    struct fixture *f;
    int port;
    const char *path;
    int status;
    const char *text;
};

static bool answers(void *subject)
{
    const struct expectation *expected = subject;
    return get(expected->f, expected->port, expected->path) == expected->status &&
           strstr(expected->f->text, expected->text) != NULL;
}

static void wait_for_answer(struct fixture *f, int port, const char *path, int status,
                            const char *text)
{
    struct expectation expected = {f, port, path, status, text};
    test_wait_for(answers, &expected, 10000);
}

struct event {
    struct fixture *f;
    const char *text;
};

static bool has_happened(void *subject)
{
    const struct event *event = subject;
    return strstr(content(event->f, event->f->events), event->text) != NULL;
}

static void wait_for_event(struct fixture *f, const char *text)
{
    struct event event = {f, text};
    test_wait_for(has_happened, &event, 10000);
}

/* ---- arguments and settings ---- */

static void a_setting_that_nobody_knows_exits_78_and_is_named(void **state)
{
    struct fixture *f = *state;
    configure(f, ",\"colour\":\"red\"");
    assert_int_equal(run(f, "--check-config", "", ""), 78);
    assert_string_equal(content(f, f->errors), "test-service: unknown setting 'colour'\n");
    assert_string_equal(content(f, f->output), "");
}

static void check_config_accepts_good_settings_and_starts_nothing(void **state)
{
    struct fixture *f = *state;
    configure(f, "");
    assert_int_equal(run(f, "--check-config", "", ""), 0);
    assert_string_equal(content(f, f->events), "");
}

static void rules_of_skeleton_and_service_are_checked(void **state)
{
    struct fixture *f = *state;
    configure(f, ",\"greeting\":\"rude\"");
    assert_int_equal(run(f, "", "", ""), 78);
    assert_string_equal(content(f, f->errors),
                        "test-service: setting 'greeting' must not be rude\n");
    configure(f, ",\"log_level\":\"loud\"");
    assert_int_equal(run(f, "", "", ""), 78);
    configure(f, ",\"events_file\":\"\"");
    assert_int_equal(run(f, "", "", ""), 78);
}

static void print_config_needs_no_required_settings_and_shows_no_secrets(void **state)
{
    struct fixture *f = *state;
    FILE *file = fopen(f->config, "w");
    assert_non_null(file);
    fputs("{\"password\":\"hunter2\"}", file);
    fclose(file);

    assert_int_equal(run(f, "--print-config", "", ""), 0);

    assert_non_null(strstr(content(f, f->output), "\"password\":\"***\""));
    assert_null(strstr(f->text, "hunter2"));
    assert_non_null(strstr(f->text, "\"ops_port\":0"));
}

static void bad_usage_exits_64(void **state)
{
    struct fixture *f = *state;
    configure(f, "");
    assert_int_equal(run(f, "--frobnicate", "", ""), 64);
    assert_int_equal(run(f, "--migrate", "word", ""), 64);
}

static void help_lists_the_settings(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(run(f, "--help", "", ""), 0);
    assert_non_null(strstr(content(f, f->output), "shows how the skeleton behaves"));
    assert_non_null(strstr(f->text, "drain_timeout_ms"));
    assert_non_null(strstr(f->text, "store_file"));
    assert_int_equal(run(f, "--version", "", ""), 0);
    assert_memory_equal(content(f, f->output), "test-service ", 13);
}

static void migrate_runs_the_migration_only(void **state)
{
    struct fixture *f = *state;
    configure(f, "");
    assert_int_equal(run(f, "--migrate", "", ""), 0);
    assert_string_equal(content(f, f->events), "migrate\n");
    configure(f, ",\"start_fails\":true");
    assert_int_equal(run(f, "--migrate", "", ""), 1);
    assert_non_null(strstr(content(f, f->output), "no store"));
}

static void words_behind_the_options_go_to_the_command(void **state)
{
    struct fixture *f = *state;
    configure(f, "");
    assert_int_equal(run(f, "keys", "rotate", ""), 12);
    assert_string_equal(content(f, f->events), "rotate\n");
}

/* ---- running ---- */

static void readiness_waits_for_every_dependency(void **state)
{
    struct fixture *f = *state;
    char more[200];
    snprintf(more, sizeof more, ",\"store_file\":\"%s\"", f->store);
    configure(f, more);
    launch(f, "", "", "");
    int port = port_named(f, "ops_port");

    assert_int_equal(get(f, port, "/livez"), 200);
    wait_for_answer(f, port, "/readyz", 503, "\"reason\":\"store: no file\"");
    close(open(f->store, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    wait_for_answer(f, port, "/readyz", 200, "\"status\":\"ready\"");
    unlink(f->store);
    wait_for_answer(f, port, "/readyz", 503, "\"name\":\"store\",\"ok\":false");
    assert_int_equal(get(f, port, "/livez"), 200);
}

static void the_ops_listener_serves_metrics_and_internal_routes(void **state)
{
    struct fixture *f = *state;
    configure(f, "");
    launch(f, "", "", "");
    int port = port_named(f, "ops_port");

    assert_int_equal(get(f, port, "/metrics"), 200);
    assert_non_null(strstr(f->text, "text/plain; version=0.0.4"));
    assert_non_null(strstr(f->text, "\nprocess_open_fds "));
    assert_int_equal(get(f, port, "/internal/greetings/anna"), 200);
    assert_non_null(strstr(f->text, "\r\n\r\nhello"));
    assert_int_equal(get(f, port, "/v1/slow"), 404);
    assert_int_equal(get(f, port_named(f, "port"), "/internal/greetings/anna"), 404);
}

/* Starts it from a shell, so to say, that allows 256 open files; what it allows itself. */
static long open_files_of(struct fixture *f, const char *more)
{
    static const char name[] = "\nprocess_max_fds ";
    struct rlimit before, low;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = (struct rlimit){.rlim_cur = 256, .rlim_max = before.rlim_max};
    configure(f, more);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    launch(f, "", "", "");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);

    assert_int_equal(get(f, port_named(f, "ops_port"), "/metrics"), 200);
    const char *line = strstr(f->text, name);
    assert_non_null(line);
    return strtol(line + strlen(name), NULL, 10);
}

static void it_allows_itself_as_many_open_files_as_it_is_set_to(void **state)
{
    assert_int_equal(open_files_of(*state, ",\"open_files\":300"), 300);
}

static void the_hard_limit_of_open_files_holds(void **state)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    long allowed = open_files_of(*state, ",\"open_files\":16777216");
    assert_int_equal(allowed, limit.rlim_max < 16777216 ? limit.rlim_max : 16777216);
}

static void sigterm_fails_readiness_first_then_finishes_requests_and_exits_clean(void **state)
{
    struct fixture *f = *state;
    configure(f, "");
    launch(f, "", "", "");
    int ops_port = port_named(f, "ops_port"), port = port_named(f, "port");
    wait_for_answer(f, ops_port, "/readyz", 200, "");
    int running = send_get(port, "/v1/slow");
    wait_for_event(f, "request");

    kill(f->pid, SIGTERM);
    wait_for_answer(f, ops_port, "/readyz", 503, "\"reason\":\"draining\"");

    assert_int_equal(receive(f, running), 200);
    assert_non_null(strstr(f->text, "done"));
    assert_int_equal(finish(f), 0);
    assert_string_equal(content(f, f->events), "start\nrequest\ndrain\nstop\n");
    assert_int_equal(connect_to(port), -1);
}

static void a_second_signal_hurries_the_shutdown(void **state)
{
    struct fixture *f = *state;
    configure(f, ",\"drain_ms\":60000");
    launch(f, "", "", "");
    port_named(f, "port");

    kill(f->pid, SIGTERM);
    wait_for_event(f, "drain");
    kill(f->pid, SIGINT);

    assert_int_equal(finish(f), 1);
    assert_non_null(strstr(content(f, f->output), "second signal"));
}

static void a_shutdown_that_takes_too_long_is_forced(void **state)
{
    struct fixture *f = *state;
    configure(f, ",\"drain_ms\":60000");
    launch(f, "", "", "");
    port_named(f, "port");

    kill(f->pid, SIGTERM);

    assert_int_equal(finish(f), 1);
    assert_non_null(strstr(content(f, f->output), "deadline"));
}

static void sighup_reloads_what_may_change_and_survives_a_broken_file(void **state)
{
    struct fixture *f = *state;
    configure(f, "");
    launch(f, "", "", "");
    int port = port_named(f, "ops_port");

    configure(f, ",\"greeting\":\"ahoy\"");
    kill(f->pid, SIGHUP);
    wait_for_answer(f, port, "/internal/greetings/anna", 200, "ahoy");
    configure(f, ",\"greeting\":\"rude\"");
    kill(f->pid, SIGHUP);
    configure(f, ",\"greeting\":\"moin\"");
    kill(f->pid, SIGHUP);
    wait_for_answer(f, port, "/internal/greetings/anna", 200, "moin");

    kill(f->pid, SIGTERM);
    assert_int_equal(finish(f), 0);
    assert_null(strstr(content(f, f->events), "rude"));
}

/* ---- failing ---- */

static void a_port_in_use_is_one_clear_line_and_exit_1(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    char more[64], port[8];
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(taken, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(taken, 1), 0);
    assert_int_equal(getsockname(taken, (struct sockaddr *)&address, &size), 0);
    snprintf(port, sizeof port, "%d", ntohs(address.sin_port));
    snprintf(more, sizeof more, ",\"port\":%s", port);
    configure(f, more);

    assert_int_equal(run(f, "", "", ""), 1);

    const char *output = content(f, f->output);
    assert_non_null(strstr(output, "\"log.level\":\"error\""));
    assert_non_null(strstr(output, port));
    assert_ptr_equal(strchr(output, '\n'), output + strlen(output) - 1);
    close(taken);
}

static void a_start_that_fails_exits_1_and_says_why(void **state)
{
    struct fixture *f = *state;
    configure(f, ",\"start_fails\":true");
    assert_int_equal(run(f, "", "", ""), 1);
    assert_non_null(strstr(content(f, f->output), "start was told to fail"));
    assert_string_equal(content(f, f->events), "start\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "serve") == 0) {
        argv[1] = argv[0];
        return cc_service_run(&service, argc - 1, argv + 1);
    }
    const struct CMUnitTest tests[] = {
        TEST(a_setting_that_nobody_knows_exits_78_and_is_named),
        TEST(check_config_accepts_good_settings_and_starts_nothing),
        TEST(rules_of_skeleton_and_service_are_checked),
        TEST(print_config_needs_no_required_settings_and_shows_no_secrets),
        TEST(bad_usage_exits_64),
        TEST(help_lists_the_settings),
        TEST(migrate_runs_the_migration_only),
        TEST(words_behind_the_options_go_to_the_command),
        TEST(readiness_waits_for_every_dependency),
        TEST(the_ops_listener_serves_metrics_and_internal_routes),
        TEST(it_allows_itself_as_many_open_files_as_it_is_set_to),
        TEST(the_hard_limit_of_open_files_holds),
        TEST(sigterm_fails_readiness_first_then_finishes_requests_and_exits_clean),
        TEST(a_second_signal_hurries_the_shutdown),
        TEST(a_shutdown_that_takes_too_long_is_forced),
        TEST(sighup_reloads_what_may_change_and_survives_a_broken_file),
        TEST(a_port_in_use_is_one_clear_line_and_exit_1),
        TEST(a_start_that_fails_exits_1_and_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
