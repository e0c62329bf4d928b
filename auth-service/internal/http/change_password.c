/* POST /v1/auth/password/change: by somebody who is logged in and knows the present password. Runs
 * on worker threads. The other sessions end with it. */

#include "app.h"
#include "domain/password.h"
#include "http/auth_json.h"
#include "http/handlers.h"
#include "notices.h"
#include "passwords.h"
#include "revocation.h"

static enum cc_code set_password(struct auth_app *app, const struct cc_caller *caller,
                                 const struct account *account, const char *password,
                                 struct cc_arena *arena, struct cc_error *err)
{
    char hash[ACCOUNT_HASH_BYTES];
    CC_TRY(password_hash(app->hasher, password, hash, err));
    const struct account_change change = {
        .account_id = account->account_id,
        .only_if_hash = account->password_hash,
        .password_hash = hash,
        .now_ms = auth_now_ms(app),
        .notice = auth_draft_mail(app, account->email, mail_password_changed(arena),
                                  AUTH_NOTICE_LIFE_MS, arena),
    };
    struct session_ending others = auth_ending(app, account->account_id, SESSION_ENDED_PASSWORD);
    others.all_except = caller->session_id;
    return auth_change_account(app, &change, &others, arena, err);
}

enum cc_code auth_http_change_password(struct cc_request *req, struct cc_response *res,
                                       struct cc_error *err)
{
    struct auth_app *app = cc_request_app(req);
    const struct cc_caller *caller = cc_request_caller(req);
    struct change_password_input in;
    struct account account;
    (void)res; /* nothing to say: 204 */

    CC_TRY(change_password_input_read(req, &in, err));
    CC_TRY(account_store_find_by_id(app->accounts, caller->user_id, &account, err));
    const char *fault = password_fault(in.new_password, account.email);
    if (fault != NULL)
        return cc_fail(err, CC_INVALID, "/new_password", "%s", fault);
    CC_TRY(auth_check_own_password(app, &account, in.current_password, caller->device_id,
                                   "/current_password", err));
    return set_password(app, caller, &account, in.new_password, cc_request_arena(req), err);
}
