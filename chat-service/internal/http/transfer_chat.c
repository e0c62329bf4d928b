/* POST /v1/chats/{chat_id}/transfer {user_id}: that member becomes the owner, the caller an admin.
 */

#include "domain/permissions.h"
#include "http/chat_access.h"
#include "http/chat_json.h"
#include "http/routes.h"

static enum cc_code decide(struct cc_request *req, const struct chat_access *access, void *input,
                           struct chat_change **out, struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);
    struct membership *heir = NULL;

    CC_TRY(chat_member_find(req, access->chat->chat_id, input, &heir, err));
    CC_TRY(chat_may_to(access->chat, access->actor, CHAT_ACT_TRANSFER, heir, err));
    *out = change_transfer(cc_request_arena(req), access->chat, access->actor, heir,
                           cc_wall_ms(app->clock));
    return CC_OK;
}

enum cc_code chat_http_transfer(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err)
{
    struct cc_json_reader *reader = NULL;
    const char *chat_id = NULL, *heir_id = NULL;
    enum chat_reach reach;

    CC_TRY(cc_request_uuid(req, "chat_id", &chat_id, err));
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    if (!chat_json_read_person(reader, &heir_id))
        return cc_json_reader_error(reader, err);
    CC_TRY(chat_change_commit(req, decide, (void *)heir_id, &reach, err));
    return chat_respond(req, res, chat_id, err);
}
