/* Codec of notification.new. Pure functions, any thread. */

#include "common/events/notification_new.h"

#include "common/topics.h"
#include "event_fields.h"

#define KIND_MAX_BYTES 32
#define TEXT_MAX_BYTES 512

bool ev_notification_new_read(struct cc_json_reader *reader, struct ev_notification_new *out)
{
    struct ev_notification_new event = {
        .notification_id = cc_json_uuid(reader, "notification_id", CC_REQUIRED),
        .user_id = cc_json_uuid(reader, "user_id", CC_REQUIRED),
        .kind = cc_json_text(reader, "kind", CC_REQUIRED, 1, KIND_MAX_BYTES),
        .chat_id = cc_json_uuid(reader, "chat_id", CC_REQUIRED),
        .message_id = cc_json_uuid(reader, "message_id", CC_OPTIONAL),
        .seq = event_count_or(reader, "seq", 0),
        .title = event_text(reader, "title", TEXT_MAX_BYTES),
        .preview = event_text(reader, "preview", TEXT_MAX_BYTES),
        .badge = event_count_or(reader, "badge", 0),
        .collapse_key = event_text(reader, "collapse_key", EVENT_NAME_MAX_BYTES),
        .not_before_ms = cc_json_time(reader, "not_before", CC_OPTIONAL),
        .expires_at_ms = cc_json_time(reader, "expires_at", CC_OPTIONAL),
        .cancel_if_read_seq = event_count_or(reader, "cancel_if_read_seq", 0),
        .quiet = cc_json_bool(reader, "quiet", CC_OPTIONAL, false),
    };
    cc_envelope_read(reader, CC_TOPIC_NOTIFICATION_NEW, &event.envelope);
    *out = event;
    return cc_json_reader_done(reader);
}

void ev_notification_new_write(struct cc_json_writer *writer,
                               const struct ev_notification_new *event)
{
    cc_json_open_object(writer, NULL);
    cc_envelope_write(writer, &event->envelope);
    cc_json_put_text(writer, "notification_id", event->notification_id);
    cc_json_put_text(writer, "user_id", event->user_id);
    cc_json_put_text(writer, "kind", event->kind);
    cc_json_put_text(writer, "chat_id", event->chat_id);
    cc_json_put_text_opt(writer, "message_id", event->message_id);
    cc_json_put_int(writer, "seq", event->seq);
    cc_json_put_text(writer, "title", event->title);
    cc_json_put_text(writer, "preview", event->preview);
    event_put_count_opt(writer, "badge", event->badge);
    cc_json_put_text_opt(writer, "collapse_key", event->collapse_key);
    cc_json_put_time(writer, "not_before", event->not_before_ms);
    cc_json_put_time(writer, "expires_at", event->expires_at_ms);
    event_put_count_opt(writer, "cancel_if_read_seq", event->cancel_if_read_seq);
    event_put_flag_opt(writer, "quiet", event->quiet);
    cc_json_close_object(writer);
}
