/* DELETE /internal/users/{user_id}: auth-service's deletion of an account, as far as it concerns
 * this service. May be repeated. Runs on a worker thread. */

#include "app.h"
#include "http/handlers.h"

enum cc_code user_http_delete(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct user_app *app = cc_request_app(req);
    const char *user_id;

    CC_TRY(cc_request_uuid(req, "user_id", &user_id, err));
    CC_TRY(user_app_bury(app, user_id, err));
    cc_response_status(res, 204);
    return CC_OK;
}
