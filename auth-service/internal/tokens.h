#ifndef TOKENS_H
#define TOKENS_H

/* What a device gets when it logs in or refreshes: an access token and a refresh token. */

#include "app.h"

struct auth_tokens { /* texts in the arena */
    const char *access_token;
    int64_t expires_in_s;
    const char *refresh_token;
    const char *user_id, *session_id, *device_id;
};

/* A new session of the account on a device; the one that the device had before ends. */
CC_MUST_CHECK enum cc_code auth_open_session(struct auth_app *app, const struct account *account,
                                             const char *device_id, const char *device_name,
                                             struct cc_arena *arena, struct auth_tokens *out,
                                             struct cc_error *err);
/* Rotates a refresh token. CC_UNAUTHENTICATED: it is not valid (any more); reuse of an old one has
 * ended its session. */
CC_MUST_CHECK enum cc_code auth_refresh(struct auth_app *app, const char *refresh_token,
                                        struct cc_arena *arena, struct auth_tokens *out,
                                        struct cc_error *err);
/* Ends the session of a refresh token, old or new; CC_OK as well when there is none. */
CC_MUST_CHECK enum cc_code auth_log_out(struct auth_app *app, const char *refresh_token,
                                        struct cc_arena *arena, struct cc_error *err);

#endif
