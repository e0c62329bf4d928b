#ifndef NOTIFICATION_MEMBERS_H
#define NOTIFICATION_MEMBERS_H

/* The active members of a chat that is too large for its events to name them. */

#include "common/arena.h"
#include "common/http_client.h"

struct notification_members {
    const char *const *user_ids; /* in the arena */
    size_t count;
};

/* Asks chat-service page by page, and stops as soon as there are more than `enough`.
 * Errors: those of cc_peer_call; a chat that is gone has no members. */
CC_MUST_CHECK enum cc_code
notification_members_load(struct cc_peer *chat_service, const char *chat_id, size_t enough,
                          const struct cc_trace *trace, struct cc_arena *arena,
                          struct notification_members *out, struct cc_error *err);

#endif
