/* The table of rights, as code. Any thread; pure. */

#include "domain/permissions.h"

#include <string.h>

enum cc_code chat_may_see(const struct chat *chat, const struct membership *actor,
                          struct cc_error *err)
{
    if (chat == NULL || chat->deleted || !membership_active(actor))
        return cc_fail(err, CC_NOT_FOUND, NULL, "there is no such chat");
    return CC_OK;
}

static enum cc_code must_be_group(const struct chat *chat, struct cc_error *err)
{
    if (chat->type != CHAT_GROUP)
        return cc_fail(err, CC_CONFLICT, NULL, "a direct chat always has the same two people");
    return CC_OK;
}

static enum cc_code must_manage(const struct membership *actor, struct cc_error *err)
{
    if (actor->role == MEMBER_PLAIN)
        return cc_fail(err, CC_FORBIDDEN, NULL, "only owners and admins may do this");
    return CC_OK;
}

enum cc_code chat_may_add(const struct chat *chat, const struct membership *actor,
                          struct cc_error *err)
{
    CC_TRY(must_be_group(chat, err));
    return must_manage(actor, err);
}

enum cc_code chat_may_rename(const struct chat *chat, const struct membership *actor,
                             struct cc_error *err)
{
    CC_TRY(must_be_group(chat, err));
    return must_manage(actor, err);
}

enum cc_code chat_may_remove(const struct chat *chat, const struct membership *actor,
                             const struct membership *target, struct cc_error *err)
{
    CC_TRY(must_be_group(chat, err));
    CC_TRY(must_manage(actor, err));
    if (!membership_active(target))
        return cc_fail(err, CC_NOT_FOUND, NULL, "that person is not a member");
    if (strcmp(actor->user_id, target->user_id) == 0)
        return cc_fail(err, CC_CONFLICT, NULL, "to go yourself, leave the chat");
    if (target->role <= actor->role)
        return cc_fail(err, CC_FORBIDDEN, NULL, "that person's role is not below yours");
    return CC_OK;
}

enum cc_code chat_may_leave(const struct chat *chat, struct cc_error *err)
{
    return must_be_group(chat, err);
}
