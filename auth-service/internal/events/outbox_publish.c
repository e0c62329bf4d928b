/* Outbox rows to session.revoked records; see outbox_publish.h. Rows are removed only after the
 * broker's acknowledgement. */

#include "events/outbox_publish.h"

#include "common/alloc.h"
#include "common/events/session_revoked.h"
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

/* A session ends once: the event's id follows from the session's. */
static struct cc_produce make_record(const struct session_revocation *revocation,
                                     struct cc_arena *arena)
{
    struct cc_strbuf text;
    struct cc_json_writer writer;
    char event_id[CC_UUID_BYTES];
    cc_uuid_hash((const char *[]){CC_TOPIC_SESSION_REVOKED, revocation->session_id}, 2, event_id);
    const struct ev_session_revoked event = {
        .envelope = {.event_id = event_id,
                     .type = CC_TOPIC_SESSION_REVOKED,
                     .version = EVENT_VERSION,
                     .occurred_at_ms = revocation->at_ms,
                     .producer = "auth-service",
                     .key = revocation->user_id},
        .user_id = revocation->user_id,
        .session_id = revocation->session_id,
        .reason = revocation->reason,
        .until_ms = revocation->until_ms,
    };
    cc_strbuf_init(&text, PAYLOAD_MAX);
    cc_json_writer_init(&writer, &text);
    ev_session_revoked_write(&writer, &event);
    const struct cc_produce record = {
        .topic = CC_TOPIC_SESSION_REVOKED,
        .key = revocation->user_id,
        .payload = cc_arena_strndup(arena, cc_strbuf_text(&text), text.length),
        .payload_count = text.length,
        .type = CC_TOPIC_SESSION_REVOKED,
        .version = EVENT_VERSION,
    };
    cc_strbuf_finish(&text);
    return record;
}

static enum cc_code publish(struct event_publisher *publisher,
                            const struct session_revocation *revocations, size_t count,
                            struct cc_error *err)
{
    struct cc_produce *records = cc_arena_calloc(publisher->arena, count, sizeof *records);
    for (size_t i = 0; i < count; i++)
        records[i] = make_record(&revocations[i], publisher->arena);
    CC_TRY(cc_produce_all(publisher->producer, records, count, err));
    cc_counter_add(publisher->published, count);
    for (size_t i = 0; i < count; i++)
        CC_TRY(outbox_finish_event(publisher->store, revocations[i].session_id, err));
    return CC_OK;
}

static int64_t publish_due_events(void *arg)
{
    struct event_publisher *publisher = arg;
    const struct outbox_claim claim = {cc_wall_ms(publisher->clock), LEASE_MS, CLAIM_MAX};
    const struct session_revocation *revocations = NULL;
    size_t count = 0;
    struct cc_error err = {0};

    cc_arena_reset(publisher->arena);
    enum cc_code code =
        outbox_claim_events(publisher->store, &claim, publisher->arena, &revocations, &count, &err);
    if (code == CC_OK && count > 0)
        code = publish(publisher, revocations, count, &err);
    if (code != CC_OK) {
        cc_log_error(CC_LOG_WARN, "session.revoked events have to wait", &err, NULL);
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
                                          "session.revoked records acknowledged by Kafka.", NULL);
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
