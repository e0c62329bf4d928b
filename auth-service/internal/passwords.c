/* Checking passwords; see passwords.h. Runs on request threads. */

#include "passwords.h"

#include "guess_limits.h"

/* hash NULL: of nobody. */
static enum cc_code check(struct auth_app *app, const char *email, const char *hash,
                          const char *password, const char *address, bool *out,
                          struct cc_error *err)
{
    struct auth_counted counted;
    CC_TRY(auth_limit_password(app, email, address, &counted, err));
    enum cc_code known = password_matches(app->hasher, hash, password, out, err);
    if (known != CC_OK || *out) /* a try that nobody looked at is no guess */
        auth_uncount(app, &counted);
    return known;
}

enum cc_code auth_check_password(struct auth_app *app, const char *email, const char *password,
                                 const char *address, struct account *out, struct cc_error *err)
{
    bool right;
    enum cc_code found = account_store_find_by_email(app->accounts, email, out, err);
    if (found != CC_NOT_FOUND)
        CC_TRY(found);
    CC_TRY(check(app, email, found == CC_OK ? out->password_hash : NULL, password, address, &right,
                 err));
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
                                     const char *password, const char *address, const char *pointer,
                                     struct cc_error *err)
{
    bool right;
    CC_TRY(check(app, account->email, account->password_hash, password, address, &right, err));
    if (!right)
        return cc_fail(err, CC_BAD_CREDENTIALS, pointer, "This is not the present password.");
    return CC_OK;
}
