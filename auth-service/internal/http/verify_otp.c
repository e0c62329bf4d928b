/* POST /v1/auth/otp/verify. Runs on worker threads. */

#include "app.h"
#include "common/log.h"
#include "http/auth_json.h"
#include "http/handlers.h"
#include "profile.h"

/* A registration that stopped half-way is finished first. */
static enum cc_code activate(struct auth_app *app, struct cc_request *req, const char *email,
                             struct cc_error *err)
{
    struct account account;
    CC_TRY(account_store_find_by_email(app->accounts, email, &account, err));
    if (account.active)
        return CC_OK;
    if (!account.has_profile)
        CC_TRY(auth_put_profile(app, &account, cc_request_trace(req), cc_request_arena(req), err));
    return account_store_activate(app->accounts, account.account_id, err);
}

enum cc_code auth_http_verify_otp(struct cc_request *req, struct cc_response *res,
                                  struct cc_error *err)
{
    struct auth_app *app = cc_request_app(req);
    struct verify_input in;
    struct cc_error ignored = {0};

    CC_TRY(verify_input_read(req, &in, err));
    CC_TRY(otp_store_try(app->otp, OTP_PURPOSE_VERIFY, in.email, in.code, err));
    CC_TRY(activate(app, req, in.email, err));
    /* Only now, so that a store that was away costs nobody his code. */
    if (otp_store_forget(app->otp, OTP_PURPOSE_VERIFY, in.email, &ignored) != CC_OK)
        cc_log_error(CC_LOG_WARN, "a used one-time code stays until it expires", &ignored, NULL);
    status_write(res, 200, "verified");
    return CC_OK;
}
