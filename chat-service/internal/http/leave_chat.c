/* POST /v1/chats/{chat_id}/leave: 204, or 202 as for a removal. The last owner's place is taken by
 * the admin, else the member, who has been in the chat longest. */

#include "domain/permissions.h"
#include "http/chat_access.h"
#include "http/routes.h"
#include "leaving.h"

static enum cc_code decide(struct cc_request *req, const struct chat_access *access, void *input,
                           struct chat_change **out, struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);

    (void)input;
    CC_TRY(chat_may(access->chat, access->actor, CHAT_ACT_LEAVE, err));
    return chat_leaving_change(app->store, access->chat, access->actor, cc_wall_ms(app->clock),
                               cc_request_arena(req), out, err);
}

enum cc_code chat_http_leave(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    enum chat_reach reach;

    CC_TRY(chat_change_commit(req, decide, NULL, &reach, err));
    cc_response_status(res, reach == CHAT_REACH_ALL ? 204 : 202);
    return CC_OK;
}
