#ifndef COMMON_EVENTS_CHAT_UPDATED_H
#define COMMON_EVENTS_CHAT_UPDATED_H

/* chat.updated: chat metadata or membership changed. Key: chat_id. */

#include "common/events/envelope.h"

enum cc_chat_change {
    CC_CHAT_CREATED,
    CC_CHAT_METADATA,
    CC_CHAT_MEMBER_ADDED,
    CC_CHAT_MEMBER_REMOVED,
    CC_CHAT_ROLE,
    CC_CHAT_SETTINGS,
    CC_CHAT_DELETED,
    CC_CHAT_PERSONAL /* the target's own state of the chat: for nobody else */
};
extern const char *const cc_chat_change_names[];

struct ev_chat_updated {
    struct cc_envelope envelope;
    const char *chat_id;
    int64_t version; /* of the chat, +1 per change; of the state for CC_CHAT_PERSONAL */
    enum cc_chat_change change;
    const char *actor_id;
    const char *const *targets; /* user ids concerned */
    size_t target_count;
    const char *chat_json; /* the public chat object, compact JSON; NULL = not said */
    const char *me_json;   /* CC_CHAT_PERSONAL: the state, compact JSON; else NULL */
};
bool ev_chat_updated_read(struct cc_json_reader *reader, struct ev_chat_updated *out);
void ev_chat_updated_write(struct cc_json_writer *writer, const struct ev_chat_updated *event);

#endif
