#ifndef MESSAGE_DOMAIN_CHAT_STATE_H
#define MESSAGE_DOMAIN_CHAT_STATE_H

/*
 * Where a chat's log stands, and who may write to it: all that a decision looks at. Not
 * thread-safe: a state belongs to one thread.
 */

#include "domain/change.h"
#include "domain/rights.h"

#define UNCOUNTED_MAX 1000

/* Seqs that nobody has unread (system messages, tombstones): the highest UNCOUNTED_MAX. */
struct uncounted {
    int64_t *seqs; /* ascending; owned */
    size_t count, capacity;
};
struct chat_head {
    char chat_id[CC_UUID_BYTES];
    int64_t rev, seq;
    struct uncounted uncounted;
};
void chat_head_init(struct chat_head *head, const char *chat_id); /* a chat without changes */
void chat_head_finish(struct chat_head *head);
void chat_head_copy(struct chat_head *to, const struct chat_head *from); /* `to`: initialised */
void uncounted_add(struct uncounted *uncounted, int64_t seq);
/* Moves the head over an accepted change, which must be the next one (rev + 1). */
void chat_head_advance(struct chat_head *head, const struct change *change);

struct chat_state {
    struct chat_head head;
    struct rights *rights; /* NULL: not known yet */
};
void chat_state_init(struct chat_state *state, const char *chat_id);
void chat_state_finish(struct chat_state *state);
/* Moves head and rights over an accepted change. Rights that aren't known stay so, unless it is the
 * chat's founding: that names everybody. */
void chat_state_advance(struct chat_state *state, const struct change *change);
/* Takes the reference. */
void chat_state_take_rights(struct chat_state *state, struct rights *rights);

#endif
