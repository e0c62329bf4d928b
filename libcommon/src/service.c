/* The one service skeleton: arguments, settings, start, signals, shutdown. Runs on the main thread;
 * during shutdown a watcher thread of its own waits for a second signal and for the deadline. Holds
 * no business of any service. */

#include "common/service.h"

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>
#include <pthread.h>

#include "common/alloc.h"
#include "common/http_server.h"
#include "common/log.h"
#include "common/trace.h"
#include "config_private.h"
#include "health_private.h"
#include "service_private.h"

enum exit_status { EXIT_CLEAN = 0, EXIT_FAILED = 1, EXIT_USAGE = 64, EXIT_CONFIGURATION = 78 };

#define REQUESTS_FINISH_MS 3000 /* of running requests, at shutdown */
#define STOP_GRACE_MS      2000 /* after the drain deadline, for closing stores */
#define HELP_MAX_BYTES     65536
#define IDLE_TRIM_BYTES    65536 /* free memory at the heap's top that is given back at once */
#define GIVE_BACK_EVERY_S  30    /* and what is free anywhere in it */

static atomic_bool draining;

bool cc_service_draining(void)
{
    return atomic_load(&draining);
}

/* ---- arguments ---- */

enum action { RUN, CHECK_CONFIG, PRINT_CONFIG, MIGRATE, COMMAND, HELP, VERSION, BAD_USAGE };

struct arguments {
    enum action action;
    const char *config_path; /* NULL = none */
    int word_count;
    char **words;
};

static struct arguments read_arguments(const struct cc_service *service, int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"check-config", no_argument, NULL, CHECK_CONFIG},
                                            {"print-config", no_argument, NULL, PRINT_CONFIG},
                                            {"migrate", no_argument, NULL, MIGRATE},
                                            {"version", no_argument, NULL, VERSION},
                                            {"help", no_argument, NULL, HELP},
                                            {0}};
    struct arguments arguments = {.action = RUN};
    optind = 1;
    opterr = 0; /* the caller says it in one line */
    for (int option; (option = getopt_long(argc, argv, "+c:", options, NULL)) != -1;) {
        if (option == 'c')
            arguments.config_path = optarg;
        else
            arguments.action = option == '?' ? BAD_USAGE : (enum action)option;
        if (option == '?')
            return arguments;
    }
    arguments.words = argv + optind;
    arguments.word_count = argc - optind;
    if (arguments.word_count > 0)
        arguments.action =
            arguments.action == RUN && service->command != NULL ? COMMAND : BAD_USAGE;
    return arguments;
}

static void print_help(const struct cc_service *service)
{
    struct cc_strbuf text;
    cc_strbuf_init(&text, HELP_MAX_BYTES);
    cc_strbuf_printf(&text, "%s: %s\n\n", service->name, service->summary);
    cc_strbuf_printf(&text,
                     "usage: %s [--config FILE] [--check-config | --print-config | --migrate%s]\n\n"
                     "Settings: file < environment (CHAT_<KEY>) < secret files "
                     "(CHAT_<KEY>_FILE)\n",
                     service->name, service->command != NULL ? " | command ..." : "");
    cc_settings_describe(service->settings, &text);
    fputs(cc_strbuf_text(&text), stdout);
    cc_strbuf_finish(&text);
}

/* ---- settings ---- */

static enum cc_code check_settings(const struct cc_service *service, const void *settings,
                                   struct cc_error *err)
{
    const struct cc_common_settings *common = settings;
    enum cc_log_level level;
    if (!cc_log_level_parse(common->log_level, &level))
        return cc_fail(err, CC_INVALID, "log_level",
                       "setting 'log_level' must be debug, info, warn or error");
    if ((common->tls_certificate_path[0] == '\0') != (common->tls_key_path[0] == '\0'))
        return cc_fail(err, CC_INVALID, "tls_key_path",
                       "settings 'tls_certificate_path' and 'tls_key_path' go together");
    return service->check != NULL ? service->check(settings, err) : CC_OK;
}

static void destroy_settings(void *settings)
{
    if (settings == NULL)
        return;
    cc_settings_free(settings);
    cc_free(settings);
}

/* NULL with *err filled when they can't be used. */
static void *load_settings(const struct cc_service *service, const struct arguments *arguments,
                           struct cc_error *err)
{
    bool complete = arguments->action != PRINT_CONFIG;
    void *settings = cc_calloc(1, service->settings_size);
    enum cc_code code = cc_settings_load(service->settings, arguments->config_path, environ,
                                         complete, settings, err);
    if (code == CC_OK && complete)
        code = check_settings(service, settings, err);
    if (code == CC_OK)
        return settings;
    destroy_settings(settings);
    return NULL;
}

