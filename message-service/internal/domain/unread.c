/* Unread counts. Pure functions, any thread. */

#include "domain/unread.h"

static struct unread limit(int64_t count)
{
    return (struct unread){.count = count > UNREAD_MAX ? UNREAD_MAX : count,
                           .capped = count > UNREAD_MAX};
}

static int64_t uncounted_after(const struct uncounted *uncounted, int64_t seq)
{
    size_t at = uncounted->count;
    while (at > 0 && uncounted->seqs[at - 1] > seq)
        at--;
    return (int64_t)(uncounted->count - at);
}

struct unread unread_from_head(const struct chat_head *head, int64_t read_seq, int64_t *out_below)
{
    const struct uncounted *uncounted = &head->uncounted;
    int64_t from = read_seq < 0 ? 0 : read_seq;

    *out_below = 0;
    if (from >= head->seq)
        return limit(0);
    if (uncounted->count == UNCOUNTED_MAX && from < uncounted->seqs[0] - 1) {
        *out_below = uncounted->seqs[0] - 1;
        from = *out_below;
    }
    struct unread unread = limit(head->seq - from - uncounted_after(uncounted, from));
    if (unread.capped)
        *out_below = 0;
    return unread;
}

struct unread unread_add(struct unread unread, int64_t more)
{
    return unread.capped ? unread : limit(unread.count + more);
}
