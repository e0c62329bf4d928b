#ifndef VERIFICATION_H
#define VERIFICATION_H

/* One-time codes by mail. */

#include "app.h"

/* Makes a new code for the address and purpose, which replaces an older one, and drafts the mail
 * with it. Does the same for known and unknown addresses. */
CC_MUST_CHECK enum cc_code auth_draft_code(struct auth_app *app, const char *purpose,
                                           const char *email, struct cc_arena *arena,
                                           const struct outbox_mail **out, struct cc_error *err);
/* Makes and mails a code, if the address has an account as the condition says, within the limits on
 * mails; `address`: who asks. Errors: of auth_limit_mail and the stores. */
CC_MUST_CHECK enum cc_code auth_send_code(struct auth_app *app, const char *purpose,
                                          const char *email, enum mail_condition condition,
                                          const char *address, struct cc_arena *arena,
                                          struct cc_error *err);
/* One try of a code, from `address`. A right one is taken: it serves once. Errors: of
 * auth_limit_code and otp_store_take. */
CC_MUST_CHECK enum cc_code auth_take_code(struct auth_app *app, const char *purpose,
                                          const char *email, const char *code, const char *address,
                                          struct cc_error *err);
/* What it was taken for was not done, so that a store that was away costs nobody his code. A
 * failure is logged: its owner asks for another one. */
void auth_give_back_code(struct auth_app *app, const char *purpose, const char *email,
                         const char *code);

#endif
