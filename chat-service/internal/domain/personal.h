#ifndef CHAT_DOMAIN_PERSONAL_H
#define CHAT_DOMAIN_PERSONAL_H

/*
 * What one person says about one of their chats, for nobody else: muted, pinned and so on, and up
 * to where they deleted it for themselves. Takes no version of the chat and no rev. Pure; any
 * thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain/activity.h"
#include "domain/chat.h"
#include "domain/membership.h"

enum personal_notify { PERSONAL_DEFAULT, PERSONAL_ALL, PERSONAL_MENTIONS, PERSONAL_NONE };
/* Wire names, NULL-terminated, indexed by the enum. */
extern const char *const personal_notify_names[];

/* What PUT replaces as a whole. */
struct personal_wish {
    int64_t mute_until_ms; /* 0 = not muted */
    bool pinned, archived, marked_unread;
    enum personal_notify notify;
};
struct personal {
    const char *chat_id, *user_id;
    int64_t version; /* 0 = nothing was ever said; +1 per change */
    int64_t at_ms;   /* of the last change */
    struct personal_wish wish;
    bool cleared;        /* the person deleted the chat for themselves */
    int64_t cleared_seq; /* and what was said in it up to here */
    bool announced;      /* the person's devices have been told of this version */
};

/* The state after the wish; false when everything is so already. */
bool personal_apply(const struct personal *before, const struct personal_wish *wish, int64_t at_ms,
                    struct personal *out);
/* The state after deleting the chat for oneself: gone from the list until something is said. */
struct personal personal_clear(const struct personal *before, int64_t head_seq, int64_t at_ms);
/* The seq up to which a chat's messages are not shown to its member: what they deleted for
 * themselves, and, where the chat says so, what was before they came. Either may be NULL. */
int64_t chat_floor(const struct chat *chat, const struct membership *reader,
                   const struct personal *personal);
/* Deleted, and nothing was said since. personal may be NULL. */
bool personal_hides(const struct personal *personal, const struct chat_activity *activity);

#endif
