/* DELETE /internal/users/{user_id}: auth-service's deletion of an account, as far as it concerns
 * this service. May be repeated. Runs on a worker thread. */

#include "app.h"
#include "http/handlers.h"

enum cc_code user_http_delete(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct user_app *app = cc_request_app(req);
    char event_id[CC_UUID_BYTES];
    const char *user_id;

    CC_TRY(cc_request_uuid(req, "user_id", &user_id, err));
    struct user_fact fact = user_app_fact(app, user_id, "deleted", event_id);
    struct user_hold hold = user_app_hold(app);
    CC_TRY(user_store_bury(app->store, user_id, &fact, &hold, err));
    user_publisher_wake(app->publisher);
    cc_response_status(res, 204);
    return CC_OK;
}
