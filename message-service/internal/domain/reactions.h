#ifndef MESSAGE_DOMAIN_REACTIONS_H
#define MESSAGE_DOMAIN_REACTIONS_H

/*
 * How many people reacted to a message with what, and its JSON: {"<emoji>":{"count":n}}, in the
 * order in which they came up. Who they are is kept apart (struct cc_reaction of each change).
 * Pure.
 */

#include "common/arena.h"
#include "common/events/message.h"

#define REACTION_KINDS_MAX 20 /* different emoji on one message */

struct reaction_count {
    const char *emoji;
    int64_t count; /* > 0 */
    bool mine;     /* of the person who asks */
};
struct reaction_counts {
    struct reaction_count items[REACTION_KINDS_MAX];
    size_t count;
};

/* json NULL = none. Texts are in the arena. */
void reactions_read(const char *json, struct cc_arena *arena, struct reaction_counts *out);
/* NULL when there are none. personal: each says whether it is `mine`. In the arena. */
const char *reactions_write(const struct reaction_counts *counts, bool personal,
                            struct cc_arena *arena);

/* NULL when nobody reacted so. */
struct reaction_count *reactions_find(struct reaction_counts *counts, const char *emoji);
/* One person more or less. False when there are REACTION_KINDS_MAX others already. */
bool reactions_change(struct reaction_counts *counts, const char *emoji, bool on);

#endif
