/* PUT and DELETE /v1/users/me/blocks/{user_id}: whom the caller wants nothing from. Both may be
 * repeated. Run on worker threads. */

#include "app.h"
#include "http/handlers.h"

#include <string.h>

#define FACT "blocks"

enum cc_code user_http_block(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct user_app *app = cc_request_app(req);
    const char *caller_id = cc_request_caller(req)->user_id, *other_id;
    char event_id[CC_UUID_BYTES];

    CC_TRY(cc_request_uuid(req, "user_id", &other_id, err));
    if (strcmp(caller_id, other_id) == 0)
        return cc_fail(err, CC_INVALID, "user_id", "nobody can block themselves");
    struct user_fact fact = user_app_fact(app, caller_id, FACT, event_id);
    CC_TRY(user_choices_block(app->choices, caller_id, other_id, &fact, err));
    user_publisher_wake(app->publisher);
    cc_response_status(res, 204);
    return CC_OK;
}

enum cc_code user_http_unblock(struct cc_request *req, struct cc_response *res,
                               struct cc_error *err)
{
    struct user_app *app = cc_request_app(req);
    const char *caller_id = cc_request_caller(req)->user_id, *other_id;
    char event_id[CC_UUID_BYTES];

    CC_TRY(cc_request_uuid(req, "user_id", &other_id, err));
    struct user_fact fact = user_app_fact(app, caller_id, FACT, event_id);
    CC_TRY(user_choices_unblock(app->choices, caller_id, other_id, &fact, err));
    user_publisher_wake(app->publisher);
    cc_response_status(res, 204);
    return CC_OK;
}
