/* POST /v1/auth/password/reset: another password for whoever reads the account's mail. Runs on
 * worker threads. All sessions end with it: whoever knew the old password is out. */

#include "app.h"
#include "http/auth_json.h"
#include "http/client_address.h"
#include "http/handlers.h"
#include "notices.h"
#include "revocation.h"
#include "verification.h"

static enum cc_code set_password(struct auth_app *app, const struct reset_input *in,
                                 struct cc_arena *arena, struct cc_error *err)
{
    struct account account;
    char hash[ACCOUNT_HASH_BYTES];
    enum cc_code found = account_store_find_by_email(app->accounts, in->code.email, &account, err);
    if (found == CC_NOT_FOUND || (found == CC_OK && !account.active))
        return otp_store_refuse(err);
    CC_TRY(found);
    CC_TRY(password_hash(app->hasher, in->password, hash, err));
    const struct account_change change = {
        .account_id = account.account_id,
        .password_hash = hash,
        .now_ms = auth_now_ms(app),
        .notice = auth_draft_mail(app, account.email, mail_password_changed(arena),
                                  AUTH_NOTICE_LIFE_MS, arena),
    };
    const struct session_ending all = auth_ending(app, account.account_id, SESSION_ENDED_PASSWORD);
    return auth_change_account(app, &change, &all, arena, err);
}

enum cc_code auth_http_reset_password(struct cc_request *req, struct cc_response *res,
                                      struct cc_error *err)
{
    struct auth_app *app = cc_request_app(req);
    struct reset_input in;
    struct otp_request request;

    CC_TRY(reset_input_read(req, &in, err));
    CC_TRY(auth_find_request(app, OTP_PURPOSE_RESET, in.code.verification_id, in.code.email,
                             cc_request_arena(req), &request, err));
    CC_TRY(auth_take_code(app, OTP_PURPOSE_RESET, &request, in.code.code, auth_client_address(req),
                          err));
    enum cc_code set = set_password(app, &in, cc_request_arena(req), err);
    if (set != CC_OK && set != CC_OUTCOME_UNKNOWN) /* it may have served */
        auth_give_back_code(app, OTP_PURPOSE_RESET, &request, in.code.code);
    CC_TRY(set);
    status_write(res, "password_changed");
    return CC_OK;
}
