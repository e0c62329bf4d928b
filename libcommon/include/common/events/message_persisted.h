#ifndef COMMON_EVENTS_MESSAGE_PERSISTED_H
#define COMMON_EVENTS_MESSAGE_PERSISTED_H

/* message.persisted: the durable outcome of an operation. Key: chat_id. Receivers judge it by rev,
 * never by `duplicate`. */

#include "common/events/envelope.h"
#include "common/events/message.h"
#include "common/events/message_created.h"

#define CC_RECIPIENTS_MAX 100

struct ev_message_persisted {
    struct cc_envelope envelope;
    enum cc_op op;
    const char *op_id, *chat_id, *sender_id, *sender_device_id;
    bool rejected;
    enum cc_code code;           /* when rejected */
    int64_t rev;                 /* 0 when rejected */
    int64_t head_seq;            /* the chat's seq after it */
    struct cc_message message;   /* when not rejected: as it is afterwards */
    struct cc_reaction reaction; /* op react */
    int64_t member_version;
    bool duplicate; /* an earlier operation's outcome, announced again */
    bool silent;
    bool published;     /* its live frame is on the chat's channel already */
    bool since_joining; /* members see nothing of the chat from before they came */
    struct cc_origin origin;
    const char *const *recipients; /* active members when there are at most CC_RECIPIENTS_MAX; else
                                      count 0 and recipients_omitted */
    size_t recipient_count;
    bool recipients_omitted;
};
bool ev_message_persisted_read(struct cc_json_reader *reader, struct ev_message_persisted *out);
void ev_message_persisted_write(struct cc_json_writer *writer,
                                const struct ev_message_persisted *event);

#endif
