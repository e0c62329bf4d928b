/* POST /v1/chats/{chat_id}/messages: the same pipeline as the socket's. Produces the operation and
 * waits up to 2 s for its outcome. Worker threads. Stores nothing itself. */

#include "app.h"
#include "http/message_json.h"
#include "http/routes.h"
#include "http/submit.h"

static enum cc_code read_operation(struct cc_request *req, const char *chat_id,
                                   struct ev_message_created *out, struct cc_error *err)
{
    const struct cc_caller *caller = cc_request_caller(req);
    struct cc_json_reader *reader;

    *out = (struct ev_message_created){
        .op = CC_OP_CREATE,
        .chat_id = chat_id,
        .sender_id = caller->user_id,
        .device_id = caller->device_id,
        .emoji = "",
    };
    CC_TRY(submit_key(req, &out->client_msg_id, err));
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    return message_json_read_send(reader, out) ? CC_OK : cc_json_reader_error(reader, err);
}

/* Who has just sent it knows what it says; who repeats it reads it as everybody does. */
static void answer(struct cc_response *res, const struct submitted *submitted, int64_t now_ms)
{
    if (submitted->state == SUBMIT_UNKNOWN) {
        submit_answer_unknown(res, submitted->op_id);
        return;
    }
    bool repeated = submitted->state == SUBMIT_REPEATED;
    cc_response_status(res, repeated ? 200 : 201);
    if (repeated)
        cc_response_header(res, "Idempotent-Replayed", "true");
    message_json_put_message(cc_response_json(res), NULL, &submitted->message,
                             repeated ? now_ms : submitted->message.created_at_ms);
}

enum cc_code message_http_send(struct cc_request *req, struct cc_response *res,
                               struct cc_error *err)
{
    struct message_app *app = cc_request_app(req);
    struct ev_message_created operation;
    struct submitted submitted;
    const char *chat_id;

    CC_TRY(cc_request_uuid(req, "chat_id", &chat_id, err));
    CC_TRY(read_operation(req, chat_id, &operation, err));
    CC_TRY(message_members_may_post(app->members, chat_id, operation.sender_id, err));
    CC_TRY(submit_operation(app, req, &operation, &submitted, err));
    answer(res, &submitted, cc_wall_ms(app->clock));
    return CC_OK;
}
