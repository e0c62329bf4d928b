#ifndef MESSAGE_DOMAIN_ALTER_H
#define MESSAGE_DOMAIN_ALTER_H

/* Private to the rules: how an accepted operation alters the message that it refers to. Pure. */

#include "domain/decide.h"

struct question { /* one decision */
    const struct chat_state *state;
    const struct ev_message_created *ask;
    const struct decide_context *context;
};

/* out->message is a copy of the target, with its new rev. */
void alter_edit(const struct question *q, struct change *out);
void alter_delete(const struct question *q, struct change *out);
void alter_react(const struct question *q, struct change *out);
void alter_pin(const struct question *q, struct change *out);

/* False when the message has as many kinds of reactions as it may have, and this is another one. */
bool alter_has_room_for_reaction(const struct question *q);

#endif
