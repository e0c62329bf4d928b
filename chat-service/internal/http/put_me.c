/* PUT /v1/chats/{chat_id}/me: the caller's own state of the chat, as a whole. Answers it; the
 * caller's devices are told. */

#include "http/chat_access.h"
#include "http/chat_json.h"
#include "http/routes.h"

static bool replace(const struct personal *before, const void *input, int64_t now_ms,
                    struct personal *out)
{
    return personal_apply(before, input, now_ms, out);
}

enum cc_code chat_http_put_me(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct cc_json_reader *reader = NULL;
    struct personal_wish wish;
    struct chat_access access;
    struct personal result;

    CC_TRY(chat_access_load(req, &access, err));
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    if (!chat_json_read_wish(reader, &wish))
        return cc_json_reader_error(reader, err);
    CC_TRY(chat_personal_change(req, access.chat->chat_id, replace, &wish, &result, err));
    chat_json_put_personal(cc_response_json(res), NULL, &result);
    return CC_OK;
}
