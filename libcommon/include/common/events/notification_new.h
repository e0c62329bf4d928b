#ifndef COMMON_EVENTS_NOTIFICATION_NEW_H
#define COMMON_EVENTS_NOTIFICATION_NEW_H

/* notification.new: something one person should be told. Key: user_id. Idempotent by
 * notification_id. */

#include "common/events/envelope.h"

struct ev_notification_new {
    struct cc_envelope envelope;
    const char *notification_id; /* cc_uuid_hash(user_id, message_id, kind) */
    const char *user_id;
    const char *kind; /* message, mention, invite, clear */
    const char *chat_id, *message_id;
    int64_t seq;
    const char *title, *preview; /* preview "" = redacted */
    int64_t badge;
    const char *collapse_key;
    int64_t not_before_ms, expires_at_ms, cancel_if_read_seq;
    bool quiet; /* the person does not want to be disturbed: in the list, not pushed */
};
bool ev_notification_new_read(struct cc_json_reader *reader, struct ev_notification_new *out);
void ev_notification_new_write(struct cc_json_writer *writer,
                               const struct ev_notification_new *event);

#endif
