#ifndef TOKENS_H
#define TOKENS_H

/* What a device gets when it logs in or refreshes: an access token and a refresh token. */

#include "app.h"

struct auth_tokens { /* texts in the arena */
    const char *access_token;
    int64_t expires_in_s;
    const char *refresh_token;
    const char *user_id, *session_id, *device_id;
    const char *device_token; /* domain/device_token.h; NULL for a refresh: it stays the same */
};

struct auth_device { /* who asks */
    const char *device_id;
    const char *name; /* unused by a refresh */
    const char *address;
};

/* A new session of the account on a device; the one that the device had before ends. CC_CONFLICT:
 * the account is not any more what `account` says. */
CC_MUST_CHECK enum cc_code auth_open_session(struct auth_app *app, const struct account *account,
                                             const struct auth_device *device,
                                             struct cc_arena *arena, struct auth_tokens *out,
                                             struct cc_error *err);
/* Rotates a refresh token. CC_UNAUTHENTICATED: it is not valid (any more); reuse of an old one, or
 * use by another device, has ended its session, and its owner gets a mail. CC_SUSPENDED. */
CC_MUST_CHECK enum cc_code auth_refresh(struct auth_app *app, const char *refresh_token,
                                        const struct auth_device *device, struct cc_arena *arena,
                                        struct auth_tokens *out, struct cc_error *err);
/* Ends the session of a refresh token, old or new; CC_OK as well when there is none. */
CC_MUST_CHECK enum cc_code auth_log_out(struct auth_app *app, const char *refresh_token,
                                        struct cc_arena *arena, struct cc_error *err);

#endif
