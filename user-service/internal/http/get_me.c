/* GET /v1/users/me. Runs on a worker thread. */

#include "app.h"
#include "http/etag.h"
#include "http/handlers.h"
#include "http/user_json.h"

enum cc_code user_http_get_me(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct user_app *app = cc_request_app(req);
    struct user me;

    CC_TRY(user_app_find_living(app, cc_request_caller(req)->user_id, cc_request_arena(req), &me,
                                err));
    user_etag_put(res, me.version);
    user_json_write_me(
        cc_response_json(res), &me,
        user_handle_free_at_ms(&me, cc_wall_ms(app->clock), user_app_cooldown_ms(app)));
    return CC_OK;
}