static int print_settings(const struct cc_service *service, const void *settings)
{
    char *text = cc_settings_print(service->settings, settings);
    puts(text);
    cc_free(text);
    return EXIT_CLEAN;
}

/* ---- one process ---- */

struct process {
    const struct cc_service *service;
    const struct arguments *arguments;
    struct cc_runtime runtime;
    char node_id[128];
    void *settings; /* as at start; the fixed ones hold for ever */
    void *reloaded; /* NULL until the first SIGHUP */
    struct cc_service_block *block;
    struct cc_http_server *ops, *listener;
    sigset_t signals;
};

static const struct cc_common_settings *current_settings(const struct process *process)
{
    return process->reloaded != NULL ? process->reloaded : process->settings;
}

static void choose_node_id(struct process *process)
{
    const struct cc_common_settings *common = process->settings;
    uint32_t digits;
    cc_random_system()->fill(cc_random_system(), &digits, sizeof digits);
    if (common->node_id[0] != '\0')
        snprintf(process->node_id, sizeof process->node_id, "%s", common->node_id);
    else
        snprintf(process->node_id, sizeof process->node_id, "%s-%08x", process->service->name,
                 digits);
}

static void apply_log_level(const struct cc_common_settings *common)
{
    enum cc_log_level level;
    if (cc_log_level_parse(common->log_level, &level))
        cc_log_set_level(level);
}

/* 1,024 is what a process is usually given: too few for sockets. A container may be given a
 * thousand million: too many for libraries that keep a table of them all (libwebsockets). */
static void limit_open_files(rlim_t wanted)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit); /* else the old one stays: fewer sockets, nothing worse */
}

static void set_up(struct process *process)
{
    const struct cc_common_settings *common = process->settings;
    choose_node_id(process);
    cc_log_init(process->service->name, process->node_id, CC_LOG_INFO);
    apply_log_level(common);
    limit_open_files((rlim_t)common->open_files);
    process->runtime = (struct cc_runtime){
        .service = process->service->name,
        .node_id = process->node_id,
        .settings = process->settings,
        .clock = cc_clock_system(),
        .random = cc_random_system(),
        .ids = cc_ids_create(cc_clock_system(), cc_random_system()),
        .health = cc_health_create(cc_clock_system()),
    };
    cc_trace_init(process->service->name, common->otlp_endpoint,
                  (int)common->trace_sample_permille);
}

static void tear_down(struct process *process)
{
    cc_trace_shutdown();
    cc_service_block_destroy(process->block);
    cc_health_destroy(process->runtime.health);
    cc_ids_destroy(process->runtime.ids);
    destroy_settings(process->reloaded);
}

static int migrate(struct process *process)
{
    struct cc_error err = {.code = CC_OK};
    if (process->service->migrate == NULL ||
        process->service->migrate(&process->runtime, &err) == CC_OK)
        return EXIT_CLEAN;
    cc_log_error(CC_LOG_ERROR, "migration failed", &err, NULL);
    return EXIT_FAILED;
}

/* ---- start ---- */

static const char *or_null(const char *text)
{
    return *text != '\0' ? text : NULL;
}

static enum cc_code start_listener(struct process *process, struct cc_error *err)
{
    const struct cc_common_settings *common = process->settings;
    struct cc_http_options options = {
        .host = common->host,
        .port = (int)common->port,
        .routes = process->service->routes,
        .hooks = process->service->http_hooks,
        .app = process->block->app,
        .workers = (int)common->http_workers,
        .queue = (int)common->http_queue,
        .clock = process->runtime.clock,
        .ids = process->runtime.ids,
        .open_to_clients = process->service->open_to_clients,
        .tls_certificate_path = or_null(common->tls_certificate_path),
        .tls_key_path = or_null(common->tls_key_path),
    };
    if (process->service->routes == NULL)
        return CC_OK;
    return cc_http_server_start(&options, &process->listener, err);
}

static void log_started(const struct process *process)
{
    char ops_port[8], port[8];
    snprintf(ops_port, sizeof ops_port, "%d", cc_http_server_port(process->ops));
    if (process->listener == NULL) {
        cc_log(CC_LOG_INFO, "started", "version", CC_VERSION, "ops_port", ops_port, NULL);
        return;
    }
    snprintf(port, sizeof port, "%d", cc_http_server_port(process->listener));
    cc_log(CC_LOG_INFO, "started", "version", CC_VERSION, "ops_port", ops_port, "port", port, NULL);
}

