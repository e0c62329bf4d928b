/* Rules about one person in one chat. Any thread; pure. */

#include "domain/membership.h"

#include <string.h>

bool membership_active(const struct membership *member)
{
    return member != NULL && member->state == CC_MEMBER_ACTIVE;
}

bool membership_may_be_direct(const struct membership *member)
{
    /* The two are equals, and nobody came after them. */
    return member->role == CC_ROLE_MEMBER && member->place < 2;
}

int membership_compare_places(const void *left, const void *right)
{
    const struct membership *a = left, *b = right;

    return (a->place > b->place) - (a->place < b->place);
}

static bool precedes(const struct membership *a, const struct membership *b)
{
    if (a->role != b->role)
        return a->role > b->role;
    if (a->joined_at_ms != b->joined_at_ms)
        return a->joined_at_ms < b->joined_at_ms;
    return strcmp(a->user_id, b->user_id) < 0;
}

const struct membership *membership_successor(const struct membership *members, size_t count,
                                              const char *leaver_id)
{
    const struct membership *best = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct membership *one = &members[i];

        if (!membership_active(one) || strcmp(one->user_id, leaver_id) == 0)
            continue;
        if (best == NULL || precedes(one, best))
            best = one;
    }
    return best;
}
