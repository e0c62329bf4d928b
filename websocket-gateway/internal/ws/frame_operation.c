/* The frames `send`, `edit`, `delete`, `react`, `pin`: an operation on a chat, checked and handed
 * to the pipeline. Runs on the loop thread. What only the stored state can decide is decided by the
 * chat's owner, message-service. */

#include <string.h>

#include "common/topics.h"

#include "app.h"
#include "chats/subscriptions.h"
#include "events/envelope.h"
#include "people.h"
#include "ws/frames.h"
#include "ws/sends.h"
#include "ws/session.h"
#include "ws/typing.h"

#define TTL_MAX_S          (30 * 24 * 3600)
#define UNANSWERED_WAIT_MS 1000

static const char *const message_types[] = {"text", "media", NULL};
static const char *const scopes[] = {"everyone", "me", NULL};

static void read_mentions(struct cc_json_reader *json, struct ev_message_created *event)
{
    event->mentions = cc_json_uuids(json, "mentions", CC_OPTIONAL, CC_MESSAGE_MENTIONS_MAX,
                                    &event->mention_count);
    event->mention_all = cc_json_bool(json, "mention_all", CC_OPTIONAL, false);
}

static void read_content(struct cc_json_reader *json, struct ev_message_created *event)
{
    size_t attachments;

    event->attachments_json = cc_attachments_read(json, WS_ATTACHMENTS_MAX, &attachments);
    event->type = message_types[cc_json_choice(json, "type", CC_OPTIONAL, message_types, 0)];
    event->body = cc_json_text(json, "body", CC_OPTIONAL, 0, CC_MESSAGE_BODY_MAX_BYTES);
    if (event->body == NULL)
        event->body = "";
    event->reply_to = cc_json_uuid(json, "reply_to", CC_OPTIONAL);
    read_mentions(json, event);
    event->ttl_s = cc_json_int(json, "ttl_s", CC_OPTIONAL, 0, TTL_MAX_S);
    event->silent = cc_json_bool(json, "silent", CC_OPTIONAL, false);
    if (event->body[0] == '\0' && attachments == 0)
        cc_json_reject(json, "body", "a message needs a body or attachments");
}

static void read_reaction(struct cc_json_reader *json, struct ev_message_created *event)
{
    event->emoji = cc_json_text(json, "emoji", CC_REQUIRED, 1, CC_REACTION_MAX_BYTES);
    event->on = cc_json_bool(json, "on", CC_OPTIONAL, true);
    if (event->emoji != NULL && !cc_reaction_valid(event->emoji))
        cc_json_reject(json, "emoji", "is not a reaction");
}

static void read_target(struct cc_json_reader *json, struct ev_message_created *event)
{
    event->target_message_id = cc_json_uuid(json, "message_id", CC_REQUIRED);
    event->expected_version = cc_json_int(json, "expected_version", CC_OPTIONAL, 0, INT64_MAX);
}

/* One case per operation: which fields it has beside its ids. out_mine: it is for the sender alone.
 */
static void read_operation(struct cc_json_reader *json, struct ev_message_created *event,
                           bool *out_mine)
{
    switch (event->op) {
    case CC_OP_CREATE:
        read_content(json, event);
        return;
    case CC_OP_EDIT:
        read_target(json, event);
        event->body = cc_json_text(json, "body", CC_REQUIRED, 0, CC_MESSAGE_BODY_MAX_BYTES);
        read_mentions(json, event);
        return;
    case CC_OP_DELETE:
        read_target(json, event);
        *out_mine = cc_json_choice(json, "scope", CC_OPTIONAL, scopes, 0) == 1;
        return;
    case CC_OP_REACT:
        read_target(json, event);
        read_reaction(json, event);
        return;
    case CC_OP_PIN:
        read_target(json, event);
        event->on = cc_json_bool(json, "on", CC_OPTIONAL, true);
        return;
    case CC_OP_SYSTEM:
        return; /* no frame has it */
    }
}

static enum cc_code limited(const char *text, int wait_ms, struct cc_error *err)
{
    cc_fail(err, CC_RATE_LIMITED, NULL, "%s", text);
    return cc_fail_retry_after(err, wait_ms);
}

static enum cc_code check_limits(struct ws_session *session, struct cc_error *err)
{
    const struct ws_settings *set = session->app->settings;
    int wait_ms = 0;

    if (session->unanswered >= (unsigned)set->max_unanswered)
        return limited("too many operations without an answer", UNANSWERED_WAIT_MS, err);
    if (!ws_bucket_take(&session->operations, ws_now_ms(session->app), (int)set->send_per_s,
                        (int)set->send_burst, &wait_ms))
        return limited("too many operations; slow down", wait_ms, err);
    if (!ws_quota_take(session->app, session->person->user_id, &wait_ms))
        return limited("too many operations on all your connections; slow down", wait_ms, err);
    return CC_OK;
}

enum cc_code ws_frame_operation(struct ws_session *session, const struct ws_frame *frame,
                                struct cc_error *err)
{
    struct ws_app *app = session->app;
    struct ev_message_created event = {.op = frame->type->op,
                                       .sender_id = session->person->user_id,
                                       .device_id = session->device_id,
                                       .received_at_ms = ws_wall_ms(app)};
    char event_id[CC_UUID_BYTES], op_id[CC_UUID_BYTES], request_hash[65];
    bool mine = false;

    event.chat_id = cc_json_uuid(frame->json, "chat_id", CC_REQUIRED);
    event.client_msg_id = cc_json_uuid(frame->json, "client_msg_id", CC_REQUIRED);
    read_operation(frame->json, &event, &mine);
    CC_TRY(cc_json_reader_error(frame->json, err));
    if (ws_membership_find(session->app, session->person, event.chat_id) == NULL)
        return cc_fail(err, CC_NOT_FOUND, "chat_id", "there is no such chat");
    CC_TRY(check_limits(session, err));
    if (mine) {
        ws_hide_message(session, frame->id, event.chat_id, event.target_message_id);
        return CC_OK;
    }
    event.envelope = ws_envelope(app, CC_TOPIC_MESSAGE_CREATED, event.chat_id, event_id);
    event.origin = (struct cc_origin){.node = app->runtime.node_id,
                                      .conn_id = session->conn_id,
                                      .client_msg_id = event.client_msg_id};
    cc_op_id(event.sender_id, event.chat_id, event.client_msg_id, op_id);
    event.op_id = op_id;
    cc_request_hash(&event, request_hash);
    event.request_hash = request_hash;
    if (event.op == CC_OP_CREATE)
        ws_typing_end(session);
    return ws_send_operation(session, frame->id, &event, err);
}
