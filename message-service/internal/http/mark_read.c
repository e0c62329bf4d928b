/* POST /v1/chats/{chat_id}/read: moves the caller's read position. The message.read consumer is its
 * only writer, so this produces, and waits for the winner. Worker threads. */

#include "app.h"
#include "common/events/message_read.h"
#include "events/event_payload.h"
#include "http/routes.h"
#include "standing.h"

/* When to look for oneself, and when to give up. */
static const int look_at_ms[] = {50, 200, 800, 2000};
#define LOOKS (sizeof look_at_ms / sizeof look_at_ms[0])

struct marking {
    struct message_app *app;
    const char *chat_id, *user_id, *device_id;
    int64_t seq;
};

static enum cc_code read_seq(struct cc_request *req, int64_t *out, struct cc_error *err)
{
    struct cc_json_reader *reader;

    CC_TRY(cc_request_json(req, NULL, &reader, err));
    *out = cc_json_int(reader, "seq", CC_REQUIRED, 0, INT64_MAX);
    return cc_json_reader_done(reader) ? CC_OK : cc_json_reader_error(reader, err);
}

static enum cc_code produce(const struct marking *marking, struct cc_request *req,
                            const struct waiter *waiter, struct cc_error *err)
{
    struct message_app *app = marking->app;
    char event_id[CC_UUID_BYTES];
    struct event_payload payload;
    int64_t now_ms = cc_wall_ms(app->clock);

    cc_ids_next(app->ids, event_id);
    struct ev_message_read event = {
        .envelope = event_envelope(CC_TOPIC_MESSAGE_READ, event_id, now_ms, marking->chat_id),
        .chat_id = marking->chat_id,
        .user_id = marking->user_id,
        .device_id = marking->device_id,
        .read_seq = marking->seq,
        .delivered_seq = -1,
        .from_seq = -1,
        .cleared_seq = -1,
        .at_ms = now_ms,
        .origin = {app->node_id, waiter_id(waiter), ""},
    };
    event_payload_start(&payload);
    ev_message_read_write(&payload.writer, &event);
    struct cc_produce record = event_payload_finish(&payload, cc_request_arena(req));
    record.topic = app->names.read_topic;
    record.key = marking->chat_id;
    record.type = CC_TOPIC_MESSAGE_READ;
    record.trace = cc_request_trace(req);
    return cc_produce_all(app->producer, &record, 1, err);
}

static enum cc_code state_of(const struct marking *marking, const struct standing *standing,
                             struct outcome_seen *out, struct cc_error *err)
{
    struct message_store *store = marking->app->store;
    struct chat_head head;
    struct unread unread;

    CC_TRY(heads_read(store, marking->chat_id, &head, err));
    enum cc_code code = standing_unread(store, standing, marking->user_id, &head, &unread, err);
    int64_t head_seq = head.seq;
    chat_head_finish(&head);
    if (code == CC_OK)
        *out = (struct outcome_seen){.read_seq = standing->receipt.read_seq,
                                     .head_seq = head_seq,
                                     .unread = unread.count,
                                     .capped = unread.capped,
                                     .mentions = unread.mentions};
    return code;
}

/* True when the position is there already, as far as the chat goes. */
static enum cc_code look(const struct marking *marking, bool *out_there, struct outcome_seen *out,
                         struct cc_error *err)
{
    struct message_app *app = marking->app;
    struct standing standing;

    CC_TRY(
        standing_begin(app->store, app->redis, marking->chat_id, marking->user_id, &standing, err));
    CC_TRY(standing_complete(app->members, &standing, err));
    CC_TRY(state_of(marking, &standing, out, err));
    *out_there = out->read_seq >= marking->seq || out->read_seq >= out->head_seq;
    return CC_OK;
}

static enum cc_code await(const struct marking *marking, struct waiter *waiter,
                          struct outcome_seen *out, struct cc_error *err)
{
    int64_t since = cc_mono_ms(marking->app->clock);
    bool there = false;

    for (size_t i = 0; i < LOOKS; i++) {
        if (waiter_wait(marking->app->waiters, waiter, since + look_at_ms[i], out))
            return out->refused ? cc_fail(err, out->code, NULL, "%s", cc_code_title(out->code))
                                : CC_OK;
        CC_TRY(look(marking, &there, out, err));
        if (there)
            return CC_OK;
    }
    return cc_fail_detail(err, CC_UNAVAILABLE, "the read position was not applied in time");
}

static enum cc_code mark(const struct marking *marking, struct cc_request *req,
                         struct outcome_seen *out, struct cc_error *err)
{
    struct waiters *waiters = marking->app->waiters;
    struct waiter *waiter = waiter_start(waiters);
    enum cc_code code = produce(marking, req, waiter, err);

    if (code == CC_OK)
        code = await(marking, waiter, out, err);
    waiter_finish(waiters, waiter);
    return code;
}

enum cc_code message_http_read(struct cc_request *req, struct cc_response *res,
                               struct cc_error *err)
{
    const struct cc_caller *caller = cc_request_caller(req);
    struct marking marking = {
        .app = cc_request_app(req), .user_id = caller->user_id, .device_id = caller->device_id};
    struct outcome_seen seen;
    bool there;

    CC_TRY(cc_request_uuid(req, "chat_id", &marking.chat_id, err));
    CC_TRY(read_seq(req, &marking.seq, err));
    CC_TRY(message_members_may_read(marking.app->members, marking.chat_id, marking.user_id, err));
    CC_TRY(look(&marking, &there, &seen, err));
    if (!there)
        CC_TRY(mark(&marking, req, &seen, err));
    struct cc_json_writer *writer = cc_response_json(res);
    cc_json_open_object(writer, NULL);
    cc_json_put_text(writer, "chat_id", marking.chat_id);
    cc_json_put_int(writer, "read_seq", seen.read_seq);
    cc_json_put_int(writer, "head_seq", seen.head_seq);
    cc_json_put_int(writer, "unread", seen.unread);
    cc_json_put_bool(writer, "capped", seen.capped);
    cc_json_put_int(writer, "unread_mentions", seen.mentions);
    cc_json_close_object(writer);
    return CC_OK;
}
