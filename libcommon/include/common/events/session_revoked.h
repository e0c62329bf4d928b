#ifndef COMMON_EVENTS_SESSION_REVOKED_H
#define COMMON_EVENTS_SESSION_REVOKED_H

/* session.revoked: a session must not be served any more. Key: user_id. */

#include "common/bus.h"
#include "common/events/envelope.h"

/* A reason: sockets close with 4304 instead of 4301. */
#define EV_SESSION_SUSPENDED "suspended"

struct ev_session_revoked {
    struct cc_envelope envelope;
    const char *user_id;
    const char *session_id;
    const char *reason; /* logout, password_change, reuse, admin, suspended, deleted */
    int64_t until_ms;   /* access tokens of it may live until then */
};
bool ev_session_revoked_read(struct cc_json_reader *reader, struct ev_session_revoked *out);
void ev_session_revoked_write(struct cc_json_writer *writer,
                              const struct ev_session_revoked *event);

/* The same on the bus, for the person's channel: the frame, which is written into `frame` (at least
 * EV_SESSION_FRAME_BYTES), is the session's id, and " suspended" behind it where that is why. */
#define EV_SESSION_FRAME_BYTES (CC_UUID_BYTES + 16)
struct cc_bus_message ev_session_publication(const char *session_id, const char *reason,
                                             struct cc_strbuf *frame);
/* False: it is no such frame. */
bool ev_session_frame_read(const char *frame, size_t count, char out_session_id[CC_UUID_BYTES],
                           bool *out_suspended);

#endif
