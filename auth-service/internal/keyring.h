#ifndef KEYRING_H
#define KEYRING_H

/*
 * The keys that sign access tokens, as all replicas share them (storage/key_store.h). A new key is
 * published before it signs, so that every verifier has it by then; its predecessor verifies until
 * the last token that it signed has expired, and is refused after that. Thread-safe.
 */

#include "common/jwt.h"
#include "storage/key_store.h"

#define KEYRING_LEAD_MS 90000 /* verifiers fetch the key set every 60 s */

struct keyring;
struct keyring_options {
    struct key_store *store; /* borrowed, as are the others */
    const char *secret;      /* what private keys are sealed with */
    const struct cc_clock *clock;
    const struct cc_random *random;
};

struct keyring *keyring_create(const struct keyring_options *options); /* empty */
void keyring_destroy(struct keyring *keyring);

/* Stores the key in `pem` if none is stored yet. CC_INVALID: it is no RSA key of 2048 bits. */
CC_MUST_CHECK enum cc_code keyring_import(struct keyring *keyring, const char *pem,
                                          struct cc_error *err);
/* Makes and stores a new key. `at_once`: it signs now, and all others are refused as soon as the
 * verifiers notice, for a key that is in wrong hands; otherwise it signs after KEYRING_LEAD_MS, and
 * others verify for token_life_ms more. CC_CONFLICT: there are KEYS_MAX already. */
CC_MUST_CHECK enum cc_code keyring_rotate(struct keyring *keyring, bool at_once,
                                          int64_t token_life_ms, char out_kid[KEY_ID_BYTES],
                                          struct cc_error *err);
/* Reads the stored keys; out_changed: they are other ones than before. */
CC_MUST_CHECK enum cc_code keyring_load(struct keyring *keyring, bool *out_changed,
                                        struct cc_error *err);

/* As cc_jwt_sign; CC_UNAVAILABLE when no key was loaded yet. */
CC_MUST_CHECK enum cc_code keyring_sign(struct keyring *keyring, const struct cc_caller *subject,
                                        int64_t issued_at_ms, const char *token_id,
                                        struct cc_arena *arena, const char **out,
                                        struct cc_error *err);
/* {"keys":[...]}. CC_UNAVAILABLE as above: an empty set would make verifiers refuse everybody. */
CC_MUST_CHECK enum cc_code keyring_write_jwks(struct keyring *keyring,
                                              struct cc_json_writer *writer, struct cc_error *err);
/* Gives `verifier` the public keys. */
CC_MUST_CHECK enum cc_code keyring_teach(struct keyring *keyring, struct cc_jwt_verifier *verifier,
                                         struct cc_error *err);

#endif
