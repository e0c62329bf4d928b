/* POST /v1/auth/otp/resend. Runs on worker threads. Answer and work do not tell whether the address
 * is known, or the id. */

#include "app.h"
#include "http/auth_json.h"
#include "http/client_address.h"
#include "http/handlers.h"
#include "verification.h"

enum cc_code auth_http_resend_otp(struct cc_request *req, struct cc_response *res,
                                  struct cc_error *err)
{
    struct auth_app *app = cc_request_app(req);
    struct code_input in;
    char made[VERIFICATION_ID_BYTES];

    CC_TRY(resend_input_read(req, &in, err));
    cc_secret_token(app->runtime->random, made);
    const struct otp_request request = {.verification_id =
                                            in.verification_id == NULL ? made : in.verification_id,
                                        .email = in.email,
                                        .by_address = in.verification_id == NULL};
    CC_TRY(auth_send_code(app, OTP_PURPOSE_VERIFY, &request, auth_client_address(req),
                          cc_request_arena(req), err));
    verification_write(res, "verification_required", request.verification_id);
    return CC_OK;
}
