/* POST /v1/auth/logout. Runs on worker threads. */

#include "app.h"
#include "http/auth_json.h"
#include "http/handlers.h"

enum cc_code auth_http_logout(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    const char *refresh_token;
    (void)res; /* nothing to say: 204 */
    CC_TRY(logout_input_read(req, &refresh_token, err));
    return auth_log_out(cc_request_app(req), refresh_token, cc_request_arena(req), err);
}
