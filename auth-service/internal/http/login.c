/* POST /v1/auth/login. Runs on worker threads. A wrong password and an unknown address can't be
 * told apart, by the answer or by its time. */

#include "app.h"
#include "common/log.h"
#include "common/metrics.h"
#include "http/auth_json.h"
#include "http/handlers.h"

/* The account, if the password is its own. */
static enum cc_code check_password(struct auth_app *app, const struct login_input *in,
                                   struct account *out, struct cc_error *err)
{
    bool right;
    enum cc_code found = account_store_find_by_email(app->accounts, in->email, out, err);
    if (found != CC_NOT_FOUND)
        CC_TRY(found);
    CC_TRY(password_matches(app->hasher, found == CC_OK ? out->password_hash : NULL, in->password,
                            &right, err));
    if (!right)
        return cc_fail(err, CC_BAD_CREDENTIALS, NULL, "E-mail address and password do not match.");
    if (!out->active)
        return cc_fail(err, CC_FORBIDDEN, NULL,
                       "The e-mail address is not verified. Enter the code from the mail.");
    return CC_OK;
}

/* Settings may have become stricter since the password was set: only now do we know it. */
static void renew_outdated_hash(struct auth_app *app, const struct account *account,
                                const char *password)
{
    char hash[ACCOUNT_HASH_BYTES];
    struct cc_error err = {0};
    if (!password_is_outdated(app->hasher, account->password_hash))
        return;
    enum cc_code code = password_hash(app->hasher, password, hash, &err);
    if (code == CC_OK)
        code = account_store_change_password_hash(app->accounts, account->account_id,
                                                  account->password_hash, hash, &err);
    if (code != CC_OK)
        cc_log_error(CC_LOG_WARN, "a password hash was not renewed", &err, NULL);
}

static enum cc_code log_in(struct cc_request *req, struct auth_tokens *out, struct cc_error *err)
{
    struct auth_app *app = cc_request_app(req);
    struct login_input in;
    struct account account;
    CC_TRY(login_input_read(req, &in, err));
    CC_TRY(check_password(app, &in, &account, err));
    renew_outdated_hash(app, &account, in.password);
    return auth_open_session(app, &account, in.device_id, in.device_name, cc_request_arena(req),
                             out, err);
}

enum cc_code auth_http_login(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct auth_tokens tokens;
    enum cc_code code = log_in(req, &tokens, err);
    cc_counter_add(cc_counter_get("auth_logins_total", "Log-ins by outcome.", "outcome",
                                  code == CC_OK ? "ok" : cc_code_name(code), NULL),
                   1);
    CC_TRY(code);
    tokens_write(res, &tokens);
    return CC_OK;
}
