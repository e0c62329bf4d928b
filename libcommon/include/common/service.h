#ifndef COMMON_SERVICE_H
#define COMMON_SERVICE_H

/*
 * The one service skeleton. main() is a descriptor and a call. Order, written once: arguments ->
 * settings -> log, metrics, trace -> signals blocked before any library starts a thread -> ops
 * listener (/livez, /readyz, /metrics, internal routes) -> start -> public routes listen -> wait
 * for a signal -> the shutdown promises below.
 *
 * Arguments: --config FILE, --check-config, --print-config, --migrate, --version, --help; further
 * words go to `command`. Exit codes: 0 clean, 1 failed or forced shutdown, 64 usage, 78
 * configuration.
 *
 * Shutdown (SIGTERM, SIGINT), bounded by drain_timeout_ms in all; a second signal ends it at once:
 *   1. /readyz answers 503; for a tenth of the time nothing else changes: load balancers see it;
 *   2. the service listener stops accepting, running requests finish (<= 3 s);
 *   3. drain(): consumers finish their batch, commit, leave; sockets are told;
 *   4. the listeners close; stop(): producer flush, stores close.
 * SIGHUP re-reads reloadable settings and calls reload.
 */

#include <stddef.h>

#include "common/clock.h"
#include "common/config.h"
#include "common/error.h"
#include "common/health.h"
#include "common/http_route.h"
#include "common/id.h"

struct cc_runtime {
    const char *service;
    const char *node_id;
    const void *settings; /* the service's struct; begins with struct cc_common_settings */
    const struct cc_clock *clock;
    const struct cc_random *random;
    struct cc_ids *ids;
    struct cc_health *health;
};

struct cc_service {
    const char *name;
    const char *summary; /* one line for --help */
    const struct cc_setting *settings;
    size_t settings_size;
    size_t app_size;
    const struct cc_route
        *routes; /* service listener; NULL: no such listener (websocket-gateway) */
    const struct cc_route
        *internal_routes; /* on the ops listener, all under /internal/; NULL = none */
    const struct cc_http_hooks *http_hooks; /* NULL = defaults */
    bool open_to_clients; /* the service listener faces strangers (common/http_server.h) */
    enum cc_code (*check)(const void *settings,
                          struct cc_error *err); /* cross-field rules; may be NULL */
    enum cc_code (*migrate)(const struct cc_runtime *runtime, struct cc_error *err);
    /* Builds everything in *app (zeroed). Must not fail because a server is away: pools connect
     * lazily and report to health. Fails only for what waiting can't cure; the process then ends
     * without stop(). */
    enum cc_code (*start)(void *app, const struct cc_runtime *runtime, struct cc_error *err);
    /* On the main thread while others serve: copy, under a lock, what they use. `settings` lives
     * until the next reload; rows not marked reloadable are as at start. */
    void (*reload)(void *app, const void *settings);
    void (*drain)(void *app, int64_t deadline_mono_ms);
    void (*stop)(void *app);
    /* Subcommand: arguments after the options (`auth-service keys rotate`); NULL = none. Returns
     * the exit code. */
    int (*command)(const struct cc_runtime *runtime, int count, char **words);
};

int cc_service_run(const struct cc_service *service, int argc, char **argv);

/* True once shutdown has begun. Thread-safe. */
bool cc_service_draining(void);

#endif
