#ifndef PASSWORDS_H
#define PASSWORDS_H

/* Whether a password is an account's, within the limits on guessing. Thread-safe, blocking. */

#include "app.h"

struct password_try {
    const char *password, *address, *device_id;
    const char *device_token; /* by which the device is known; NULL or a wrong one: it is not */
};

/* The account, if the password is its own and it may log in. Takes as long for an unknown address.
 * Errors: CC_BAD_CREDENTIALS; with the right password also CC_FORBIDDEN (not verified) and
 * CC_SUSPENDED; those of auth_limit_password. */
CC_MUST_CHECK enum cc_code auth_check_password(struct auth_app *app, const char *email,
                                               const struct password_try *attempt,
                                               struct account *out, struct cc_error *err);
/* For somebody who is logged in, on that device. CC_NOT_FOUND: the account was closed
 * meanwhile. CC_BAD_CREDENTIALS, with `pointer` as the field.
 */
CC_MUST_CHECK enum cc_code auth_check_own_password(struct auth_app *app,
                                                   const struct account *account,
                                                   const char *password, const char *device_id,
                                                   const char *pointer, struct cc_error *err);

#endif
