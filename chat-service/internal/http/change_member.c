/* PATCH /v1/chats/{chat_id}/members/{user_id}: {role}, or {banned}. 200 with the membership as it
 * is now; 202 for a ban that takes longer, as for a removal. */

#include "domain/permissions.h"
#include "http/chat_access.h"
#include "http/chat_json.h"
#include "http/routes.h"

struct wish {
    const char *target_id;
    struct chat_member_input in;
    struct membership result; /* as it is afterwards */
};

static struct chat_change *build(struct cc_request *req, const struct chat_access *access,
                                 enum chat_action action, const struct membership *target,
                                 enum cc_chat_role role)
{
    struct chat_app *app = cc_request_app(req);
    struct cc_arena *arena = cc_request_arena(req);
    const char *actor_id = access->actor->user_id;
    int64_t now_ms = cc_wall_ms(app->clock);

    if (action == CHAT_ACT_BAN)
        return change_ban(arena, access->chat, actor_id, target, now_ms);
    if (action == CHAT_ACT_UNBAN)
        return change_unban(arena, access->chat, actor_id, target, now_ms);
    return change_role(arena, access->chat, actor_id, target, role, now_ms);
}

static bool is_so_already(const struct wish *wish, const struct membership *target)
{
    if (wish->in.action == CHAT_ACT_SET_ROLE)
        return target->role == wish->in.role;
    return wish->in.action == CHAT_ACT_BAN && target->state == CC_MEMBER_BANNED;
}

static enum cc_code decide(struct cc_request *req, const struct chat_access *access, void *input,
                           struct chat_change **out, struct cc_error *err)
{
    struct wish *wish = input;
    struct membership *target = NULL;

    CC_TRY(chat_member_find(req, access->chat->chat_id, wish->target_id, &target, err));
    CC_TRY(chat_may_to(access->chat, access->actor, wish->in.action, target, err));
    wish->result = *target;
    if (is_so_already(wish, target))
        return CC_OK;
    *out = build(req, access, wish->in.action, target, wish->in.role);
    wish->result = (*out)->members[0];
    return CC_OK;
}

enum cc_code chat_http_change_member(struct cc_request *req, struct cc_response *res,
                                     struct cc_error *err)
{
    struct cc_json_reader *reader = NULL;
    struct wish wish = {0};
    enum chat_reach reach;

    CC_TRY(cc_request_uuid(req, "user_id", &wish.target_id, err));
    CC_TRY(cc_request_json(req, "application/merge-patch+json", &reader, err));
    if (!chat_json_read_member(reader, &wish.in))
        return cc_json_reader_error(reader, err);
    CC_TRY(chat_change_commit(req, decide, &wish, &reach, err));
    if (reach == CHAT_REACH_LATER && wish.in.action == CHAT_ACT_BAN)
        cc_response_status(res, 202);
    chat_json_put_member(cc_response_json(res), &wish.result);
    return CC_OK;
}
