/* GET /v1/users/{user_id} and the same for other daemons: a profile is visible to any signed-in
 * person. Runs on a worker thread. */

#include "app.h"
#include "http/handlers.h"
#include "http/user_json.h"

enum cc_code user_http_get_user(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err)
{
    struct user_app *app = cc_request_app(req);
    const char *user_id;
    struct user user;

    CC_TRY(cc_request_uuid(req, "user_id", &user_id, err));
    CC_TRY(user_store_find(app->store, user_id, cc_request_arena(req), &user, err));
    user_json_write_public(cc_response_json(res), NULL, &user);
    return CC_OK;
}
