/* GET /v1/sessions: where the caller is logged in. Runs on worker threads. */

#include "app.h"
#include "http/auth_json.h"
#include "http/handlers.h"

enum cc_code auth_http_list_sessions(struct cc_request *req, struct cc_response *res,
                                     struct cc_error *err)
{
    struct auth_app *app = cc_request_app(req);
    const struct cc_caller *caller = cc_request_caller(req);
    struct session_list sessions;
    CC_TRY(account_store_list_sessions(app->accounts, caller->user_id, auth_now_ms(app),
                                       cc_request_arena(req), &sessions, err));
    sessions_write(res, &sessions, caller->session_id);
    return CC_OK;
}
