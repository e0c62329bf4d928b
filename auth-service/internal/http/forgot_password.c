/* POST /v1/auth/password/forgot. Runs on worker threads. Answer and work do not tell whether the
 * address is known. */

#include "app.h"
#include "http/auth_json.h"
#include "http/client_address.h"
#include "http/handlers.h"
#include "verification.h"

enum cc_code auth_http_forgot_password(struct cc_request *req, struct cc_response *res,
                                       struct cc_error *err)
{
    struct auth_app *app = cc_request_app(req);
    char email[EMAIL_ADDRESS_BYTES], verification_id[VERIFICATION_ID_BYTES];

    CC_TRY(email_input_read(req, email, err));
    cc_secret_token(app->runtime->random, verification_id);
    const struct otp_request request = {.verification_id = verification_id, .email = email};
    CC_TRY(auth_send_code(app, OTP_PURPOSE_RESET, &request, auth_client_address(req),
                          cc_request_arena(req), err));
    verification_write(res, "code_sent", verification_id);
    return CC_OK;
}
