/* The table of rights. Any thread; pure. */

#include "domain/permissions.h"

#include <string.h>

/* What must be true of the person to whom it is done. */
enum target_rule {
    TARGET_NONE,         /* it is done to nobody */
    TARGET_BELOW,        /* a member whose role is below the actor's */
    TARGET_BELOW_OR_OUT, /* the same, or somebody who is out already */
    TARGET_BANNED,
    TARGET_NO_OTHER_OWNER, /* a member who is no owner; oneself while another owner stays */
    TARGET_NO_OWNER,       /* another member who is no owner */
};

#define OWNER   (1u << CC_ROLE_OWNER)
#define ADMIN   (1u << CC_ROLE_ADMIN)
#define PLAIN   (1u << CC_ROLE_MEMBER)
#define MANAGER (OWNER | ADMIN)
#define ANYBODY (MANAGER | PLAIN)

/* clang-format off: columns are the point */
static const struct rule {
    unsigned roles;
    enum target_rule target;
} rules[CHAT_ACTION_COUNT] = {
    /*                        roles    to whom               */
    [CHAT_ACT_ADD] = {MANAGER, TARGET_NONE},
    [CHAT_ACT_EDIT] = {MANAGER, TARGET_NONE},
    [CHAT_ACT_CONFIGURE] = {MANAGER, TARGET_NONE},
    [CHAT_ACT_REMOVE] = {MANAGER, TARGET_BELOW},
    [CHAT_ACT_BAN] = {MANAGER, TARGET_BELOW_OR_OUT},
    [CHAT_ACT_UNBAN] = {MANAGER, TARGET_BANNED},
    [CHAT_ACT_LIST_BANNED] = {MANAGER, TARGET_NONE},
    [CHAT_ACT_SET_ROLE] = {OWNER, TARGET_NO_OTHER_OWNER},
    [CHAT_ACT_TRANSFER] = {OWNER, TARGET_NO_OWNER},
    [CHAT_ACT_LEAVE] = {ANYBODY, TARGET_NONE},
    [CHAT_ACT_DELETE] = {OWNER, TARGET_NONE},
};
/* clang-format on */

enum cc_code chat_may_see(const struct chat *chat, const struct membership *actor,
                          struct cc_error *err)
{
    if (chat == NULL || chat->deleted || !membership_active(actor))
        return cc_fail(err, CC_NOT_FOUND, NULL, "there is no such chat");
    return CC_OK;
}

enum cc_code chat_may(const struct chat *chat, const struct membership *actor,
                      enum chat_action action, struct cc_error *err)
{
    if (chat->type != CHAT_GROUP)
        return cc_fail(err, CC_CONFLICT, NULL,
                       "a direct chat has no roles and always the same two people");
    if ((rules[action].roles & (1u << actor->role)) == 0)
        return cc_fail(err, CC_FORBIDDEN, NULL,
                       rules[action].roles == OWNER ? "only an owner may do this"
                                                    : "only owners and admins may do this");
    return CC_OK;
}

static enum cc_code no_member(struct cc_error *err)
{
    return cc_fail(err, CC_NOT_FOUND, NULL, "that person is not a member");
}

static enum cc_code must_be_below(const struct membership *actor, const struct membership *target,
                                  struct cc_error *err)
{
    if (target == NULL || !membership_active(target))
        return no_member(err);
    if (target->role >= actor->role)
        return cc_fail(err, CC_FORBIDDEN, NULL, "that person's role is not below yours");
    return CC_OK;
}

static enum cc_code must_be_banned(const struct membership *target, struct cc_error *err)
{
    if (target == NULL || target->state != CC_MEMBER_BANNED)
        return cc_fail(err, CC_NOT_FOUND, NULL, "that person is not banned");
    return CC_OK;
}

static enum cc_code must_be_no_owner(const struct membership *target, struct cc_error *err)
{
    if (target == NULL || !membership_active(target))
        return no_member(err);
    if (target->role == CC_ROLE_OWNER)
        return cc_fail(err, CC_FORBIDDEN, NULL, "that person is an owner");
    return CC_OK;
}

static enum cc_code must_not_be_last_owner(const struct chat *chat, struct cc_error *err)
{
    if (chat->owner_count < 2)
        return cc_fail(err, CC_CONFLICT, NULL, "a group keeps an owner: name another one first");
    return CC_OK;
}

static enum cc_code judge_target(const struct chat *chat, const struct membership *actor,
                                 enum target_rule rule, const struct membership *target,
                                 struct cc_error *err)
{
    bool self = target != NULL && strcmp(actor->user_id, target->user_id) == 0;

    if (self && rule == TARGET_NO_OTHER_OWNER)
        return must_not_be_last_owner(chat, err);
    if (self)
        return cc_fail(err, CC_CONFLICT, NULL, "this can't be done to oneself");
    switch (rule) {
    case TARGET_NONE:
        break;
    case TARGET_BELOW_OR_OUT:
    case TARGET_BELOW:
        if (rule == TARGET_BELOW_OR_OUT && target != NULL && !membership_active(target))
            break;
        return must_be_below(actor, target, err);
    case TARGET_BANNED:
        return must_be_banned(target, err);
    case TARGET_NO_OTHER_OWNER:
    case TARGET_NO_OWNER:
        return must_be_no_owner(target, err);
    }
    return CC_OK;
}

enum cc_code chat_may_to(const struct chat *chat, const struct membership *actor,
                         enum chat_action action, const struct membership *target,
                         struct cc_error *err)
{
    CC_TRY(chat_may(chat, actor, action, err));
    return judge_target(chat, actor, rules[action].target, target, err);
}