static enum cc_code start_all(struct process *process, struct cc_error *err)
{
    const struct cc_service *service = process->service;
    process->block = cc_service_block_create(service, process->runtime.health);
    CC_TRY(cc_service_ops_start(process->block, &process->runtime, &process->ops, err));
    if (service->start != NULL)
        CC_TRY(service->start(process->block->app, &process->runtime, err));
    atomic_store_explicit(&process->block->started, true, memory_order_release);
    CC_TRY(start_listener(process, err));
    cc_health_start(process->runtime.health);
    cc_health_set_started(process->runtime.health);
    log_started(process);
    return CC_OK;
}

/* ---- running ---- */

static void reload(struct process *process)
{
    struct cc_error err = {.code = CC_OK};
    void *fresh = load_settings(process->service, process->arguments, &err);
    if (fresh == NULL) {
        cc_log_error(CC_LOG_ERROR, "settings not reloaded, the old ones hold", &err, NULL);
        return;
    }
    cc_settings_keep_fixed(process->service->settings, process->settings, fresh);
    apply_log_level(fresh);
    if (process->service->reload != NULL)
        process->service->reload(process->block->app, fresh);
    destroy_settings(process->reloaded);
    process->reloaded = fresh;
    if (process->listener != NULL && cc_http_server_reload_tls(process->listener, &err) != CC_OK)
        cc_log_error(CC_LOG_ERROR, "certificate not reloaded, the old one holds", &err, NULL);
    cc_log(CC_LOG_INFO, "settings reloaded", NULL);
}

/* Meanwhile what is free between blocks in use goes back to the system: a busy moment leaves
 * megabytes that a quiet one does not need. */
static int next_signal(const sigset_t *signals)
{
    const struct timespec pause = {.tv_sec = GIVE_BACK_EVERY_S};
    int received;

    while ((received = sigtimedwait(signals, NULL, &pause)) < 0) {
        if (errno == EAGAIN)
            malloc_trim(0);
        else if (errno != EINTR)
            break;
    }
    return received;
}

static void wait_for_shutdown(struct process *process)
{
    for (int received; (received = next_signal(&process->signals)) > 0;) {
        if (received != SIGHUP) {
            cc_log(CC_LOG_INFO, "shutting down", "signal", sigabbrev_np(received), NULL);
            return;
        }
        reload(process);
    }
}

/* ---- shutdown ---- */

/* Ends the process when shutdown is told to hurry or takes too long. */
struct watcher {
    pthread_t thread;
    int done_fd; /* eventfd: shutdown has finished */
    int signal_fd;
    int timeout_ms;
    bool running;
};

static void *watch_shutdown(void *argument)
{
    const struct watcher *watcher = argument;
    struct pollfd fds[] = {{.fd = watcher->done_fd, .events = POLLIN},
                           {.fd = watcher->signal_fd, .events = POLLIN}};
    int ready = poll(fds, 2, watcher->timeout_ms);
    if (ready > 0 && (fds[0].revents & POLLIN) != 0)
        return NULL;
    cc_log(CC_LOG_ERROR, "shutdown forced", "reason", ready > 0 ? "second signal" : "deadline",
           NULL);
    _exit(EXIT_FAILED);
}

/* Without descriptors or a thread the shutdown goes on unwatched. */
static void start_watcher(struct watcher *watcher, int timeout_ms)
{
    sigset_t hurry;
    sigemptyset(&hurry);
    sigaddset(&hurry, SIGTERM);
    sigaddset(&hurry, SIGINT);
    watcher->timeout_ms = timeout_ms;
    watcher->done_fd = eventfd(0, EFD_CLOEXEC);
    watcher->signal_fd = signalfd(-1, &hurry, SFD_CLOEXEC);
    watcher->running = watcher->done_fd >= 0 && watcher->signal_fd >= 0 &&
                       pthread_create(&watcher->thread, NULL, watch_shutdown, watcher) == 0;
}

static void stop_watcher(struct watcher *watcher)
{
    if (watcher->running && eventfd_write(watcher->done_fd, 1) == 0)
        pthread_join(watcher->thread, NULL);
    if (watcher->done_fd >= 0)
        close(watcher->done_fd);
    if (watcher->signal_fd >= 0)
        close(watcher->signal_fd);
}

