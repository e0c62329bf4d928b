/* GET /internal/revocations: for a gateway that starts, or that lost Redis. Runs on worker threads.
 */

#include "app.h"
#include "http/auth_json.h"
#include "http/handlers.h"

enum cc_code auth_http_list_revocations(struct cc_request *req, struct cc_response *res,
                                        struct cc_error *err)
{
    struct auth_app *app = cc_request_app(req);
    struct revocation_list revocations;
    CC_TRY(account_store_list_revocations(app->accounts, auth_now_ms(app), cc_request_arena(req),
                                          &revocations, err));
    revocations_write(res, &revocations);
    return CC_OK;
}
