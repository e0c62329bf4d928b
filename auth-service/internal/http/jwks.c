/* GET /.well-known/jwks.json and /internal/jwks.json: the public keys (RFC 7517). Runs on worker
 * threads. */

#include "app.h"
#include "http/handlers.h"

enum cc_code auth_http_jwks(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct auth_app *app = cc_request_app(req);
    CC_TRY(keyring_write_jwks(app->keyring, cc_response_json(res), err));
    cc_response_header(res, "Cache-Control", "public, max-age=60");
    return CC_OK;
}
