#ifndef MESSAGE_DOMAIN_UNREAD_H
#define MESSAGE_DOMAIN_UNREAD_H

/* How many messages a person has not read: head - read position - what nobody has unread. A
 * person's own sends move the position, so they don't count. Exact to UNREAD_MAX, then capped. */

#include "common/events/message_read.h"
#include "domain/chat_state.h"

#define UNREAD_MAX CC_UNREAD_MAX

struct unread {
    int64_t count;
    bool capped;      /* there are more than UNREAD_MAX */
    int64_t mentions; /* those of them that mention the person or everybody; at most UNREAD_MAX */
};
/* What follows from the head alone. out_below: seqs up to this one (0 = none) can't be judged by
 * the head, because its list of uncounted ones does not reach that far: they must be counted in the
 * timeline, down to read_seq, and added by unread_add. */
struct unread unread_from_head(const struct chat_head *head, int64_t read_seq, int64_t *out_below);
struct unread unread_add(struct unread unread, int64_t more);

#endif
