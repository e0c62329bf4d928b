#ifndef CHAT_DOMAIN_PERMISSIONS_H
#define CHAT_DOMAIN_PERMISSIONS_H

/*
 * Who may do what in a chat: the table in README.md "Who may do what", as code. Every function
 * answers CC_OK or fills *err. A stranger gets the same CC_NOT_FOUND as somebody who asks for a
 * chat that does not exist. Pure; any thread.
 */

#include "common/error.h"
#include "domain/chat.h"
#include "domain/membership.h"

enum chat_action {
    CHAT_ACT_ADD,         /* people to a group */
    CHAT_ACT_EDIT,        /* title, description, avatar */
    CHAT_ACT_CONFIGURE,   /* who may post, history for newcomers, retention */
    CHAT_ACT_REMOVE,      /* a member */
    CHAT_ACT_BAN,         /* a member or a former one: out, and not to be added again */
    CHAT_ACT_UNBAN,       /* may be added again */
    CHAT_ACT_LIST_BANNED, /* see who is banned */
    CHAT_ACT_SET_ROLE,    /* of a member */
    CHAT_ACT_TRANSFER,    /* the own ownership to another member */
    CHAT_ACT_LEAVE,
    CHAT_ACT_DELETE, /* the chat, for everybody */
    CHAT_ACTION_COUNT
};

/* chat and actor may be NULL (absent). Check this before any of the others. */
CC_MUST_CHECK enum cc_code chat_may_see(const struct chat *chat, const struct membership *actor,
                                        struct cc_error *err);
/* May somebody in this role do this at all? CC_FORBIDDEN; CC_CONFLICT in a direct chat. */
CC_MUST_CHECK enum cc_code chat_may(const struct chat *chat, const struct membership *actor,
                                    enum chat_action action, struct cc_error *err);
/* The same, to this person. target may be NULL (never was a member).
 * CC_NOT_FOUND: not somebody of whom this can be said; CC_CONFLICT: not to oneself, or the group
 * would lose its last owner; CC_FORBIDDEN: an owner, or a role that is not below the actor's. */
CC_MUST_CHECK enum cc_code chat_may_to(const struct chat *chat, const struct membership *actor,
                                       enum chat_action action, const struct membership *target,
                                       struct cc_error *err);

#endif
