/* Codec of session.revoked and of its frame on the bus. Pure functions, any thread. */

#include "common/events/session_revoked.h"

#include <string.h>

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

static const char suspended_mark[] = " " EV_SESSION_SUSPENDED;
#define MARK_COUNT (sizeof suspended_mark - 1)
#define ID_COUNT   (CC_UUID_BYTES - 1)

struct cc_bus_message ev_session_publication(const char *session_id, const char *reason,
                                             struct cc_strbuf *frame)
{
    struct cc_bus_message message = {.kind = CC_BUS_REVOKED};

    cc_strbuf_append_text(frame, session_id);
    if (strcmp(reason, EV_SESSION_SUSPENDED) == 0)
        cc_strbuf_append(frame, suspended_mark, MARK_COUNT);
    cc_bus_carry(&message, frame);
    return message;
}

bool ev_session_frame_read(const char *frame, size_t count, char out_session_id[CC_UUID_BYTES],
                           bool *out_suspended)
{
    *out_suspended =
        count == ID_COUNT + MARK_COUNT && memcmp(frame + ID_COUNT, suspended_mark, MARK_COUNT) == 0;
    if (count != ID_COUNT && !*out_suspended)
        return false;
    memcpy(out_session_id, frame, ID_COUNT);
    out_session_id[ID_COUNT] = '\0';
    return true;
}
