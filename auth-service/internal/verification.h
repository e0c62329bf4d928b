#ifndef VERIFICATION_H
#define VERIFICATION_H

/* One-time codes by mail. */

#include "app.h"

/* Makes a new code for the address and purpose, which replaces an older one, and drafts the mail
 * with it. Does the same for known and unknown addresses. */
CC_MUST_CHECK enum cc_code auth_draft_code(struct auth_app *app, const char *purpose,
                                           const char *email, struct cc_arena *arena,
                                           const struct outbox_mail **out, struct cc_error *err);
/* Makes and mails a code, if the address has an account as the condition says. */
CC_MUST_CHECK enum cc_code auth_send_code(struct auth_app *app, const char *purpose,
                                          const char *email, enum mail_condition condition,
                                          struct cc_arena *arena, struct cc_error *err);
/* One try of a code, from `address`. Errors: of auth_limit_code and otp_store_try. */
CC_MUST_CHECK enum cc_code auth_try_code(struct auth_app *app, const char *purpose,
                                         const char *email, const char *code, const char *address,
                                         struct cc_error *err);
/* The code was made use of. A failure is logged: the code expires. */
void auth_forget_code(struct auth_app *app, const char *purpose, const char *email);

#endif
