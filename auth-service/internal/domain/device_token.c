/* Tokens of known devices; see device_token.h. Pure, any thread. */

#include "domain/device_token.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/id.h"

#define TEXT_BYTES 256

void device_token_key(const char *secret, unsigned char out[DEVICE_TOKEN_KEY_BYTES])
{
    static const char label[] = "chat-app known devices";
    unsigned char digest[EVP_MAX_MD_SIZE];
    HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)label, sizeof label - 1,
         digest, NULL);
    memcpy(out, digest, DEVICE_TOKEN_KEY_BYTES);
}

void device_token_make(const unsigned char key[DEVICE_TOKEN_KEY_BYTES], const char *account_id,
                       const char *device_id, char out[DEVICE_TOKEN_BYTES])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char text[TEXT_BYTES]; /* ids of accounts are all of one length: no two pairs look alike */
    unsigned count = 0;
    int length = snprintf(text, sizeof text, "%s|%s", account_id, device_id);
    HMAC(EVP_sha256(), key, DEVICE_TOKEN_KEY_BYTES, (const unsigned char *)text, (size_t)length,
         digest, &count);
    (void)cc_base64url_encode(digest, count, out);
}

bool device_token_valid(const unsigned char key[DEVICE_TOKEN_KEY_BYTES], const char *account_id,
                        const char *device_id, const char *token)
{
    char right[DEVICE_TOKEN_BYTES];
    device_token_make(key, account_id, device_id, right);
    return cc_secret_equal(right, token);
}
