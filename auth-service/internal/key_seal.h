#ifndef KEY_SEAL_H
#define KEY_SEAL_H

/* Private keys as they are stored: AES-256-GCM (NIST SP 800-38D) with a key derived from a secret
 * of the service, bound to the kid, as base64url. Pure but for randomness; any thread. */

#include "common/arena.h"
#include "common/error.h"
#include "common/id.h"

/* The sealed text, in the arena. */
CC_MUST_CHECK enum cc_code key_seal(const char *secret, const char *kid, const char *pem,
                                    const struct cc_random *random, struct cc_arena *arena,
                                    const char **out, struct cc_error *err);
/* The PEM, in the arena: wipe it after use. CC_INVALID: sealed with another secret, for another
 * kid, or damaged. */
CC_MUST_CHECK enum cc_code key_unseal(const char *secret, const char *kid, const char *sealed,
                                      struct cc_arena *arena, char **out, struct cc_error *err);

#endif
