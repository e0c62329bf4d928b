#ifndef LIMITS_H
#define LIMITS_H

/*
 * How often somebody may guess and make us send mails. Counted in Redis, alike for known and
 * unknown addresses. What counts against an account counts first against the place it came from, so
 * that a stranger uses up his own allowance; when strangers from many places have used up the
 * account's, its owner still gets in from where he was logged in before. Thread-safe; may block 0.2
 * s, 2 s when an account is under attack. Errors: CC_RATE_LIMITED with the time to wait;
 * CC_UNAVAILABLE and CC_OUTCOME_UNKNOWN when Redis is away.
 */

#include "app.h"

/* Counts a try of a password; beforehand, so that guesses in parallel are counted. `email`: in
 * lower case, of any account or none. */
CC_MUST_CHECK enum cc_code auth_limit_password(struct auth_app *app, const char *email,
                                               const char *address, struct cc_error *err);
/* It was right: it does not count. */
void auth_forgive_password(struct auth_app *app, const char *email, const char *address);
/* Counts a try of a one-time code. A code dies after five wrong tries by anybody; this keeps one
 * place from killing one code after the other. */
CC_MUST_CHECK enum cc_code auth_limit_code(struct auth_app *app, const char *email,
                                           const char *address, struct cc_error *err);
void auth_forgive_code(struct auth_app *app, const char *email, const char *address);
/* Counts a mail that is asked for by somebody who is not logged in. */
CC_MUST_CHECK enum cc_code auth_limit_mail(struct auth_app *app, const char *email,
                                           const char *address, struct cc_error *err);

#endif
