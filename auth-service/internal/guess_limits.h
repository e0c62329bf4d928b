#ifndef GUESS_LIMITS_H
#define GUESS_LIMITS_H

/*
 * How often somebody may guess and make us send mails. Counted in Redis, alike for known and
 * unknown addresses. What counts against an account counts first against the place it came from, so
 * that a stranger uses up his own allowance; when strangers from many places have used up the
 * account's, its owner still gets in from where his sessions were last seen. A device that was let
 * in before (domain/device_token.h) has an allowance of its own, which neither they nor neighbours
 * behind its address can touch. Thread-safe; may block 0.2 s, 2 s when an account is under attack.
 * Errors: CC_RATE_LIMITED with the time to wait; CC_UNAVAILABLE and CC_OUTCOME_UNKNOWN when Redis
 * is away.
 */

#include "app.h"

#define AUTH_BUCKETS_MAX 3

/* Where something was counted; filled by auth_limit_* when they let it through. */
struct auth_counted {
    size_t count;
    struct auth_bucket {
        char key[96], most[16], window_s[16];
    } items[AUTH_BUCKETS_MAX];
};

/* Who tries a password. */
struct auth_guesser {
    const char *email;     /* in lower case, of any account or none */
    const char *address;   /* where it comes from */
    const char *device_id; /* of a device that is known to be the account's; NULL = of none */
};
/* Counts a try of a password; beforehand, so that guesses in parallel are counted. */
CC_MUST_CHECK enum cc_code auth_limit_password(struct auth_app *app,
                                               const struct auth_guesser *guesser,
                                               struct auth_counted *out, struct cc_error *err);
/* Counts a try of a one-time code. Each has five, which only who asked for it can use, and so many
 * codes as mails are made; this keeps one place from trying those of many addresses. */
CC_MUST_CHECK enum cc_code auth_limit_code(struct auth_app *app, const char *address,
                                           struct auth_counted *out, struct cc_error *err);
/* Counts a mail that is asked for by somebody who is not logged in. */
CC_MUST_CHECK enum cc_code auth_limit_mail(struct auth_app *app, const char *email,
                                           const char *address, struct auth_counted *out,
                                           struct cc_error *err);
/* It was no wrong guess, or no mail was queued: what a limit has let through does not count. A
 * Redis that is away is logged. */
void auth_uncount(struct auth_app *app, const struct auth_counted *counted);

#endif
