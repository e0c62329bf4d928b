/* POST /v1/auth/login. Runs on worker threads. A wrong password and an unknown address can't be
 * told apart, by the answer or by its time. */

#include <string.h>

#include "app.h"
#include "common/log.h"
#include "common/metrics.h"
#include "http/auth_json.h"
#include "http/client_address.h"
#include "http/handlers.h"
#include "passwords.h"

static enum cc_code renew_hash(struct auth_app *app, struct account *account, const char *password,
                               struct cc_arena *arena, struct cc_error *err)
{
    char hash[ACCOUNT_HASH_BYTES];
    struct revocation_list none;
    const struct account_change change = {.account_id = account->account_id,
                                          .only_if_hash = account->password_hash,
                                          .password_hash = hash,
                                          .now_ms = auth_now_ms(app)};
    CC_TRY(password_hash(app->hasher, password, hash, err));
    CC_TRY(account_store_change(app->accounts, &change, NULL, arena, &none, err));
    memcpy(account->password_hash, hash, sizeof hash);
    return CC_OK;
}

/* Settings may have become stricter since the password was set: only now do we know it. */
static void renew_outdated_hash(struct auth_app *app, struct account *account, const char *password,
                                struct cc_arena *arena)
{
    struct cc_error err = {0};
    if (password_is_outdated(app->hasher, account->password_hash) &&
        renew_hash(app, account, password, arena, &err) != CC_OK)
        cc_log_error(CC_LOG_WARN, "a password hash was not renewed", &err, NULL);
}

static enum cc_code log_in(struct cc_request *req, struct auth_tokens *out, struct cc_error *err)
{
    struct auth_app *app = cc_request_app(req);
    struct login_input in;
    struct account account;
    CC_TRY(login_input_read(req, &in, err));
    const struct auth_device device = {in.device_id, in.device_name, auth_client_address(req)};
    const struct password_try attempt = {in.password, device.address, in.device_id,
                                         in.device_token};
    CC_TRY(auth_check_password(app, in.email, &attempt, &account, err));
    renew_outdated_hash(app, &account, in.password, cc_request_arena(req));
    enum cc_code code = auth_open_session(app, &account, &device, cc_request_arena(req), out, err);
    if (code == CC_CONFLICT) /* its password was changed, or it was suspended, in this moment */
        return cc_fail(err, CC_BAD_CREDENTIALS, NULL, "E-mail address and password do not match.");
    return code;
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
