/* POST /v1/auth/otp/resend. Runs on worker threads. The answer does not tell whether the address is
 * known. */

#include "app.h"
#include "http/auth_json.h"
#include "http/handlers.h"
#include "verification.h"

enum cc_code auth_http_resend_otp(struct cc_request *req, struct cc_response *res,
                                  struct cc_error *err)
{
    struct auth_app *app = cc_request_app(req);
    char email[EMAIL_ADDRESS_BYTES];
    struct account account;

    CC_TRY(email_input_read(req, email, err));
    CC_TRY(otp_store_count_send(app->otp, email, err));
    enum cc_code code = account_store_find_by_email(app->accounts, email, &account, err);
    if (code != CC_NOT_FOUND)
        CC_TRY(code);
    if (code == CC_OK && !account.active)
        CC_TRY(auth_send_code(app, email, cc_request_arena(req), err));
    status_write(res, 202, "verification_required");
    return CC_OK;
}