/* Load balancers need a moment to see that /readyz fails: new connections are still served in it.
 */
static void linger(int64_t ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* False when requests had to be cut off. */
static bool finish_requests(struct process *process, int64_t deadline_ms)
{
    int64_t limit_ms = cc_mono_ms(process->runtime.clock) + REQUESTS_FINISH_MS;
    if (process->listener == NULL)
        return true;
    cc_http_server_quiesce(process->listener);
    if (cc_http_server_wait_idle(process->listener,
                                 limit_ms < deadline_ms ? limit_ms : deadline_ms))
        return true;
    cc_log(CC_LOG_WARN, "requests still run at the end of their time", NULL);
    return false;
}

static bool shut_down(struct process *process)
{
    const struct cc_service *service = process->service;
    int64_t allowed_ms = current_settings(process)->drain_timeout_ms;
    int64_t deadline_ms = cc_mono_ms(process->runtime.clock) + allowed_ms;
    struct watcher watcher;
    atomic_store(&draining, true);
    cc_health_set_draining(process->runtime.health);
    start_watcher(&watcher, (int)allowed_ms + STOP_GRACE_MS);
    linger(allowed_ms / 10);
    bool clean = finish_requests(process, deadline_ms);
    if (service->drain != NULL)
        service->drain(process->block->app, deadline_ms);
    cc_health_stop(process->runtime.health);
    cc_http_server_stop(process->listener);
    cc_http_server_stop(process->ops);
    if (service->stop != NULL)
        service->stop(process->block->app);
    stop_watcher(&watcher);
    cc_log(CC_LOG_INFO, clean ? "stopped" : "stopped, not cleanly", NULL);
    return clean;
}

/* ---- the whole life ---- */

static void block_signals(struct process *process)
{
    sigemptyset(&process->signals);
    sigaddset(&process->signals, SIGTERM);
    sigaddset(&process->signals, SIGINT);
    sigaddset(&process->signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &process->signals, NULL);
}

static int serve(struct process *process)
{
    struct cc_error err = {.code = CC_OK};
    if (start_all(process, &err) != CC_OK) {
        cc_log_error(CC_LOG_ERROR, "start failed", &err, NULL);
        /* What start() has built may be half there, with threads in it: no orderly way down. */
        _exit(EXIT_FAILED);
    }
    wait_for_shutdown(process);
    return shut_down(process) ? EXIT_CLEAN : EXIT_FAILED;
}

static int run_with_settings(const struct cc_service *service, const struct arguments *arguments,
                             void *settings)
{
    struct process process = {.service = service, .arguments = arguments, .settings = settings};
    int status;
    signal(SIGPIPE, SIG_IGN);
    if (arguments->action == RUN)
        block_signals(&process);
    set_up(&process);
    if (arguments->action == MIGRATE)
        status = migrate(&process);
    else if (arguments->action == COMMAND)
        status = service->command(&process.runtime, arguments->word_count, arguments->words);
    else
        status = serve(&process);
    tear_down(&process);
    return status;
}

/* Seven daemons of mostly idle threads: two heaps are enough, and free memory goes back. */
static void limit_memory(void)
{
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_TRIM_THRESHOLD, IDLE_TRIM_BYTES);
}

int cc_service_run(const struct cc_service *service, int argc, char **argv)
{
    limit_memory();
    json_object_seed(0); /* here, before threads could race to do it */
    struct arguments arguments = read_arguments(service, argc, argv);
    if (arguments.action == BAD_USAGE) {
        fprintf(stderr, "%s: bad arguments, see --help\n", service->name);
        return EXIT_USAGE;
    }
    if (arguments.action == HELP) {
        print_help(service);
        return EXIT_CLEAN;
    }
    if (arguments.action == VERSION) {
        printf("%s %s\n", service->name, CC_VERSION);
        return EXIT_CLEAN;
    }
    struct cc_error err = {.code = CC_OK};
    void *settings = load_settings(service, &arguments, &err);
    if (settings == NULL) {
        fprintf(stderr, "%s: %s\n", service->name, err.public_text);
        return EXIT_CONFIGURATION;
    }
    int status = EXIT_CLEAN;
    if (arguments.action == PRINT_CONFIG)
        status = print_settings(service, settings);
    else if (arguments.action != CHECK_CONFIG)
        status = run_with_settings(service, &arguments, settings);
    destroy_settings(settings);
    return status;
}
