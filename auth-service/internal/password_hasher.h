#ifndef PASSWORD_HASHER_H
#define PASSWORD_HASHER_H

/*
 * Argon2id (RFC 9106) behind a fixed number of places: each hash takes a core and 19 MiB for tens
 * of milliseconds, so that a burst of log-ins waits in a short queue instead of taking the machine.
 * Blocking, thread-safe. Hashes are PHC strings: $argon2id$v=19$m=...,t=...,p=1$salt$hash.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/id.h"
#include "domain/account.h"

struct password_hasher;
struct password_cost {
    uint32_t memory_kib, iterations;
};

/* At least one of the pairs that OWASP's Password Storage Cheat Sheet names for Argon2id with one
 * lane, from 46 MiB once to 7 MiB five times. Pure. */
bool password_cost_suffices(struct password_cost cost);

/* places 0 = one per core. Computes the hash that unknown accounts are compared with. */
CC_MUST_CHECK enum cc_code password_hasher_create(struct password_cost cost, int places,
                                                  const struct cc_random *random,
                                                  struct password_hasher **out,
                                                  struct cc_error *err);
void password_hasher_destroy(struct password_hasher *hasher);

/* Errors: CC_UNAVAILABLE when 64 wait already, or a place was not free in 5 s. */
CC_MUST_CHECK enum cc_code password_hash(struct password_hasher *hasher, const char *password,
                                         char out[ACCOUNT_HASH_BYTES], struct cc_error *err);
/* hash NULL: there is no account; takes as long as if there were, and does not match. */
CC_MUST_CHECK enum cc_code password_matches(struct password_hasher *hasher, const char *hash,
                                            const char *password, bool *out, struct cc_error *err);
/* True when `hash` was made with other costs than those of today. */
bool password_is_outdated(const struct password_hasher *hasher, const char *hash);

#endif
