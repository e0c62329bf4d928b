/* GET /v1/admin/users/{user_id}, POST .../suspend and .../reinstate. Runs on worker threads; the
 * route table lets only administrators in. */

#include <string.h>

#include "app.h"
#include "http/auth_json.h"
#include "http/handlers.h"
#include "standing.h"

/* Who is meant: not the caller, who would lock himself out. */
static enum cc_code read_target(struct cc_request *req, const char **out, struct cc_error *err)
{
    CC_TRY(cc_request_uuid(req, "user_id", out, err));
    if (strcmp(*out, cc_request_caller(req)->user_id) == 0)
        return cc_fail(err, CC_UNPROCESSABLE, NULL, "Not to one's own account.");
    return CC_OK;
}

enum cc_code auth_http_admin_get_user(struct cc_request *req, struct cc_response *res,
                                      struct cc_error *err)
{
    struct auth_app *app = cc_request_app(req);
    const char *user_id;
    struct account account;
    CC_TRY(cc_request_uuid(req, "user_id", &user_id, err));
    CC_TRY(account_store_find_by_id(app->accounts, user_id, &account, err));
    account_write(res, &account);
    return CC_OK;
}

enum cc_code auth_http_admin_suspend(struct cc_request *req, struct cc_response *res,
                                     struct cc_error *err)
{
    const char *user_id;
    (void)res; /* nothing to say: 204 */
    CC_TRY(read_target(req, &user_id, err));
    return auth_suspend(cc_request_app(req), user_id, cc_request_arena(req), err);
}

enum cc_code auth_http_admin_reinstate(struct cc_request *req, struct cc_response *res,
                                       struct cc_error *err)
{
    const char *user_id;
    (void)res; /* nothing to say: 204 */
    CC_TRY(read_target(req, &user_id, err));
    return auth_reinstate(cc_request_app(req), user_id, cc_request_arena(req), err);
}
