/* Producing an operation and waiting for what becomes of it: the answer on this node's channel, or,
 * since that may be lost, the log itself. Worker threads. */

#include "http/submit.h"

#include <string.h>

#include "common/topics.h"
#include "events/event_payload.h"

#define KEY_MAX_BYTES 128

/* When to look for oneself, and when to give up. */
static const int look_at_ms[] = {50, 200, 800, 2000};
#define LOOKS (sizeof look_at_ms / sizeof look_at_ms[0])

struct submission {
    struct message_app *app;
    struct cc_arena *arena;
    const struct ev_message_created *operation;
    struct waiter *waiter;
    int64_t since_mono_ms;
    struct submitted *out;
};

enum cc_code submit_key(struct cc_request *req, const char **out, struct cc_error *err)
{
    const char *key = cc_request_header(req, "Idempotency-Key");
    size_t length = key == NULL ? 0 : strlen(key);

    if (length == 0)
        return cc_fail(err, CC_INVALID, "Idempotency-Key", "is missing");
    if (length > KEY_MAX_BYTES)
        return cc_fail(err, CC_INVALID, "Idempotency-Key", "has more than %d bytes", KEY_MAX_BYTES);
    *out = key;
    return CC_OK;
}

enum cc_code submit_key_or_new(struct cc_request *req, const char **out, struct cc_error *err)
{
    struct message_app *app = cc_request_app(req);
    char id[CC_UUID_BYTES];

    if (cc_request_header(req, "Idempotency-Key") != NULL)
        return submit_key(req, out, err);
    cc_ids_next(app->ids, id);
    *out = cc_arena_strdup(cc_request_arena(req), id);
    return CC_OK;
}

void submit_answer_unknown(struct cc_response *res, const char *message_id)
{
    struct cc_json_writer *writer = cc_response_json(res);

    cc_response_status(res, 202);
    cc_json_open_object(writer, NULL);
    cc_json_put_text(writer, "message_id", message_id);
    cc_json_close_object(writer);
}

static enum cc_code produce(struct message_app *app, struct cc_request *req,
                            const struct ev_message_created *operation, struct cc_error *err)
{
    struct event_payload payload;

    event_payload_start(&payload);
    ev_message_created_write(&payload.writer, operation);
    struct cc_produce record = event_payload_finish(&payload, cc_request_arena(req));
    record.topic = app->names.created_topic;
    record.key = operation->chat_id;
    record.type = CC_TOPIC_MESSAGE_CREATED;
    record.trace = cc_request_trace(req);
    enum cc_code code = cc_produce_all(app->producer, &record, 1, err);
    if (code == CC_OK)
        return CC_OK;
    /* With its key the request may be repeated, whatever became of the record. */
    return cc_fail_detail(err, CC_UNAVAILABLE, "message.created: %s", cc_code_name(code));
}

static enum cc_code refuse(enum cc_code code, struct cc_error *err)
{
    return cc_fail(err, code, NULL, "%s", cc_code_title(code));
}

/* The record that was judged is this request's, or an earlier one's under the same key. */
static bool is_ours(const struct submission *submission, const struct change *found)
{
    return strcmp(found->event_id, submission->operation->envelope.event_id) == 0;
}

static enum cc_code take_found(struct submission *submission, const struct change *found,
                               struct cc_error *err)
{
    if (strcmp(found->request_hash, submission->operation->request_hash) != 0)
        return refuse(CC_IDEMPOTENCY_CONFLICT, err);
    if (!change_accepted(found))
        return refuse(found->refusal, err);
    submission->out->message = found->message;
    submission->out->state = is_ours(submission, found) ? SUBMIT_DONE : SUBMIT_REPEATED;
    return CC_OK;
}

/* Whoever reads now sees what was done: the timeline follows the log after a moment. */
static bool is_visible(struct submission *submission, const struct change *found)
{
    struct message_store *store = submission->app->store;
    struct cc_message *message = NULL;

    if (!change_accepted(found) || found->message.seq == 0)
        return true;
    return store->ops->find_message(store, found->chat_id, found->message.message_id,
                                    submission->arena, &message, NULL) == CC_OK &&
           message != NULL && message->rev >= found->rev;
}

/* The owner found it in the timeline alone: the log goes back no further. */
static enum cc_code take_forgotten(struct submission *submission, bool *out_settled,
                                   struct cc_error *err)
{
    struct message_store *store = submission->app->store;
    struct cc_message *message;

    CC_TRY(store->ops->find_message(store, submission->operation->chat_id, submission->out->op_id,
                                    submission->arena, &message, err));
    *out_settled = message != NULL;
    if (message == NULL)
        return CC_OK;
    submission->out->message = *message;
    submission->out->state = SUBMIT_REPEATED;
    return CC_OK;
}

/* One look into the log; *out_settled false: not there yet, or not to be seen. A store that is away
 * is no reason to fail what Kafka has: the next look may succeed. told: the owner said that it is
 * done. */
static enum cc_code look(struct submission *submission, bool told, bool *out_settled,
                         struct cc_error *err)
{
    struct message_store *store = submission->app->store;
    struct change *found = NULL;
    enum cc_code code =
        store->ops->find_operation(store, submission->operation->chat_id, submission->out->op_id,
                                   submission->arena, &found, NULL);

    *out_settled = code == CC_OK && found != NULL && (told || is_visible(submission, found));
    if (code == CC_OK && found == NULL && told)
        return take_forgotten(submission, out_settled, err);
    if (!*out_settled)
        return CC_OK;
    return take_found(submission, found, err);
}

static enum cc_code await(struct submission *submission, struct cc_error *err)
{
    struct waiters *waiters = submission->app->waiters;
    struct outcome_seen seen;
    bool settled = false, answered = false;

    for (size_t i = 0; i < LOOKS && !settled; i++) {
        int64_t until = submission->since_mono_ms + look_at_ms[i];
        if (!answered)
            answered = waiter_wait(waiters, submission->waiter, until, &seen);
        if (answered && seen.refused)
            return refuse(seen.code, err);
        CC_TRY(look(submission, answered, &settled, err));
    }
    if (!settled)
        submission->out->state = SUBMIT_UNKNOWN;
    return CC_OK;
}

enum cc_code submit_operation(struct message_app *app, struct cc_request *req,
                              struct ev_message_created *operation, struct submitted *out,
                              struct cc_error *err)
{
    char event_id[CC_UUID_BYTES], hash[65];
    struct waiter *waiter = waiter_start(app->waiters);

    cc_ids_next(app->ids, event_id);
    cc_op_id(operation->sender_id, operation->chat_id, operation->client_msg_id, out->op_id);
    operation->received_at_ms = cc_wall_ms(app->clock);
    operation->envelope = event_envelope(CC_TOPIC_MESSAGE_CREATED, event_id,
                                         operation->received_at_ms, operation->chat_id);
    operation->op_id = out->op_id;
    operation->origin =
        (struct cc_origin){app->node_id, waiter_id(waiter), operation->client_msg_id};
    cc_request_hash(operation, hash);
    operation->request_hash = hash;
    struct submission submission = {
        .app = app,
        .arena = cc_request_arena(req),
        .operation = operation,
        .waiter = waiter,
        .since_mono_ms = cc_mono_ms(app->clock),
        .out = out,
    };
    enum cc_code code = produce(app, req, operation, err);
    if (code == CC_OK)
        code = await(&submission, err);
    waiter_finish(app->waiters, waiter);
    return code;
}
