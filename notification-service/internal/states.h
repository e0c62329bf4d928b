#ifndef NOTIFICATION_STATES_H
#define NOTIFICATION_STATES_H

/*
 * How loud a chat is for its people, as chat-service knows it: muted, and the level of
 * notification. Kept for at most NOTIFICATION_STATES_MS, so that what somebody says of a chat
 * counts within that time. One thread. Source: docs/contracts.md "Internal routes", GET
 * /internal/chats/{chat_id}/states.
 */

#include "common/arena.h"
#include "common/clock.h"
#include "common/http_client.h"
#include "domain/notify.h"

#define NOTIFICATION_STATES_MS 900

struct notification_states;

struct notification_states *notification_states_create(struct cc_peer *chat_service,
                                                       const struct cc_clock *clock); /* borrowed */
void notification_states_destroy(struct notification_states *states); /* accepts NULL */

struct notification_wish {
    const char *user_id;
    struct notify_wish wish;
};
struct notification_wishes {
    struct notification_wish *items; /* by user_id; in the arena */
    size_t count;
    bool any_all; /* somebody wants to be told of everything */
};
/* Errors: those of cc_peer_call; of a chat that is gone nobody says anything. */
CC_MUST_CHECK enum cc_code
notification_states_load(struct notification_states *states, const char *chat_id,
                         const struct cc_trace *trace, struct cc_arena *arena,
                         struct notification_wishes *out, struct cc_error *err);
/* NULL: that person said nothing of the chat. */
const struct notify_wish *notification_wish_of(const struct notification_wishes *wishes,
                                               const char *user_id);

#endif
