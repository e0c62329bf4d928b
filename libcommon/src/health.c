/* Readiness by named dependency. Reports come from any thread; one thread of its own runs the
 * probes, once a second. Serves nothing: service_ops.c answers /readyz from here. */

#include "health_private.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <pthread.h>

#include "common/alloc.h"
#include "common/log.h"
#include "common/metrics.h"

#define PROBE_PERIOD_MS 1000

struct cc_health_item {
    struct cc_health_item *next;
    struct cc_health *health;
    char name[64];
    cc_health_probe probe; /* NULL = reports by itself */
    void *subject;
    struct cc_gauge *gauge;
    bool optional, has_grace; /* fixed before the item is in the list */
    bool ok, succeeded_once;
    int64_t succeeded_mono_ms;
    char reason[160];
};

struct cc_health {
    const struct cc_clock *clock;
    pthread_mutex_t lock; /* everything below, and the items */
    pthread_cond_t wake;
    struct cc_health_item *first, **last;
    bool started, draining, stopping, has_thread;
    int64_t started_mono_ms;
    pthread_t thread;
};

struct cc_health *cc_health_create(const struct cc_clock *clock)
{
    struct cc_health *health = cc_calloc(1, sizeof *health);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&health->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&health->lock, NULL);
    health->clock = clock;
    health->last = &health->first;
    return health;
}

void cc_health_destroy(struct cc_health *health)
{
    if (health == NULL)
        return;
    for (struct cc_health_item *item = health->first; item != NULL;) {
        struct cc_health_item *next = item->next;
        cc_free(item);
        item = next;
    }
    pthread_cond_destroy(&health->wake);
    pthread_mutex_destroy(&health->lock);
    cc_free(health);
}

/* ---- items ---- */

static struct cc_health_item *add(struct cc_health *health, const char *name,
                                  struct cc_health_item model)
{
    struct cc_health_item *item = cc_calloc(1, sizeof *item);
    *item = model;
    item->health = health;
    snprintf(item->reason, sizeof item->reason, "not connected yet");
    snprintf(item->name, sizeof item->name, "%s", name);
    item->gauge = cc_gauge_get("dependency_up", "1 while the dependency answers.", "dependency",
                               item->name, NULL);
    pthread_mutex_lock(&health->lock);
    *health->last = item;
    health->last = &item->next;
    pthread_cond_signal(&health->wake);
    pthread_mutex_unlock(&health->lock);
    return item;
}

struct cc_health_item *cc_health_add(struct cc_health *health, const char *name)
{
    return add(health, name, (struct cc_health_item){0});
}

struct cc_health_item *cc_health_add_optional(struct cc_health *health, const char *name)
{
    return add(health, name, (struct cc_health_item){.optional = true, .has_grace = true});
}

void cc_health_watch(struct cc_health *health, const char *name, cc_health_probe probe,
                     void *subject)
{
    add(health, name, (struct cc_health_item){.probe = probe, .subject = subject});
}

void cc_health_watch_optional(struct cc_health *health, const char *name, cc_health_probe probe,
                              void *subject)
{
    add(health, name,
        (struct cc_health_item){.probe = probe, .subject = subject, .optional = true});
}

/* Only changes are logged: a dependency that is away for an hour is two lines. */
void cc_health_report(struct cc_health_item *item, enum cc_code code, const char *reason)
{
    struct cc_health *health = item->health;
    bool ok = code == CC_OK;
    if (reason == NULL || reason[0] == '\0')
        reason = cc_code_title(code);
    pthread_mutex_lock(&health->lock);
    bool changed = item->ok != ok;
    item->ok = ok;
    if (ok) {
        item->succeeded_once = true;
        item->succeeded_mono_ms = cc_mono_ms(health->clock);
    }
    snprintf(item->reason, sizeof item->reason, "%s", ok ? "" : reason);
    pthread_mutex_unlock(&health->lock);
    cc_gauge_set(item->gauge, ok ? 1 : 0);
    if (changed && ok)
        cc_log(CC_LOG_INFO, "dependency is up", "dependency", item->name, NULL);
    else if (changed)
        cc_log(CC_LOG_WARN, "dependency is down", "dependency", item->name, "reason", reason, NULL);
}

/* ---- the probe thread ---- */

/* Without the lock: a probe may take two seconds. Items are never removed while it runs. */
static void probe_item(struct cc_health_item *item)
{
    struct cc_error err = {.code = CC_OK};
    enum cc_code code = item->probe(item->subject, &err);
    cc_health_report(item, code, err.detail[0] != '\0' ? err.detail : err.public_text);
}

