/* From {message_id} to its message, for members only. Worker threads. */

#include "http/message_access.h"

#include "http/message_json.h"
#include "http/personal.h"
#include "standing.h"

static enum cc_code no_such_message(struct cc_error *err)
{
    return cc_fail(err, CC_NOT_FOUND, NULL, "there is no such message");
}

enum cc_code message_access(struct cc_request *req, struct cc_message **out, struct cc_error *err)
{
    const char *message_id;

    CC_TRY(cc_request_uuid(req, "message_id", &message_id, err));
    return message_access_one(req, message_id, out, err);
}

enum cc_code message_access_one(struct cc_request *req, const char *message_id,
                                struct cc_message **out, struct cc_error *err)
{
    struct message_app *app = cc_request_app(req);
    const char *user_id = cc_request_caller(req)->user_id;
    struct cc_message *found;
    struct standing standing;
    bool sees;

    CC_TRY(app->store->ops->find_message(app->store, NULL, message_id, cc_request_arena(req),
                                         &found, err));
    if (found == NULL)
        return no_such_message(err);
    enum cc_code code =
        standing_of_member(app->members, app->store, found->chat_id, user_id, &standing, err);
    if (code == CC_NOT_FOUND)
        return no_such_message(err);
    if (code != CC_OK)
        return code;
    CC_TRY(personal_sees(app->store, user_id, standing.floor_seq, found, cc_request_arena(req),
                         &sees, err));
    if (!sees)
        return no_such_message(err);
    *found = cc_message_as_of(found, cc_wall_ms(app->clock));
    *out = found;
    return CC_OK;
}

enum cc_code message_answer(struct cc_request *req, struct cc_response *res,
                            const struct cc_message *message, struct cc_error *err)
{
    struct message_app *app = cc_request_app(req);
    struct cc_message personal = *message;
    struct message_list one = {&personal, 1};

    CC_TRY(personal_view(app->store, cc_request_caller(req)->user_id, &one, cc_request_arena(req),
                         err));
    if (one.count == 0)
        return no_such_message(err); /* hidden meanwhile */
    message_json_put_message(cc_response_json(res), NULL, &personal, cc_wall_ms(app->clock));
    return CC_OK;
}
