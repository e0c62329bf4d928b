#ifndef KEYRING_H
#define KEYRING_H

/*
 * The keys that sign access tokens: the current one, and the one before, whose tokens must verify
 * until they expire. A new key in the signing_key file and a SIGHUP rotate. Thread-safe.
 */

#include "common/jwt.h"

struct keyring;

CC_MUST_CHECK enum cc_code keyring_create(const char *pem, struct keyring **out,
                                          struct cc_error *err);
void keyring_destroy(struct keyring *keyring);
/* Makes `pem` the current key, if it isn't. */
CC_MUST_CHECK enum cc_code keyring_replace(struct keyring *keyring, const char *pem,
                                           struct cc_error *err);
/* As cc_jwt_sign. */
CC_MUST_CHECK enum cc_code keyring_sign(struct keyring *keyring, const struct cc_caller *subject,
                                        int64_t issued_at_ms, const char *token_id,
                                        struct cc_arena *arena, const char **out,
                                        struct cc_error *err);
void keyring_write_jwks(struct keyring *keyring, struct cc_json_writer *writer);
/* Gives `verifier` the public keys. */
CC_MUST_CHECK enum cc_code keyring_teach(struct keyring *keyring, struct cc_jwt_verifier *verifier,
                                         struct cc_error *err);

#endif
