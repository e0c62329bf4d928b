#ifndef REVOCATION_H
#define REVOCATION_H

/*
 * Ending sessions. The truth is in PostgreSQL, written first. Then everybody is told: this process
 * at once, other daemons by a key and a message in Redis (within milliseconds) and by the event
 * session.revoked (which can't be lost). Thread-safe, blocking.
 */

#include "app.h"

/* Which sessions end is left to the caller to add; now, and until when their tokens live. */
struct session_ending auth_ending(const struct auth_app *app, const char *user_id,
                                  const char *reason);
/* Ends the selected sessions and tells. Errors: of account_store_revoke. */
CC_MUST_CHECK enum cc_code auth_revoke(struct auth_app *app, const struct session_ending *ending,
                                       struct cc_arena *arena, struct cc_error *err);
/* Changes an account, ends sessions with it, and tells. Errors: of account_store_change. */
CC_MUST_CHECK enum cc_code auth_change_account(struct auth_app *app,
                                               const struct account_change *change,
                                               const struct session_ending *ending,
                                               struct cc_arena *arena, struct cc_error *err);
/* Tells about sessions that ended. A Redis that is away is logged: upkeep repeats it. */
void auth_announce_revoked(struct auth_app *app, const struct revocation_list *ended);
/* The keys and this process only, for what was announced before; many in one round trip. */
CC_MUST_CHECK enum cc_code auth_copy_revocations(struct auth_app *app,
                                                 const struct revocation_list *list,
                                                 struct cc_error *err);
/* When the last access token of a session that ends now has expired. */
int64_t auth_revoked_until_ms(const struct auth_app *app);

#endif
