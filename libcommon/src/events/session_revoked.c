/* Codec of session.revoked. Pure functions, any thread. */

#include "common/events/session_revoked.h"

#include "common/topics.h"
#include "event_fields.h"

#define REASON_MAX_BYTES 32

bool ev_session_revoked_read(struct cc_json_reader *reader, struct ev_session_revoked *out)
{
    struct ev_session_revoked event = {
        .user_id = cc_json_uuid(reader, "user_id", CC_REQUIRED),
        .session_id = cc_json_uuid(reader, "session_id", CC_REQUIRED),
        .reason = cc_json_text(reader, "reason", CC_REQUIRED, 1, REASON_MAX_BYTES),
        .until_ms = cc_json_time(reader, "until", CC_REQUIRED),
    };
    cc_envelope_read(reader, CC_TOPIC_SESSION_REVOKED, &event.envelope);
    *out = event;
    return cc_json_reader_done(reader);
}

void ev_session_revoked_write(struct cc_json_writer *writer, const struct ev_session_revoked *event)
{
    cc_json_open_object(writer, NULL);
    cc_envelope_write(writer, &event->envelope);
    cc_json_put_text(writer, "user_id", event->user_id);
    cc_json_put_text(writer, "session_id", event->session_id);
    cc_json_put_text(writer, "reason", event->reason);
    cc_json_put_time(writer, "until", event->until_ms);
    cc_json_close_object(writer);
}
