/* GET /v1/sessions and GET /v1/devices: where the caller is logged in. Runs on worker threads. A
 * device has one session: both lists have the same rows, seen from either side. */

#include "app.h"
#include "http/auth_json.h"
#include "http/handlers.h"

static enum cc_code list(struct cc_request *req, struct session_list *out, struct cc_error *err)
{
    struct auth_app *app = cc_request_app(req);
    return account_store_list_sessions(app->accounts, cc_request_caller(req)->user_id,
                                       auth_now_ms(app), cc_request_arena(req), out, err);
}

enum cc_code auth_http_list_sessions(struct cc_request *req, struct cc_response *res,
                                     struct cc_error *err)
{
    struct session_list sessions;
    CC_TRY(list(req, &sessions, err));
    sessions_write(res, &sessions, cc_request_caller(req)->session_id);
    return CC_OK;
}

enum cc_code auth_http_list_devices(struct cc_request *req, struct cc_response *res,
                                    struct cc_error *err)
{
    struct session_list sessions;
    CC_TRY(list(req, &sessions, err));
    devices_write(res, &sessions, cc_request_caller(req)->session_id);
    return CC_OK;
}
