/* GET /internal/operations/{op_id}?chat_id=: what became of an operation. Worker threads. */

#include "app.h"
#include "http/message_json.h"
#include "http/routes.h"

#include <string.h>

static enum cc_code read_chat(struct cc_request *req, const char **out, struct cc_error *err)
{
    const char *chat_id = cc_request_query(req, "chat_id");

    if (chat_id == NULL || !cc_uuid_valid(chat_id, strlen(chat_id)))
        return cc_fail(err, CC_INVALID, "chat_id", "must be a UUID");
    char *copy = cc_arena_strdup(cc_request_arena(req), chat_id);
    cc_uuid_normalise(copy);
    *out = copy;
    return CC_OK;
}

static void write_outcome(struct cc_json_writer *writer, const struct change *found, int64_t now_ms)
{
    cc_json_open_object(writer, NULL);
    if (change_accepted(found)) {
        cc_json_put_text(writer, "outcome", "persisted");
        cc_json_put_int(writer, "rev", found->rev);
        message_json_put_message(writer, "message", &found->message, now_ms);
    } else {
        cc_json_put_text(writer, "outcome", "rejected");
        cc_json_put_text(writer, "code", cc_code_name(found->refusal));
    }
    cc_json_close_object(writer);
}

enum cc_code message_http_operation(struct cc_request *req, struct cc_response *res,
                                    struct cc_error *err)
{
    struct message_app *app = cc_request_app(req);
    const char *op_id = NULL, *chat_id = NULL;
    struct change *found;

    CC_TRY(cc_request_uuid(req, "op_id", &op_id, err));
    CC_TRY(read_chat(req, &chat_id, err));
    CC_TRY(app->store->ops->find_operation(app->store, chat_id, op_id, cc_request_arena(req),
                                           &found, err));
    if (found == NULL)
        return cc_fail(err, CC_NOT_FOUND, NULL, "that operation was never judged");
    write_outcome(cc_response_json(res), found, cc_wall_ms(app->clock));
    return CC_OK;
}
