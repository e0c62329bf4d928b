#ifndef VERIFICATION_H
#define VERIFICATION_H

/* Showing that an address belongs to whoever registers it. */

#include "app.h"

/* Makes a new code, which replaces an older one, and mails it. */
CC_MUST_CHECK enum cc_code auth_send_code(struct auth_app *app, const char *email,
                                          struct cc_arena *arena, struct cc_error *err);

#endif
