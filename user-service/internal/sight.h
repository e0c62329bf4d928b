#ifndef USER_SIGHT_H
#define USER_SIGHT_H

/* Who may see whose presence: the rule is domain/relation.h's; who shares a chat is asked of
 * chat-service here. */

#include "app.h"

/* out_visible[i]: bonds[i].actor_id may see bonds[i].user_id. bonds: complete, any number. Without
 * chat-service those who show themselves to shared chats only are not visible. Blocks, at most
 * SHARED_TIMEOUT_MS for each person who looks, or is looked at. */
void user_sight_resolve(struct user_app *app, const struct user_bond *bonds, size_t count,
                        const struct cc_trace *trace, struct cc_arena *arena, bool *out_visible);

#endif
