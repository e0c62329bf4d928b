#ifndef MESSAGE_DOMAIN_DECIDE_H
#define MESSAGE_DOMAIN_DECIDE_H

/*
 * The rules of the log: what becomes of an operation, given where its chat stands. One row per
 * operation kind in decide.c. Nothing here knows whether the operation was done before: whoever
 * calls must look its op_id up before he believes a refusal.
 */

#include "domain/chat_state.h"

#define MESSAGE_TTL_MAX_S (INT64_C(366) * 24 * 60 * 60)

/* True when the rules need the members of the chat to judge this operation. */
bool decide_needs_rights(const struct ev_message_created *ask);

/* Fills *out, whose strings are borrowed from `ask`. An accepted operation gets the chat's next rev
 * (and seq), and moves the state over it; a refused one leaves the state alone. The state's rights
 * are known when decide_needs_rights. */
void decide(struct chat_state *state, const struct ev_message_created *ask, struct change *out);

/* *out becomes a refusal of `ask` by `code`. */
void decide_refusal(const struct ev_message_created *ask, enum cc_code code, struct change *out);

#endif
