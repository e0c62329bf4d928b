/* Outbox rows to records; see outbox_publish.h. Rows are removed only after the
 * broker's acknowledgement. */

#include "events/outbox_publish.h"

#include <string.h>

#include "common/alloc.h"
#include "common/events/session_revoked.h"
#include "common/events/user_updated.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/topics.h"
#include "worker.h"

#define CLAIM_MAX     100
#define LEASE_MS      15000 /* longer than the producer tries */
#define POLL_MS       1000
#define AWAY_MS       2000
#define PAYLOAD_MAX   4096
#define EVENT_VERSION 1

struct event_publisher {
    struct outbox_store *store;
    struct cc_producer *producer;
    const struct cc_clock *clock;
    struct cc_arena *arena; /* of the worker */
    struct worker *worker;
    struct cc_counter *published;
};

static void write_revoked(struct cc_json_writer *writer, const struct cc_envelope *envelope,
                          const struct outbox_event *row)
{
    const struct ev_session_revoked event = {.envelope = *envelope,
                                             .user_id = row->user_id,
                                             .session_id = row->event_key,
                                             .reason = row->reason,
                                             .until_ms = row->until_ms};
    ev_session_revoked_write(writer, &event);
}

static void write_deleted(struct cc_json_writer *writer, const struct cc_envelope *envelope,
                          const struct outbox_event *row)
{
    const struct ev_user_updated event = {.envelope = *envelope,
                                          .user_id = row->user_id,
                                          .change = "deleted",
                                          .handle = "",
                                          .display_name = ""};
    ev_user_updated_write(writer, &event);
}

/* A session ends once, an account is deleted once: the event's id follows from theirs. */
static struct cc_produce make_record(const struct outbox_event *row, struct cc_arena *arena)
{
    struct cc_strbuf text;
    struct cc_json_writer writer;
    char event_id[CC_UUID_BYTES];
    bool is_deletion = strcmp(row->topic, CC_TOPIC_USER_UPDATED) == 0;
    cc_uuid_hash((const char *[]){row->topic, row->event_key}, 2, event_id);
    const struct cc_envelope envelope = {.event_id = event_id,
                                         .type = row->topic,
                                         .version = EVENT_VERSION,
                                         .occurred_at_ms = row->at_ms,
                                         .producer = "auth-service",
                                         .key = row->user_id};
    cc_strbuf_init(&text, PAYLOAD_MAX);
    cc_json_writer_init(&writer, &text);
    (is_deletion ? write_deleted : write_revoked)(&writer, &envelope, row);
    const struct cc_produce record = {
        .topic = row->topic,
        .key = row->user_id,
        .payload = cc_arena_strndup(arena, cc_strbuf_text(&text), text.length),
        .payload_count = text.length,
        .type = row->topic,
        .version = EVENT_VERSION,
    };
    cc_strbuf_finish(&text);
    return record;
}

static enum cc_code publish(struct event_publisher *publisher, const struct outbox_event *events,
                            size_t count, struct cc_error *err)
{
    struct cc_produce *records = cc_arena_calloc(publisher->arena, count, sizeof *records);
    for (size_t i = 0; i < count; i++)
        records[i] = make_record(&events[i], publisher->arena);
    CC_TRY(cc_produce_all(publisher->producer, records, count, err));
    cc_counter_add(publisher->published, count);
    for (size_t i = 0; i < count; i++)
        CC_TRY(outbox_finish_event(publisher->store, events[i].event_key, err));
    return CC_OK;
}

static int64_t publish_due_events(void *arg)
{
    struct event_publisher *publisher = arg;
    const struct outbox_claim claim = {cc_wall_ms(publisher->clock), LEASE_MS, CLAIM_MAX};
    const struct outbox_event *events = NULL;
    size_t count = 0;
    struct cc_error err = {0};

    cc_arena_reset(publisher->arena);
    enum cc_code code =
        outbox_claim_events(publisher->store, &claim, publisher->arena, &events, &count, &err);
    if (code == CC_OK && count > 0)
        code = publish(publisher, events, count, &err);
    if (code != CC_OK) {
        cc_log_error(CC_LOG_WARN, "events have to wait", &err, NULL);
        return AWAY_MS;
    }
    return count == CLAIM_MAX ? 0 : POLL_MS;
}

struct event_publisher *event_publisher_start(struct outbox_store *store,
                                              struct cc_producer *producer,
                                              const struct cc_clock *clock)
{
    struct event_publisher *publisher = cc_calloc(1, sizeof *publisher);
    publisher->store = store;
    publisher->producer = producer;
    publisher->clock = clock;
    publisher->arena = cc_arena_create(0);
    publisher->published = cc_counter_get("auth_events_published_total",
                                          "Records of the outbox acknowledged by Kafka.", NULL);
    publisher->worker = worker_start("event-outbox", publish_due_events, publisher);
    return publisher;
}

void event_publisher_wake(struct event_publisher *publisher)
{
    if (publisher != NULL)
        worker_wake(publisher->worker);
}

void event_publisher_stop(struct event_publisher *publisher)
{
    if (publisher == NULL)
        return;
    worker_stop(publisher->worker);
    cc_arena_destroy(publisher->arena);
    cc_free(publisher);
}
