#ifndef COMMON_EVENTS_MESSAGE_READ_H
#define COMMON_EVENTS_MESSAGE_READ_H

/* message.read: a person's watermarks moved (up-to, monotonic). Key: chat_id. */

#include "common/events/envelope.h"

#define CC_UNREAD_MAX 999 /* what somebody has unread is exact up to here, then "capped" */

struct ev_message_read {
    struct cc_envelope envelope;
    const char *chat_id, *user_id, *device_id;
    int64_t read_seq;      /* -1 = not said */
    int64_t delivered_seq; /* -1 = not said */
    int64_t from_seq;      /* >= 0: membership begins after it (member added); -1 = not said */
    int64_t cleared_seq;   /* >= 0: the person deleted the chat up to it for themselves; -1 */
    int64_t at_ms;
    struct cc_origin
        origin; /* conn_id of the asking connection; client_msg_id carries its frame id as text */
};
bool ev_message_read_read(struct cc_json_reader *reader, struct ev_message_read *out);
void ev_message_read_write(struct cc_json_writer *writer, const struct ev_message_read *event);

#endif
