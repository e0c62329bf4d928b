#ifndef JWT_PRIVATE_H
#define JWT_PRIVATE_H

/*
 * The key set behind the verifier. Signatures are OpenSSL's: libjwt 1.10 neither writes nor accepts
 * the type "at+jwt" that RFC 9068 demands, and takes a token forged as HS256 with our public key.
 */

#include <openssl/evp.h>

#include "common/jwt.h"

#define CC_JWT_KID_MAX_BYTES 64
#define CC_JWT_RSA_MIN_BITS  2048

/* Keys by kid, replaced as a whole; with URLs, refreshed by a thread of its own. Thread-safe. */
struct cc_jwt_keys;
struct cc_jwt_keys *cc_jwt_keys_create(struct cc_http_client *client,
                                       const struct cc_setting_list *urls);
void cc_jwt_keys_destroy(struct cc_jwt_keys *keys);
enum cc_code cc_jwt_keys_set(struct cc_jwt_keys *keys, const char *jwks, size_t count,
                             struct cc_error *err);
/* The last good set's JSON, copied into the arena; NULL = none. */
const char *cc_jwt_keys_text(struct cc_jwt_keys *keys, struct cc_arena *arena);
bool cc_jwt_keys_any(struct cc_jwt_keys *keys);
/* Grows whenever a key goes: what it has signed must not be believed any more. */
unsigned cc_jwt_keys_losses(struct cc_jwt_keys *keys);
/* The public key, with a reference of the caller's own. An unknown kid asks the thread for a
 * refresh and fails: CC_UNAVAILABLE while there is no key at all, else CC_UNAUTHENTICATED. */
enum cc_code cc_jwt_keys_find(struct cc_jwt_keys *keys, const char *kid, EVP_PKEY **out_key,
                              struct cc_error *err);

#endif
