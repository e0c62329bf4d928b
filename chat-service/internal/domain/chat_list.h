#ifndef CHAT_DOMAIN_CHAT_LIST_H
#define CHAT_DOMAIN_CHAT_LIST_H

/*
 * The order of a person's chats, latest activity first, and the cursor into it. A cursor is a
 * position (time, chat id), not an offset: chats that move up between two pages make nobody miss
 * one below.
 */

#include "common/arena.h"
#include "common/id.h"
#include "domain/activity.h"
#include "domain/membership.h"
#include "domain/personal.h"

struct chat_list_entry {
    const struct membership *membership;
    struct chat_activity activity;   /* last_activity_at_ms is set even when there is no message */
    const struct personal *personal; /* what the person says of it; NULL = nothing */
    int64_t read_seq;                /* how far they have read it; 0 = nothing, or not known */
};
struct chat_list_position {
    int64_t last_activity_at_ms;
    char chat_id[CC_UUID_BYTES];
};

/* Without a message, the time of joining counts as the last activity. */
void chat_list_entry_init(struct chat_list_entry *entry, const struct membership *membership,
                          const struct chat_activity *activity);
void chat_list_sort(struct chat_list_entry *entries, size_t count);
/* Index of the first entry behind the position; count when there is none. entries: sorted. */
size_t chat_list_find_after(const struct chat_list_entry *entries, size_t count,
                            const struct chat_list_position *position);

/* Opaque text of the position of an entry, in the arena. */
const char *chat_list_cursor(struct cc_arena *arena, const struct chat_list_entry *entry);
/* False when the text is not one of ours. */
bool chat_list_cursor_read(const char *text, struct chat_list_position *out);

#endif
