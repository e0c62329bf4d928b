/* DELETE /v1/chats/{chat_id}?scope=: `me` (the default) takes the chat out of the caller's list
 * until something is said in it, and what was said is shown to the caller no more; `everyone` ends
 * the chat for all, as the end of every membership. 204, or 202 when message-service has not heard
 * of it yet. */

#include <string.h>

#include "domain/permissions.h"
#include "http/chat_access.h"
#include "http/routes.h"

static bool clear(const struct personal *before, const void *input, int64_t now_ms,
                  struct personal *out)
{
    const int64_t *head_seq = input;

    *out = personal_clear(before, *head_seq, now_ms);
    return true;
}

static enum cc_code delete_for_me(struct cc_request *req, struct cc_response *res,
                                  struct cc_error *err)
{
    struct chat_access access;
    struct chat_outlet *outlet = ((struct chat_app *)cc_request_app(req))->announcer.outlet;
    struct personal result;
    struct cc_error later;
    int64_t head_seq = 0;

    CC_TRY(chat_access_load(req, &access, err));
    CC_TRY(chat_head_seq(req, access.chat->chat_id, &head_seq, err));
    CC_TRY(chat_personal_change(req, access.chat->chat_id, clear, &head_seq, &result, err));
    bool shown = outlet->ops->await_cleared(outlet, &result, &later) != CC_OK;
    cc_response_status(res, shown ? 202 : 204);
    return CC_OK;
}

static enum cc_code decide(struct cc_request *req, const struct chat_access *access, void *input,
                           struct chat_change **out, struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);

    (void)input;
    CC_TRY(chat_may(access->chat, access->actor, CHAT_ACT_DELETE, err));
    *out = change_delete(cc_request_arena(req), access->chat, access->actor->user_id,
                         cc_wall_ms(app->clock));
    return CC_OK;
}

static enum cc_code delete_for_everyone(struct cc_request *req, struct cc_response *res,
                                        struct cc_error *err)
{
    enum chat_reach reach;

    CC_TRY(chat_change_commit(req, decide, NULL, &reach, err));
    cc_response_status(res, reach == CHAT_REACH_ALL ? 204 : 202);
    return CC_OK;
}

enum cc_code chat_http_delete(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    const char *scope = cc_request_query(req, "scope");

    if (scope == NULL || strcmp(scope, "me") == 0)
        return delete_for_me(req, res, err);
    if (strcmp(scope, "everyone") == 0)
        return delete_for_everyone(req, res, err);
    return cc_fail(err, CC_INVALID, "scope", "must be me or everyone");
}
