/* POST /v1/chats/{chat_id}/leave: 204, or 202 as for a removal. The last owner's place is taken by
 * the admin, else the member, who has been in the chat longest. */

#include "domain/permissions.h"
#include "http/chat_access.h"
#include "http/routes.h"

static enum cc_code find_successor(struct cc_request *req, const struct chat_access *access,
                                   const struct membership **out, struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);
    struct chat_member_query everybody = {
        .chat = access->chat, .filter = CHAT_MEMBERS_ACTIVE, .limit = CHAT_MEMBERS_MAX};
    struct chat_member_list members = {0};

    *out = NULL;
    if (access->actor->role != MEMBER_OWNER || access->chat->owner_count > 1)
        return CC_OK;
    CC_TRY(app->store->ops->list_members(app->store, &everybody, cc_request_arena(req), &members,
                                         err));
    *out = membership_successor(members.items, members.count, access->actor->user_id);
    return CC_OK;
}

static enum cc_code decide(struct cc_request *req, const struct chat_access *access, void *input,
                           struct chat_change **out, struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);
    const struct membership *successor = NULL;

    (void)input;
    CC_TRY(chat_may(access->chat, access->actor, CHAT_ACT_LEAVE, err));
    CC_TRY(find_successor(req, access, &successor, err));
    *out = change_leave(cc_request_arena(req), access->chat, access->actor, successor,
                        cc_wall_ms(app->clock));
    return CC_OK;
}

enum cc_code chat_http_leave(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    enum chat_reach reach;

    CC_TRY(chat_change_commit(req, decide, NULL, &reach, err));
    cc_response_status(res, reach == CHAT_REACH_ALL ? 204 : 202);
    return CC_OK;
}
