/* POST /v1/auth/logout. Runs on worker threads. */

#include "app.h"
#include "http/auth_json.h"
#include "http/handlers.h"

enum cc_code auth_http_logout(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct refresh_input in;
    (void)res; /* nothing to say: 204 */
    CC_TRY(refresh_input_read(req, &in, err));
    return auth_log_out(cc_request_app(req), in.refresh_token, cc_request_arena(req), err);
}
