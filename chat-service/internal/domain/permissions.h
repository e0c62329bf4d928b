#ifndef CHAT_DOMAIN_PERMISSIONS_H
#define CHAT_DOMAIN_PERMISSIONS_H

/*
 * Who may do what in a chat. Every function answers CC_OK or fills *err. A stranger gets the same
 * CC_NOT_FOUND as somebody who asks for a chat that does not exist.
 */

#include "common/error.h"
#include "domain/chat.h"
#include "domain/membership.h"

/* chat and actor may be NULL (absent). Check this before any of the others. */
CC_MUST_CHECK enum cc_code chat_may_see(const struct chat *chat, const struct membership *actor,
                                        struct cc_error *err);
/* Owners and admins; groups only. */
CC_MUST_CHECK enum cc_code chat_may_add(const struct chat *chat, const struct membership *actor,
                                        struct cc_error *err);
CC_MUST_CHECK enum cc_code chat_may_rename(const struct chat *chat, const struct membership *actor,
                                           struct cc_error *err);
/* An owner removes anybody else, an admin removes plain members. target may be NULL or inactive:
 * CC_NOT_FOUND. */
CC_MUST_CHECK enum cc_code chat_may_remove(const struct chat *chat, const struct membership *actor,
                                           const struct membership *target, struct cc_error *err);
CC_MUST_CHECK enum cc_code chat_may_leave(const struct chat *chat, struct cc_error *err);

#endif
