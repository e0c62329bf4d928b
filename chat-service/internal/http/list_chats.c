/* GET /v1/chats: the caller's own. */

#include "http/chat_page.h"
#include "http/routes.h"

enum cc_code chat_http_list(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    return chat_page_respond(req, res, cc_request_caller(req)->user_id, err);
}
