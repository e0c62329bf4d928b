#ifndef COMMON_EVENTS_MESSAGE_CREATED_H
#define COMMON_EVENTS_MESSAGE_CREATED_H

/* message.created: an operation on a chat, asked for and not yet judged. Key: chat_id. */

#include "common/events/envelope.h"
#include "common/events/message.h"

enum cc_op { CC_OP_CREATE, CC_OP_EDIT, CC_OP_DELETE, CC_OP_REACT, CC_OP_PIN, CC_OP_SYSTEM };
extern const char *const cc_op_names[]; /* "create", "edit", ... NULL */

#define CC_MEMBER_CHANGES_MAX 1000 /* of one system operation */

struct cc_member_change { /* of a system operation: what the owner must know, in order */
    const char *user_id;
    const char *role;  /* owner, admin, member */
    const char *state; /* active, left, removed, banned */
};

struct ev_message_created {
    struct cc_envelope envelope;
    enum cc_op op;
    const char *op_id, *client_msg_id, *chat_id;
    const char *sender_id; /* user id or "system" */
    const char *device_id; /* "" for system */
    struct cc_origin origin;
    const char *type; /* text, media, system */
    const char *body;
    const char *attachments_json;
    const char *reply_to;
    const char *const *mentions;
    size_t mention_count;
    bool mention_all; /* everybody in the chat is mentioned */
    int64_t ttl_s;    /* 0 = none */
    bool silent;
    const char *target_message_id; /* edit, delete, react, pin */
    int64_t expected_version;      /* 0 = any */
    const char *emoji;             /* react */
    bool on;                       /* react, pin */
    const char *request_hash; /* SHA-256 hex of what the client asked for, see cc_request_hash */
    int64_t received_at_ms;
    /* op system only */
    const char *system_json;
    int64_t member_version; /* chat's membership version after it */
    bool counted;           /* takes a seq (people should see it), not only a rev */
    const struct cc_member_change *members;
    size_t member_count;
};
bool ev_message_created_read(struct cc_json_reader *reader, struct ev_message_created *out);
void ev_message_created_write(struct cc_json_writer *writer,
                              const struct ev_message_created *event);

/* SHA-256 hex over the length-prefixed content fields (op, target, type, body, attachments,
 * reply_to, mentions, ttl_s, emoji, on, and mention_all when set); not times, device or node. Fills
 * out and may be pointed to by event->request_hash. */
void cc_request_hash(const struct ev_message_created *event, char out[65]);

#endif
