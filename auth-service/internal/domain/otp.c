/* One-time codes; see otp.h. Pure, any thread. Where they are kept: otp_store.c. */

#include "domain/otp.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define CODES 1000000

void otp_generate(const struct cc_random *random, char out[OTP_BYTES])
{
    unsigned code = (unsigned)cc_random_below(random, CODES);
    (void)snprintf(out, OTP_BYTES, "%06u", code % CODES);
}

bool otp_has_shape(const char *text)
{
    return strlen(text) == OTP_BYTES - 1 && strspn(text, "0123456789") == OTP_BYTES - 1;
}

bool verification_id_has_shape(const char *text)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    return strlen(text) == VERIFICATION_ID_BYTES - 1 &&
           strspn(text, alphabet) == VERIFICATION_ID_BYTES - 1;
}

void otp_hash(const unsigned char key[OTP_KEY_BYTES], const char *purpose,
              const struct otp_request *request, const char *code, char out[OTP_HASH_BYTES])
{
    unsigned char text[512], digest[EVP_MAX_MD_SIZE];
    int length = snprintf((char *)text, sizeof text, "%s|%s|%s|%s", purpose,
                          request->verification_id, request->email, code);
    HMAC(EVP_sha256(), key, OTP_KEY_BYTES, text, (size_t)length, digest, NULL);
    for (size_t i = 0; i < (OTP_HASH_BYTES - 1) / 2; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
}