static void wait_for_next_round(struct cc_health *health)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PROBE_PERIOD_MS / 1000;
    pthread_cond_timedwait(&health->wake, &health->lock, &until);
}

static void *run_probes(void *argument)
{
    struct cc_health *health = argument;
    pthread_mutex_lock(&health->lock);
    while (!health->stopping) {
        for (struct cc_health_item *item = health->first; item != NULL && !health->stopping;
             item = item->next) {
            if (item->probe == NULL)
                continue;
            pthread_mutex_unlock(&health->lock);
            probe_item(item);
            pthread_mutex_lock(&health->lock);
        }
        if (!health->stopping)
            wait_for_next_round(health);
    }
    pthread_mutex_unlock(&health->lock);
    return NULL;
}

void cc_health_start(struct cc_health *health)
{
    health->has_thread = pthread_create(&health->thread, NULL, run_probes, health) == 0;
    if (!health->has_thread)
        cc_log(CC_LOG_ERROR, "can't start the health thread", NULL);
}

void cc_health_stop(struct cc_health *health)
{
    pthread_mutex_lock(&health->lock);
    health->stopping = true;
    pthread_cond_broadcast(&health->wake);
    pthread_mutex_unlock(&health->lock);
    if (health->has_thread)
        pthread_join(health->thread, NULL);
    health->has_thread = false;
}

/* ---- the answer ---- */

void cc_health_set_started(struct cc_health *health)
{
    pthread_mutex_lock(&health->lock);
    health->started = true;
    health->started_mono_ms = cc_mono_ms(health->clock);
    pthread_mutex_unlock(&health->lock);
}

void cc_health_set_draining(struct cc_health *health)
{
    pthread_mutex_lock(&health->lock);
    health->draining = true;
    pthread_mutex_unlock(&health->lock);
}

static bool is_needed(const struct cc_health_item *item)
{
    const struct cc_health *health = item->health;

    if (!item->optional)
        return true;
    return item->has_grace && !item->succeeded_once &&
           cc_mono_ms(health->clock) - health->started_mono_ms < CC_HEALTH_GRACE_MS;
}

static void name_first_failing(const struct cc_health *health, bool needed,
                               char reason[CC_HEALTH_REASON_BYTES])
{
    reason[0] = '\0';
    for (const struct cc_health_item *item = health->first; item != NULL; item = item->next) {
        if (item->ok || (needed && !is_needed(item)))
            continue;
        snprintf(reason, CC_HEALTH_REASON_BYTES, "%s: %s", item->name, item->reason);
        return;
    }
}

static bool ready_locked(const struct cc_health *health, char reason[CC_HEALTH_REASON_BYTES])
{
    const char *phase = health->draining ? "draining" : health->started ? "" : "starting";
    snprintf(reason, CC_HEALTH_REASON_BYTES, "%s", phase);
    if (reason[0] == '\0')
        name_first_failing(health, true, reason);
    return reason[0] == '\0';
}

bool cc_health_ready(struct cc_health *health, char reason[CC_HEALTH_REASON_BYTES])
{
    pthread_mutex_lock(&health->lock);
    bool ready = ready_locked(health, reason);
    pthread_mutex_unlock(&health->lock);
    return ready;
}

static void write_item(const struct cc_health_item *item, int64_t now_ms,
                       struct cc_json_writer *writer)
{
    cc_json_open_object(writer, NULL);
    cc_json_put_text(writer, "name", item->name);
    cc_json_put_bool(writer, "ok", item->ok);
    if (item->succeeded_once)
        cc_json_put_int(writer, "age_ms", now_ms - item->succeeded_mono_ms);
    else
        cc_json_put_null(writer, "age_ms");
    cc_json_put_text(writer, "reason", item->reason);
    if (item->optional)
        cc_json_put_bool(writer, "optional", true);
    cc_json_close_object(writer);
}

bool cc_health_write(struct cc_health *health, struct cc_json_writer *writer)
{
    char reason[CC_HEALTH_REASON_BYTES];
    pthread_mutex_lock(&health->lock);
    bool ready = ready_locked(health, reason);
    int64_t now_ms = cc_mono_ms(health->clock);
    if (ready)
        name_first_failing(health, false, reason);
    cc_json_put_text(writer, "status",
                     !ready              ? "not ready"
                     : reason[0] != '\0' ? "degraded"
                                         : "ready");
    cc_json_put_text_opt(writer, "reason", reason);
    cc_json_open_array(writer, "items");
    for (const struct cc_health_item *item = health->first; item != NULL; item = item->next)
        write_item(item, now_ms, writer);
    cc_json_close_array(writer);
    pthread_mutex_unlock(&health->lock);
    return ready;
}
