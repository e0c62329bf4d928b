#ifndef COMMON_EVENTS_SESSION_REVOKED_H
#define COMMON_EVENTS_SESSION_REVOKED_H

/* session.revoked: a session must not be served any more. Key: user_id. */

#include "common/events/envelope.h"

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

#endif
