/*
 * From outbox to Kafka; see publish.h. One thread, which blocks on PostgreSQL and on delivery
 * reports. It looks once a second even when nobody woke it: for what another replica left behind.
 */

#include "events/publish.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/events/user_updated.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/strbuf.h"
#include "common/topics.h"

#define LOOK_EVERY_MS    1000
#define BACKOFF_FIRST_MS 100
#define BACKOFF_MOST_MS  5000

struct user_publisher {
    struct user_store *store;
    struct cc_producer *producer;
    struct cc_counter *told;
    struct cc_counter *failures;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool woken, stopping;
};

const char *user_event_encode(const struct user_fact *fact, struct cc_arena *arena,
                              size_t *out_count)
{
    struct cc_strbuf text;
    struct cc_json_writer writer;
    struct ev_user_updated event = {
        .envelope = {.event_id = fact->event_id,
                     .type = CC_TOPIC_USER_UPDATED,
                     .version = 1,
                     .occurred_at_ms = fact->occurred_at_ms,
                     .producer = "user-service",
                     .key = fact->user_id},
        .user_id = fact->user_id,
        .change = fact->change,
        .handle = fact->handle,
        .display_name = fact->display_name,
        .change_version = fact->change_version,
    };
    cc_strbuf_init(&text, CC_EVENT_MAX_BYTES);
    cc_json_writer_init(&writer, &text);
    ev_user_updated_write(&writer, &event);
    const char *copy = cc_arena_strndup(arena, cc_strbuf_text(&text), text.length);
    *out_count = text.length;
    cc_strbuf_finish(&text);
    return copy;
}

/* user_tell: returns when the broker has all of them. */
static enum cc_code tell_kafka(void *arg, const struct user_fact *facts, size_t count,
                               struct cc_error *err)
{
    struct user_publisher *self = arg;
    struct cc_produce records[USER_FACTS_AT_ONCE];
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    for (size_t i = 0; i < count; i++) {
        records[i] = (struct cc_produce){.topic = CC_TOPIC_USER_UPDATED,
                                         .key = facts[i].user_id,
                                         .type = CC_TOPIC_USER_UPDATED,
                                         .version = 1};
        records[i].payload = user_event_encode(&facts[i], arena, &records[i].payload_count);
    }
    return cc_produce_all(self->producer, records, count, err);
}

/* Sleeps until woken, stopped or `ms` have passed. True when the thread must end. */
static bool rest(struct user_publisher *self, int ms, bool may_be_woken)
{
    int64_t until = cc_mono_ms(cc_clock_system()) + ms;
    struct timespec deadline = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
    pthread_mutex_lock(&self->lock);
    while (!self->stopping && !(may_be_woken && self->woken) &&
           pthread_cond_timedwait(&self->changed, &self->lock, &deadline) == 0)
        ;
    self->woken = false;
    bool stopping = self->stopping;
    pthread_mutex_unlock(&self->lock);
    return stopping;
}

/* One look into the outbox. Returns how long to rest; *backoff_ms is 0 after a success. */
static int look(struct user_publisher *self, int *backoff_ms)
{
    struct cc_error err = {0};
    size_t count = 0;
    if (user_store_tell_facts(self->store, tell_kafka, self, &count, &err) == CC_OK) {
        *backoff_ms = 0;
        cc_counter_add(self->told, count);
        return count > 0 ? 0 : LOOK_EVERY_MS;
    }
    if (*backoff_ms == 0)
        cc_log_error(CC_LOG_WARN, "the outbox has to wait", &err, NULL);
    cc_counter_add(self->failures, 1);
    *backoff_ms = *backoff_ms == 0 ? BACKOFF_FIRST_MS : *backoff_ms * 2;
    if (*backoff_ms > BACKOFF_MOST_MS)
        *backoff_ms = BACKOFF_MOST_MS;
    return *backoff_ms;
}

static void *run(void *arg)
{
    struct user_publisher *self = arg;
    int rest_ms, backoff_ms = 0;
    do {
        rest_ms = look(self, &backoff_ms);
    } while (!rest(self, rest_ms, backoff_ms == 0));
    return NULL;
}

static void init_waiting(struct user_publisher *self)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&self->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&self->lock, NULL);
}

struct user_publisher *user_publisher_start(struct user_store *store, struct cc_producer *producer)
{
    struct user_publisher *self = cc_calloc(1, sizeof *self);
    self->store = store;
    self->producer = producer;
    self->told = cc_counter_get("user_outbox_told_total", "Facts that Kafka has taken.", NULL);
    self->failures =
        cc_counter_get("user_outbox_failures_total", "Looks into the outbox that failed.", NULL);
    init_waiting(self);
    if (pthread_create(&self->thread, NULL, run, self) != 0)
        abort(); /* at start-up: there is nothing to serve without threads */
    return self;
}

static void signal_change(struct user_publisher *self, bool stop)
{
    pthread_mutex_lock(&self->lock);
    self->woken = true;
    self->stopping = self->stopping || stop;
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

void user_publisher_wake(struct user_publisher *self)
{
    if (self != NULL)
        signal_change(self, false);
}

void user_publisher_stop(struct user_publisher *self)
{
    if (self == NULL)
        return;
    signal_change(self, true);
    pthread_join(self->thread, NULL);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    cc_free(self);
}
