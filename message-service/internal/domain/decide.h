#ifndef MESSAGE_DOMAIN_DECIDE_H
#define MESSAGE_DOMAIN_DECIDE_H

/*
 * The rules of the log: what becomes of an operation, given where its chat stands. One row per
 * operation kind in decide.c. Nothing here knows whether the operation was done before: whoever
 * calls must look its op_id up before he believes a refusal.
 */

#include "domain/chat_state.h"

#define MESSAGE_TTL_MAX_S (INT64_C(366) * 24 * 60 * 60)
/* In a chat with more active members than this, only admins mention everybody. */
#define MENTION_ALL_MEMBERS_MAX 50

/* What an operation refers to, as it is before it. */
struct decide_target {
    const struct cc_message *message; /* NULL: this chat has no such message */
    bool reacted;                     /* op react: the sender's reaction with that emoji is on */
};
struct decide_context {
    struct decide_target target; /* of decide_target_id */
    bool may_not_attach;         /* an attachment is no complete file of the sender's */
    int64_t edit_window_ms;      /* how long after it was sent a message may be edited */
    struct cc_arena *arena;      /* what the decision makes anew lives there */
};

/* True when the rules need the members of the chat to judge this operation. */
bool decide_needs_rights(const struct ev_message_created *ask);
/* The message that it alters, or answers; NULL = none. */
const char *decide_target_id(const struct ev_message_created *ask);

/* Fills *out, whose strings are borrowed from `ask`, the target and the arena. An accepted
 * operation gets the chat's next rev (and a new message its next seq), and moves the state over it;
 * a refused one leaves the state alone. The state's rights are known when decide_needs_rights. */
void decide(struct chat_state *state, const struct ev_message_created *ask,
            const struct decide_context *context, struct change *out);

/* *out becomes a refusal of `ask` by `code`. */
void decide_refusal(const struct ev_message_created *ask, enum cc_code code, struct change *out);

#endif
