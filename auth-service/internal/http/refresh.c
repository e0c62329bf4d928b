/* POST /v1/auth/refresh. Runs on worker threads. Rules of rotation: domain/session.h. */

#include "app.h"
#include "common/metrics.h"
#include "http/auth_json.h"
#include "http/client_address.h"
#include "http/handlers.h"

static enum cc_code refresh(struct cc_request *req, struct auth_tokens *out, struct cc_error *err)
{
    struct refresh_input in;
    CC_TRY(refresh_input_read(req, &in, err));
    const struct auth_device device = {.device_id = in.device_id,
                                       .address = auth_client_address(req)};
    return auth_refresh(cc_request_app(req), in.refresh_token, &device, cc_request_arena(req), out,
                        err);
}

enum cc_code auth_http_refresh(struct cc_request *req, struct cc_response *res,
                               struct cc_error *err)
{
    struct auth_tokens tokens;
    enum cc_code code = refresh(req, &tokens, err);
    cc_counter_add(cc_counter_get("auth_refreshes_total", "Token refreshes by outcome.", "outcome",
                                  code == CC_OK ? "ok" : cc_code_name(code), NULL),
                   1);
    CC_TRY(code);
    tokens_write(res, &tokens);
    return CC_OK;
}
