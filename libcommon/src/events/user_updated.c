/* Codec of user.updated. Pure functions, any thread. */

#include "common/events/user_updated.h"

#include "common/topics.h"
#include "event_fields.h"

#define CHANGE_MAX_BYTES       32
#define HANDLE_MAX_BYTES       128
#define DISPLAY_NAME_MAX_BYTES 1024

bool ev_user_updated_read(struct cc_json_reader *reader, struct ev_user_updated *out)
{
    struct ev_user_updated event = {
        .user_id = cc_json_uuid(reader, "user_id", CC_REQUIRED),
        .change = cc_json_text(reader, "change", CC_REQUIRED, 1, CHANGE_MAX_BYTES),
        .handle = event_text(reader, "handle", HANDLE_MAX_BYTES),
        .display_name = event_text(reader, "display_name", DISPLAY_NAME_MAX_BYTES),
        .change_version = event_count_or(reader, "change_version", 0),
    };
    cc_envelope_read(reader, CC_TOPIC_USER_UPDATED, &event.envelope);
    *out = event;
    return cc_json_reader_done(reader);
}

void ev_user_updated_write(struct cc_json_writer *writer, const struct ev_user_updated *event)
{
    cc_json_open_object(writer, NULL);
    cc_envelope_write(writer, &event->envelope);
    cc_json_put_text(writer, "user_id", event->user_id);
    cc_json_put_text(writer, "change", event->change);
    cc_json_put_text(writer, "handle", event->handle);
    cc_json_put_text(writer, "display_name", event->display_name);
    event_put_count_opt(writer, "change_version", event->change_version);
    cc_json_close_object(writer);
}
