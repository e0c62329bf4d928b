#ifndef COMMON_ID_H
#define COMMON_ID_H

/*
 * Identifiers and randomness. Ids are UUIDs in lower-case text. UUIDv7 (RFC 9562 section 5.7,
 * monotonic within a source by its method 1, a counter) for everything new; UUIDv8 for ids that
 * must come out the same on every node.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"

#define CC_UUID_BYTES 37 /* 36 characters and NUL */

/* Randomness, injected so that tests can fix it. The system source is getrandom(2) and never fails.
 */
struct cc_random {
    void (*fill)(const struct cc_random *random, void *out, size_t count);
};
const struct cc_random *cc_random_system(void);
/* Uniform in [0, bound); bound > 0. */
uint64_t cc_random_below(const struct cc_random *random, uint64_t bound);

struct cc_ids; /* one UUIDv7 source; thread-safe */
struct cc_ids *cc_ids_create(const struct cc_clock *clock,
                             const struct cc_random *random); /* both borrowed */
void cc_ids_destroy(struct cc_ids *ids);
void cc_ids_next(struct cc_ids *ids, char out[CC_UUID_BYTES]);

/* True for 36 characters 8-4-4-4-12 of hex digits, any version, either case. */
bool cc_uuid_valid(const char *text, size_t length);
/* Lower-cases in place. */
void cc_uuid_normalise(char text[CC_UUID_BYTES]);

/* UUIDv8 of the first 16 bytes of SHA-256 over the length-prefixed (4-byte big-endian) fields,
 * preceded by one version byte 0x01. fields: NUL-terminated UTF-8, none NULL. The golden vector is
 * in tests/test_id.c. */
void cc_uuid_hash(const char *const *fields, size_t count, char out[CC_UUID_BYTES]);

/* op_id of an operation: cc_uuid_hash of (sender_id or "system", chat_id, client_msg_id). It is the
 * message_id of a create. Source: docs/ARCHITECTURE.md "the life of a message". */
void cc_op_id(const char *sender_id, const char *chat_id, const char *client_msg_id,
              char out[CC_UUID_BYTES]);

/* SHA-256 as 64 lower-case hex digits and NUL. */
void cc_sha256_hex(const void *bytes, size_t count, char out[65]);
/* base64url without padding (RFC 4648 section 5); out must hold (count * 4 + 2) / 3 + 1. Returns
 * the length. */
size_t cc_base64url_encode(const void *bytes, size_t count, char *out);
/* Strict decoding; false on any character outside the alphabet, padding, or more than out_size
 * bytes. */
bool cc_base64url_decode(const char *text, size_t length, void *out, size_t out_size,
                         size_t *out_count);
/* Opaque secret: 256 random bits as 43 base64url characters and NUL. */
void cc_secret_token(const struct cc_random *random, char out[44]);
/* Constant-time comparison of two NUL-terminated strings (their lengths may leak). */
bool cc_secret_equal(const char *a, const char *b);

#endif
