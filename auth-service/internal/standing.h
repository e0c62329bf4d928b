#ifndef STANDING_H
#define STANDING_H

/* What administrators do with accounts. Each is one transaction that also ends sessions and queues
 * the mail to the owner; then everybody is told. Thread-safe, blocking; also run by the command
 * line, without the rest of the service. Errors of all: CC_NOT_FOUND. */

#include "app.h"

/* All sessions end; log-ins answer CC_SUSPENDED. Idempotent. */
CC_MUST_CHECK enum cc_code auth_suspend(struct auth_app *app, const char *user_id,
                                        struct cc_arena *arena, struct cc_error *err);
/* Idempotent. */
CC_MUST_CHECK enum cc_code auth_reinstate(struct auth_app *app, const char *user_id,
                                          struct cc_arena *arena, struct cc_error *err);
/* Role ACCOUNT_ROLE_ADMIN or ACCOUNT_ROLE_USER. It is in the tokens from the next refresh on; who
 * loses a role is logged out, since his tokens still carry it. */
CC_MUST_CHECK enum cc_code auth_set_role(struct auth_app *app, const struct account *account,
                                         const char *role, struct cc_arena *arena,
                                         struct cc_error *err);

#endif
