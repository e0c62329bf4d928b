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
    char email[EMAIL_ADDRESS_BYTES];

    CC_TRY(email_input_read(req, email, err));
    CC_TRY(auth_send_code(app, OTP_PURPOSE_RESET, email, MAIL_IF_ACTIVE, auth_client_address(req),
                          cc_request_arena(req), err));
    status_write(res, 202, "code_sent");
    return CC_OK;
}
