#ifndef CHAT_LEAVING_H
#define CHAT_LEAVING_H

/* The end of a membership by its own member: whoever owned the chat alone is followed by the
 * admin, else the member, who has been in it longest. Any thread that may block. */

#include "domain/change.h"
#include "events/announce.h"

/* The change that takes `leaver`, who is active, out of the chat. Errors: those of the store. */
CC_MUST_CHECK enum cc_code chat_leaving_change(struct chat_store *store, const struct chat *chat,
                                               const struct membership *leaver, int64_t at_ms,
                                               struct cc_arena *arena, struct chat_change **out,
                                               struct cc_error *err);
/* Takes that person out of the chat, as it is now. Nothing happens when they are not in it.
 * Errors: CC_UNAVAILABLE the chat is being changed by many at once; those of the store. */
CC_MUST_CHECK enum cc_code chat_leaving_commit(struct chat_announcer *announcer,
                                               const char *chat_id, const char *user_id,
                                               int64_t at_ms, struct cc_arena *arena,
                                               struct cc_error *err);

#endif
