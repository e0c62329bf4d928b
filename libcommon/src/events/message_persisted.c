/* Codec of message.persisted. Pure functions, any thread. */

#include "common/events/message_persisted.h"

#include <string.h>

#include "common/topics.h"
#include "event_fields.h"

static const char *const outcome_names[] = {"persisted", "rejected", NULL};

static void read_outcome(struct cc_json_reader *reader, struct ev_message_persisted *event)
{
    event->rejected = cc_json_choice(reader, "outcome", CC_REQUIRED, outcome_names, 0) == 1;
    if (event->rejected) {
        const char *name = cc_json_text(reader, "code", CC_REQUIRED, 1, EVENT_NAME_MAX_BYTES);
        event->code = name == NULL ? CC_INTERNAL : cc_code_from_name(name);
    } else if (cc_json_enter(reader, "message", CC_REQUIRED)) {
        cc_message_read(reader, &event->message);
        cc_json_leave(reader);
    }
    cc_reaction_read(reader, &event->reaction);
}

bool ev_message_persisted_read(struct cc_json_reader *reader, struct ev_message_persisted *out)
{
    struct ev_message_persisted event = {
        .op = (enum cc_op)cc_json_choice(reader, "op", CC_REQUIRED, cc_op_names, CC_OP_CREATE),
        .op_id = cc_json_uuid(reader, "op_id", CC_REQUIRED),
        .chat_id = cc_json_uuid(reader, "chat_id", CC_REQUIRED),
        .sender_id = event_actor(reader, "sender_id"),
        .sender_device_id = event_text(reader, "sender_device_id", EVENT_NAME_MAX_BYTES),
        .rev = event_count_or(reader, "rev", 0),
        .head_seq = event_count_or(reader, "head_seq", 0),
        .member_version = event_count_or(reader, "member_version", 0),
        .duplicate = cc_json_bool(reader, "duplicate", CC_OPTIONAL, false),
        .silent = cc_json_bool(reader, "silent", CC_OPTIONAL, false),
        .published = cc_json_bool(reader, "published", CC_OPTIONAL, false),
        .since_joining = cc_json_bool(reader, "since_joining", CC_OPTIONAL, false),
        .recipients_omitted = cc_json_bool(reader, "recipients_omitted", CC_OPTIONAL, false),
    };
    cc_envelope_read(reader, CC_TOPIC_MESSAGE_PERSISTED, &event.envelope);
    cc_origin_read(reader, &event.origin);
    read_outcome(reader, &event);
    event.recipients =
        cc_json_uuids(reader, "recipients", CC_OPTIONAL, CC_RECIPIENTS_MAX, &event.recipient_count);
    *out = event;
    return cc_json_reader_done(reader);
}

static void write_outcome(struct cc_json_writer *writer, const struct ev_message_persisted *event)
{
    cc_json_put_text(writer, "outcome", outcome_names[event->rejected ? 1 : 0]);
    if (event->rejected) {
        cc_json_put_text(writer, "code", cc_code_name(event->code));
        return;
    }
    cc_json_open_object(writer, "message");
    cc_message_write(writer, &event->message);
    cc_json_close_object(writer);
    cc_reaction_write(writer, &event->reaction);
}

void ev_message_persisted_write(struct cc_json_writer *writer,
                                const struct ev_message_persisted *event)
{
    cc_json_open_object(writer, NULL);
    cc_envelope_write(writer, &event->envelope);
    cc_json_put_text(writer, "op", cc_op_names[event->op]);
    cc_json_put_text(writer, "op_id", event->op_id);
    cc_json_put_text(writer, "chat_id", event->chat_id);
    cc_json_put_text(writer, "sender_id", event->sender_id);
    cc_json_put_text_opt(writer, "sender_device_id", event->sender_device_id);
    cc_json_put_int(writer, "rev", event->rev);
    cc_json_put_int(writer, "head_seq", event->head_seq);
    cc_json_put_int(writer, "member_version", event->member_version);
    event_put_flag_opt(writer, "duplicate", event->duplicate);
    event_put_flag_opt(writer, "silent", event->silent);
    event_put_flag_opt(writer, "published", event->published);
    event_put_flag_opt(writer, "since_joining", event->since_joining);
    cc_origin_write(writer, &event->origin);
    write_outcome(writer, event);
    cc_json_put_texts(writer, "recipients", event->recipients, event->recipient_count);
    event_put_flag_opt(writer, "recipients_omitted", event->recipients_omitted);
    cc_json_close_object(writer);
}
