/* Checking passwords; see passwords.h. Runs on request threads. */

#include "passwords.h"

#include "guess_limits.h"

/* hash NULL: of nobody. */
static enum cc_code check(struct auth_app *app, const struct auth_guesser *guesser,
                          const char *hash, const char *password, bool *out, struct cc_error *err)
{
    struct auth_counted counted;
    CC_TRY(auth_limit_password(app, guesser, &counted, err));
    enum cc_code known = password_matches(app->hasher, hash, password, out, err);
    if (known != CC_OK || *out) /* a try that nobody looked at is no guess */
        auth_uncount(app, &counted);
    return known;
}

static const char *known_device(const struct auth_app *app, const struct account *account,
                                const struct password_try *attempt)
{
    bool is_known = account != NULL && attempt->device_token != NULL &&
                    device_token_valid(app->device_token_key, account->account_id,
                                       attempt->device_id, attempt->device_token);
    return is_known ? attempt->device_id : NULL;
}

enum cc_code auth_check_password(struct auth_app *app, const char *email,
                                 const struct password_try *attempt, struct account *out,
                                 struct cc_error *err)
{
    bool right;
    enum cc_code found = account_store_find_by_email(app->accounts, email, out, err);
    if (found != CC_NOT_FOUND)
        CC_TRY(found);
    const struct account *account = found == CC_OK ? out : NULL;
    const struct auth_guesser guesser = {email, attempt->address,
                                         known_device(app, account, attempt)};
    CC_TRY(check(app, &guesser, account != NULL ? account->password_hash : NULL, attempt->password,
                 &right, err));
    if (!right)
        return cc_fail(err, CC_BAD_CREDENTIALS, NULL, "E-mail address and password do not match.");
    if (!out->active)
        return cc_fail(err, CC_FORBIDDEN, NULL,
                       "The e-mail address is not verified. Enter the code from the mail.");
    if (out->suspended_at_ms != 0)
        return cc_fail(err, CC_SUSPENDED, NULL, "An administrator has suspended this account.");
    return CC_OK;
}

enum cc_code auth_check_own_password(struct auth_app *app, const struct account *account,
                                     const char *password, const char *device_id,
                                     const char *pointer, struct cc_error *err)
{
    bool right;
    const struct auth_guesser guesser = {.email = account->email, .device_id = device_id};
    if (!account->active) /* it was closed since the caller was let in: no password is left */
        return cc_fail(err, CC_NOT_FOUND, NULL, "There is no such account.");
    CC_TRY(check(app, &guesser, account->password_hash, password, &right, err));
    if (!right)
        return cc_fail(err, CC_BAD_CREDENTIALS, pointer, "This is not the present password.");
    return CC_OK;
}
