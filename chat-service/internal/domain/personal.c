/* One person's state of one chat. Any thread; pure. Knows no store. */

#include "domain/personal.h"

const char *const personal_notify_names[] = {"default", "all", "mentions", "none", NULL};

static struct personal next_of(const struct personal *before, int64_t at_ms)
{
    struct personal next = *before;

    next.version++;
    next.at_ms = at_ms;
    next.announced = false;
    return next;
}

static bool same(const struct personal_wish *a, const struct personal_wish *b)
{
    return a->mute_until_ms == b->mute_until_ms && a->pinned == b->pinned &&
           a->archived == b->archived && a->marked_unread == b->marked_unread &&
           a->notify == b->notify;
}

bool personal_apply(const struct personal *before, const struct personal_wish *wish, int64_t at_ms,
                    struct personal *out)
{
    if (same(&before->wish, wish))
        return false;
    *out = next_of(before, at_ms);
    out->wish = *wish;
    return true;
}

struct personal personal_clear(const struct personal *before, int64_t head_seq, int64_t at_ms)
{
    struct personal next = next_of(before, at_ms);

    next.cleared = true;
    if (head_seq > next.cleared_seq)
        next.cleared_seq = head_seq;
    next.wish.pinned = next.wish.archived = next.wish.marked_unread = false;
    return next;
}

int64_t chat_floor(const struct chat *chat, const struct membership *reader,
                   const struct personal *personal)
{
    bool since_joining = chat->rules.history == CC_HISTORY_JOINED && reader != NULL;
    int64_t joined_seq = since_joining ? reader->joined_seq : 0;
    int64_t cleared_seq = personal == NULL ? 0 : personal->cleared_seq;

    return joined_seq > cleared_seq ? joined_seq : cleared_seq;
}

bool personal_hides(const struct personal *personal, const struct chat_activity *activity)
{
    return personal != NULL && personal->cleared && activity->seq <= personal->cleared_seq;
}
