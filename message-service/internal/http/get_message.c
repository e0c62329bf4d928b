/* GET /v1/messages/{message_id}, and what it said before. Worker threads. */

#include "http/message_access.h"
#include "http/message_json.h"
#include "http/routes.h"

enum cc_code message_http_get(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct cc_message *message;

    CC_TRY(message_access(req, &message, err));
    return message_answer(req, res, message, err);
}

/* Versions, oldest first. What was deleted has none: its text is gone from the log as well. */
enum cc_code message_http_history(struct cc_request *req, struct cc_response *res,
                                  struct cc_error *err)
{
    struct message_app *app = cc_request_app(req);
    struct cc_message *message;
    struct change_list versions = {0};

    CC_TRY(message_access(req, &message, err));
    if (!message->deleted)
        CC_TRY(app->store->ops->versions_of(app->store, message->chat_id, message->message_id,
                                            cc_request_arena(req), &versions, err));
    struct cc_json_writer *writer = cc_response_json(res);
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    for (size_t i = 0; i < versions.count; i++)
        message_json_put_version(writer, &versions.items[i]->message);
    cc_json_close_array(writer);
    cc_json_put_null(writer, "next_cursor");
    cc_json_close_object(writer);
    return CC_OK;
}
