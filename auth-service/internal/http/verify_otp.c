/* POST /v1/auth/otp/verify. Runs on worker threads. Here the profile is made, and with it the
 * handle taken: when somebody has it, the code stays good for a try with another one. */

#include <stdio.h>

#include "app.h"
#include "http/auth_json.h"
#include "http/client_address.h"
#include "http/handlers.h"
#include "profile.h"
#include "verification.h"

/* A verification that stopped half-way is finished by the next one. */
static enum cc_code activate(struct auth_app *app, struct cc_request *req,
                             const struct verify_input *in, const struct otp_request *request,
                             struct cc_error *err)
{
    struct account account;
    char key[REGISTRATION_KEY_BYTES];
    registration_key(request->verification_id, key);
    enum cc_code admitted =
        account_store_admit(app->accounts, key, in->code.email, auth_now_ms(app), &account, err);
    if (admitted == CC_NOT_FOUND)
        return otp_store_refuse(err);
    CC_TRY(admitted);
    if (account.active)
        return CC_OK;
    if (in->handle != NULL)
        (void)snprintf(account.handle, sizeof account.handle, "%s", in->handle);
    CC_TRY(auth_put_profile(app, &account, cc_request_trace(req), cc_request_arena(req), err));
    return account_store_activate(app->accounts, account.account_id, account.handle, err);
}

enum cc_code auth_http_verify_otp(struct cc_request *req, struct cc_response *res,
                                  struct cc_error *err)
{
    struct auth_app *app = cc_request_app(req);
    struct verify_input in;
    struct otp_request request;

    CC_TRY(verify_input_read(req, &in, err));
    CC_TRY(auth_find_request(app, OTP_PURPOSE_VERIFY, in.code.verification_id, in.code.email,
                             cc_request_arena(req), &request, err));
    CC_TRY(auth_take_code(app, OTP_PURPOSE_VERIFY, &request, in.code.code, auth_client_address(req),
                          err));
    enum cc_code activated = activate(app, req, &in, &request, err);
    if (activated != CC_OK)
        auth_give_back_code(app, OTP_PURPOSE_VERIFY, &request, in.code.code);
    CC_TRY(activated);
    status_write(res, "verified");
    return CC_OK;
}
