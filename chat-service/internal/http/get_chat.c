/* GET /v1/chats/{chat_id} */

#include "http/chat_access.h"
#include "http/routes.h"

enum cc_code chat_http_get(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct chat_access access;

    CC_TRY(chat_access_load(req, &access, err));
    return chat_respond(req, res, access.chat->chat_id, err);
}
