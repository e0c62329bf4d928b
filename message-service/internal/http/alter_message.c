/* PATCH and DELETE /v1/messages/{message_id}, PUT and DELETE of its reactions and its pin: the same
 * pipeline as a send. The rules are in domain/decide.c; here the operation is named, produced, and
 * its outcome awaited. Worker threads. */

#include <string.h>

#include "http/hide_message.h"
#include "http/message_access.h"
#include "http/message_json.h"
#include "http/routes.h"
#include "http/submit.h"

/* The operation that the path names, on a message that the caller may read. */
static enum cc_code start_operation(struct cc_request *req, enum cc_op op,
                                    struct ev_message_created *out, struct cc_error *err)
{
    const struct cc_caller *caller = cc_request_caller(req);
    struct cc_message *target;

    CC_TRY(message_access(req, &target, err));
    *out = (struct ev_message_created){
        .op = op,
        .chat_id = target->chat_id,
        .sender_id = caller->user_id,
        .device_id = caller->device_id,
        .type = "",
        .body = "",
        .emoji = "",
        .target_message_id = target->message_id,
    };
    return submit_key_or_new(req, &out->client_msg_id, err);
}

static enum cc_code finish_operation(struct cc_request *req, struct cc_response *res,
                                     struct ev_message_created *operation, struct cc_error *err)
{
    struct submitted submitted;

    CC_TRY(submit_operation(cc_request_app(req), req, operation, &submitted, err));
    if (submitted.state == SUBMIT_UNKNOWN) {
        submit_answer_unknown(res, operation->target_message_id);
        return CC_OK;
    }
    if (submitted.state == SUBMIT_REPEATED)
        cc_response_header(res, "Idempotent-Replayed", "true");
    return message_answer(req, res, &submitted.message, err);
}

enum cc_code message_http_edit(struct cc_request *req, struct cc_response *res,
                               struct cc_error *err)
{
    struct ev_message_created operation;
    struct cc_json_reader *reader;

    CC_TRY(start_operation(req, CC_OP_EDIT, &operation, err));
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    if (!message_json_read_edit(reader, &operation))
        return cc_json_reader_error(reader, err);
    return finish_operation(req, res, &operation, err);
}

static enum cc_code hide(struct cc_request *req, struct cc_error *err)
{
    struct cc_message *message;

    CC_TRY(message_access(req, &message, err));
    return message_hide(cc_request_app(req), cc_request_caller(req)->user_id, message,
                        cc_request_arena(req), err);
}

enum cc_code message_http_delete(struct cc_request *req, struct cc_response *res,
                                 struct cc_error *err)
{
    const char *scope = cc_request_query(req, "scope");
    struct ev_message_created operation;

    if (scope != NULL && strcmp(scope, "me") == 0)
        return hide(req, err);
    if (scope != NULL && strcmp(scope, "everyone") != 0)
        return cc_fail(err, CC_INVALID, "scope", "must be everyone or me");
    CC_TRY(start_operation(req, CC_OP_DELETE, &operation, err));
    return finish_operation(req, res, &operation, err);
}

static enum cc_code react(struct cc_request *req, struct cc_response *res, bool on,
                          struct cc_error *err)
{
    const char *emoji = cc_request_param(req, "emoji");
    struct ev_message_created operation;

    if (!cc_reaction_valid(emoji))
        return cc_fail(err, CC_INVALID, "emoji", "is not a reaction");
    CC_TRY(start_operation(req, CC_OP_REACT, &operation, err));
    operation.emoji = emoji;
    operation.on = on;
    return finish_operation(req, res, &operation, err);
}

enum cc_code message_http_react(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err)
{
    return react(req, res, true, err);
}

enum cc_code message_http_unreact(struct cc_request *req, struct cc_response *res,
                                  struct cc_error *err)
{
    return react(req, res, false, err);
}

static enum cc_code pin(struct cc_request *req, struct cc_response *res, bool on,
                        struct cc_error *err)
{
    struct ev_message_created operation;

    CC_TRY(start_operation(req, CC_OP_PIN, &operation, err));
    operation.on = on;
    return finish_operation(req, res, &operation, err);
}

enum cc_code message_http_pin(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    return pin(req, res, true, err);
}

enum cc_code message_http_unpin(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err)
{
    return pin(req, res, false, err);
}
