#ifndef CHAT_DOMAIN_MEMBERSHIP_H
#define CHAT_DOMAIN_MEMBERSHIP_H

/*
 * One person in one chat, present or former. A membership is never deleted while its chat lives:
 * whoever decides an old operation needs to know that somebody was removed, and when.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/chat_terms.h"

struct membership {
    const char *chat_id;
    const char *user_id;
    enum cc_chat_role role;
    enum cc_member_state state;
    int64_t version; /* of the chat, at the last change of this membership */
    int64_t joined_at_ms;
    int64_t joined_seq; /* head of the chat when the person came; 0 for founders */
    int64_t place;      /* in the chat's list: 0 for who founded it, then as people first came */
};

/* `member` may be NULL: nobody is not active. */
bool membership_active(const struct membership *member);

/* False of whoever can't be one of the two of a direct chat. */
bool membership_may_be_direct(const struct membership *member);

/* For qsort: by place, ascending. */
int membership_compare_places(const void *left, const void *right);

/* Who owns the chat after `leaver`: the admin, else the member, who has been in it longest; NULL
 * when nobody else is active. */
const struct membership *membership_successor(const struct membership *members, size_t count,
                                              const char *leaver_id);

#endif
