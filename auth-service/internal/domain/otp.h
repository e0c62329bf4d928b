#ifndef DOMAIN_OTP_H
#define DOMAIN_OTP_H

/* One-time codes: six digits, uniformly random; what is kept of one is a keyed hash. */

#include <stdbool.h>

#include "common/id.h"

#define OTP_BYTES          7 /* six digits and NUL */
#define OTP_TRIES_MAX      5
#define OTP_SENDS_MAX      4   /* the first one and three more, */
#define OTP_SENDS_WINDOW_S 600 /* within this time */
#define OTP_HASH_BYTES     65
#define OTP_KEY_BYTES      32

#define VERIFICATION_ID_BYTES 44 /* 256 bits as base64url, and NUL */

/* What a code was asked for: whoever asked holds the id, which nobody can guess; the code went to
 * the address. */
struct otp_request {
    const char *verification_id, *email;
    bool by_address; /* who asks knew the address alone; the id was looked up */
};

void otp_generate(const struct cc_random *random, char out[OTP_BYTES]);
bool otp_has_shape(const char *text);
bool verification_id_has_shape(const char *text);

/* Keyed hash, as hex digits, of a code that was sent for `purpose`. The key matters: a million
 * codes are hashed in a second, so that a plain hash would hide nothing. Pure. */
void otp_hash(const unsigned char key[OTP_KEY_BYTES], const char *purpose,
              const struct otp_request *request, const char *code, char out[OTP_HASH_BYTES]);

#endif
