/* DELETE /v1/chats/{chat_id}/members/{user_id}: 204 once nothing of that person can get in any
 * more, 202 when that takes longer. */

#include "domain/permissions.h"
#include "http/chat_access.h"
#include "http/routes.h"

static enum cc_code decide(struct cc_request *req, const struct chat_access *access, void *input,
                           struct chat_change **out, struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);
    const char *target_id = input;
    struct membership *target = NULL;

    CC_TRY(chat_member_find(req, access->chat->chat_id, target_id, &target, err));
    CC_TRY(chat_may_to(access->chat, access->actor, CHAT_ACT_REMOVE, target, err));
    *out = change_remove(cc_request_arena(req), access->chat, access->actor->user_id, target,
                         cc_wall_ms(app->clock));
    return CC_OK;
}

enum cc_code chat_http_remove_member(struct cc_request *req, struct cc_response *res,
                                     struct cc_error *err)
{
    const char *target_id = NULL;
    enum chat_reach reach;

    CC_TRY(cc_request_uuid(req, "user_id", &target_id, err));
    CC_TRY(chat_change_commit(req, decide, (void *)target_id, &reach, err));
    cc_response_status(res, reach == CHAT_REACH_ALL ? 204 : 202);
    return CC_OK;
}
