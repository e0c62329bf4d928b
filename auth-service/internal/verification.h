#ifndef VERIFICATION_H
#define VERIFICATION_H

/* One-time codes by mail. */

#include "app.h"

/* Makes a new code for the request and purpose, which replaces an older one, and drafts the mail
 * with it. Does the same for known and unknown addresses. */
CC_MUST_CHECK enum cc_code auth_draft_code(struct auth_app *app, const char *purpose,
                                           const struct otp_request *request,
                                           struct cc_arena *arena, const struct outbox_mail **out,
                                           struct cc_error *err);
/* Makes and mails a code, within the limits on mails: to verify, if it is asked for by who made
 * that registration (by address: the newest of the address gets a second key); to reset, if the
 * address has an account. `address`: where it is asked from.
 * Errors: of auth_limit_mail and the stores. */
CC_MUST_CHECK enum cc_code auth_send_code(struct auth_app *app, const char *purpose,
                                          const struct otp_request *request, const char *address,
                                          struct cc_arena *arena, struct cc_error *err);
/* Whose code it is: of who asked with that id, or, where the client knows the address alone (NULL),
 * of who asked last. The result lives as long as its parts and the arena. Errors: those of
 * otp_store_newest. */
CC_MUST_CHECK enum cc_code auth_find_request(struct auth_app *app, const char *purpose,
                                             const char *verification_id, const char *email,
                                             struct cc_arena *arena, struct otp_request *out,
                                             struct cc_error *err);
/* One try of a code, from `address`. A right one is taken: it serves once. Errors: of
 * auth_limit_code and otp_store_take. */
CC_MUST_CHECK enum cc_code auth_take_code(struct auth_app *app, const char *purpose,
                                          const struct otp_request *request, const char *code,
                                          const char *address, struct cc_error *err);
/* What it was taken for was not done, so that a store that was away costs nobody his code. A
 * failure is logged: its owner asks for another one. */
void auth_give_back_code(struct auth_app *app, const char *purpose,
                         const struct otp_request *request, const char *code);

#endif
