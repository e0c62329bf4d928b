/* POST /v1/chats/{chat_id}/messages: the same pipeline as the socket's. Produces the operation and
 * waits up to 2 s for its outcome. Worker threads. Stores nothing itself. */

#include <string.h>

#include "app.h"
#include "events/event_payload.h"
#include "http/message_json.h"
#include "http/routes.h"
#include "http/submit.h"

#define KEY_MAX_BYTES 128

static enum cc_code read_key(struct cc_request *req, const char **out, struct cc_error *err)
{
    const char *key = cc_request_header(req, "Idempotency-Key");
    size_t length = key == NULL ? 0 : strlen(key);

    if (length == 0)
        return cc_fail(err, CC_INVALID, "Idempotency-Key", "is missing");
    if (length > KEY_MAX_BYTES)
        return cc_fail(err, CC_INVALID, "Idempotency-Key", "has more than %d bytes", KEY_MAX_BYTES);
    *out = key;
    return CC_OK;
}

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
    CC_TRY(read_key(req, &out->client_msg_id, err));
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    return message_json_read_send(reader, out) ? CC_OK : cc_json_reader_error(reader, err);
}

static void answer(struct cc_response *res, const struct submitted *submitted)
{
    struct cc_json_writer *writer = cc_response_json(res);

    if (submitted->state == SUBMIT_UNKNOWN) {
        cc_response_status(res, 202);
        cc_json_open_object(writer, NULL);
        cc_json_put_text(writer, "message_id", submitted->op_id);
        cc_json_close_object(writer);
        return;
    }
    bool repeated = submitted->state == SUBMIT_REPEATED;
    cc_response_status(res, repeated ? 200 : 201);
    if (repeated)
        cc_response_header(res, "Idempotent-Replayed", "true");
    message_json_put_message(writer, NULL, &submitted->message);
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
    answer(res, &submitted);
    return CC_OK;
}
