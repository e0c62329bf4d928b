#ifndef COMMON_JWT_H
#define COMMON_JWT_H

/*
 * Access tokens: RS256, `kid`, typ "at+jwt", claims iss aud sub sid device_id role iat exp jti.
 * Verification reads the header strictly, picks the key by kid, checks the signature, then compares
 * typ, iss, aud, exp, nbf, and caches verified tokens by SHA-256 until they expire. The key set
 * comes from JWKS URLs, refreshed every 60 s by a thread of its own and, at most once a second,
 * when an unknown kid is seen; the last good set is kept while auth-service is away. Source: RFC
 * 7519, RFC 7517, RFC 8725, RFC 9068.
 */

#include "common/clock.h"
#include "common/config.h"
#include "common/health.h"
#include "common/http_client.h"
#include "common/http_route.h"

#define CC_JWT_ISSUER    "chat-app"
#define CC_JWT_AUDIENCE  "chat-app"
#define CC_JWT_MAX_BYTES 4096

struct cc_jwt_verifier;
/* Never fails because a server is away. client and clock are borrowed. */
struct cc_jwt_verifier *cc_jwt_verifier_create(struct cc_http_client *client,
                                               const struct cc_setting_list *jwks_urls,
                                               const struct cc_clock *clock);
void cc_jwt_verifier_destroy(struct cc_jwt_verifier *verifier);
/* Replaces the key set by hand (tests; auth-service itself). jwks: RFC 7517 JSON. */
CC_MUST_CHECK enum cc_code cc_jwt_verifier_set_keys(struct cc_jwt_verifier *verifier,
                                                    const char *jwks, size_t count,
                                                    struct cc_error *err);
/* Thread-safe, does not block. Errors: CC_UNAUTHENTICATED (any reason; the reason is in detail);
 * CC_UNAVAILABLE no key set yet. */
CC_MUST_CHECK enum cc_code cc_jwt_verify(struct cc_jwt_verifier *verifier, const char *token,
                                         size_t length, struct cc_caller *out,
                                         struct cc_error *err);
/* Refuses tokens of a session from now on, until `until_ms`; the cache forgets them. Told again of
 * what it knows, it keeps the later time and nothing more. Thread-safe. */
void cc_jwt_revoke_session(struct cc_jwt_verifier *verifier, const char *session_id,
                           int64_t until_ms);
/* The set as it was fetched last (JSON), in the arena; NULL while there is none. Thread-safe. */
const char *cc_jwt_verifier_key_set(struct cc_jwt_verifier *verifier, struct cc_arena *arena);
enum cc_code cc_jwt_verifier_probe(void *verifier, struct cc_error *err); /* health: have keys? */

struct cc_jwt_signer;
/* pem: RSA private key, >= 2048 bits. kid = first 16 hex digits of SHA-256 of its public DER. */
CC_MUST_CHECK enum cc_code cc_jwt_signer_create(const char *pem, struct cc_jwt_signer **out,
                                                struct cc_error *err);
void cc_jwt_signer_destroy(struct cc_jwt_signer *signer);
const char *cc_jwt_signer_kid(const struct cc_jwt_signer *signer);
/* The token, in the arena. Thread-safe. */
CC_MUST_CHECK enum cc_code cc_jwt_sign(struct cc_jwt_signer *signer,
                                       const struct cc_caller *subject, int64_t issued_at_ms,
                                       const char *token_id, struct cc_arena *arena,
                                       const char **out, struct cc_error *err);
/* Writes {"keys":[...]} with the public keys of the signers. */
void cc_jwt_write_jwks(struct cc_jwt_signer *const *signers, size_t count,
                       struct cc_json_writer *writer);

#endif
