#ifndef OWNED_CHATS_H
#define OWNED_CHATS_H

/*
 * What the owner remembers of chats from one batch to the next, so that a message of a chat that
 * talks costs no look-up. All of it can be read again from the store and from chat-service; idle
 * chats go when there are many. Not thread-safe: belongs to the owner.
 */

#include "common/clock.h"
#include "domain/chat_state.h"

struct owned_chat {
    struct chat_state state;
    struct rights *rights_before; /* as before this batch's own operations; a reference */
    int32_t partition;
    int64_t materialised_rev;
    int64_t touched_ms;
    int64_t start_asked_ms; /* monotonic; 0 = never */
    bool is_shortened;      /* its log does not go back to its beginning */
    bool loaded;
    bool in_batch;
};
struct owned_chats;

struct owned_chats *owned_chats_create(const struct cc_clock *clock); /* the clock is borrowed */
void owned_chats_destroy(struct owned_chats *chats);

/* The chat, made where it is not known yet; owned by the collection until it is forgotten. */
struct owned_chat *owned_chats_enter(struct owned_chats *chats, const char *chat_id,
                                     int32_t partition);
void owned_chats_forget(struct owned_chats *chats, struct owned_chat *chat);
void owned_chats_forget_partition(struct owned_chats *chats, int32_t partition);
/* Those that nobody has touched for a minute, when there are more than 20,000. */
void owned_chats_forget_idle(struct owned_chats *chats);

/* The rights as they are now are those that a failed batch goes back to. */
void owned_chat_remember_rights(struct owned_chat *chat);

#endif
