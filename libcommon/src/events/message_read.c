/* Codec of message.read. Pure functions, any thread. */

#include "common/events/message_read.h"

#include "common/topics.h"
#include "event_fields.h"

#define NOT_SAID (-1)

bool ev_message_read_read(struct cc_json_reader *reader, struct ev_message_read *out)
{
    struct ev_message_read event = {
        .chat_id = cc_json_uuid(reader, "chat_id", CC_REQUIRED),
        .user_id = cc_json_uuid(reader, "user_id", CC_REQUIRED),
        .device_id = event_text(reader, "device_id", EVENT_NAME_MAX_BYTES),
        .read_seq = event_count_or(reader, "read_seq", NOT_SAID),
        .delivered_seq = event_count_or(reader, "delivered_seq", NOT_SAID),
        .from_seq = event_count_or(reader, "from_seq", NOT_SAID),
        .cleared_seq = event_count_or(reader, "cleared_seq", NOT_SAID),
        .at_ms = cc_json_time(reader, "at", CC_REQUIRED),
    };
    cc_envelope_read(reader, CC_TOPIC_MESSAGE_READ, &event.envelope);
    cc_origin_read(reader, &event.origin);
    *out = event;
    return cc_json_reader_done(reader);
}

static void put_when_said(struct cc_json_writer *writer, const char *key, int64_t value)
{
    if (value != NOT_SAID)
        cc_json_put_int(writer, key, value);
}

void ev_message_read_write(struct cc_json_writer *writer, const struct ev_message_read *event)
{
    cc_json_open_object(writer, NULL);
    cc_envelope_write(writer, &event->envelope);
    cc_json_put_text(writer, "chat_id", event->chat_id);
    cc_json_put_text(writer, "user_id", event->user_id);
    cc_json_put_text_opt(writer, "device_id", event->device_id);
    put_when_said(writer, "read_seq", event->read_seq);
    put_when_said(writer, "delivered_seq", event->delivered_seq);
    put_when_said(writer, "from_seq", event->from_seq);
    put_when_said(writer, "cleared_seq", event->cleared_seq);
    cc_json_put_time(writer, "at", event->at_ms);
    cc_origin_write(writer, &event->origin);
    cc_json_close_object(writer);
}
