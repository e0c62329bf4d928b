#ifndef PROFILE_H
#define PROFILE_H

/* The person behind an account, as user-service keeps it. */

#include "app.h"

/* Makes or renews the profile: handle, display name, address. Idempotent, so that every step of a
 * registration may repeat it.
 * Errors: CC_CONFLICT, field "/handle": somebody else has it; CC_UNAVAILABLE, CC_TIMEOUT,
 * CC_OUTCOME_UNKNOWN: try again. Blocks up to 3 s. */
CC_MUST_CHECK enum cc_code auth_put_profile(struct auth_app *app, const struct account *account,
                                            const struct cc_trace *trace, struct cc_arena *arena,
                                            struct cc_error *err);

#endif
