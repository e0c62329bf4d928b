/* Sealing private keys; see key_seal.h. */

#include "key_seal.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/cleanup.h"

#define NONCE_BYTES 12
#define TAG_BYTES   16
#define KEY_BYTES   32

CC_DEFINE_AUTO(cipher, EVP_CIPHER_CTX, EVP_CIPHER_CTX_free);

static void derive(const char *secret, unsigned char out[KEY_BYTES])
{
    static const char label[] = "chat-app stored signing keys";
    unsigned char digest[EVP_MAX_MD_SIZE];
    HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)label, sizeof label - 1,
         digest, NULL);
    memcpy(out, digest, KEY_BYTES);
    OPENSSL_cleanse(digest, sizeof digest);
}

/* A context with key, nonce and kid set. direction: 1 seals, 0 unseals. */
static EVP_CIPHER_CTX *begin(const char *secret, const unsigned char *nonce, const char *kid,
                             int direction)
{
    unsigned char key[KEY_BYTES];
    int ignored;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    derive(secret, key);
    bool ready = context != NULL &&
                 EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce, direction) == 1 &&
                 EVP_CipherUpdate(context, NULL, &ignored, (const unsigned char *)kid,
                                  (int)strlen(kid)) == 1;
    OPENSSL_cleanse(key, sizeof key);
    if (ready)
        return context;
    EVP_CIPHER_CTX_free(context);
    return NULL;
}

enum cc_code key_seal(const char *secret, const char *kid, const char *pem,
                      const struct cc_random *random, struct cc_arena *arena, const char **out,
                      struct cc_error *err)
{
    size_t length = strlen(pem), total = NONCE_BYTES + length + TAG_BYTES;
    unsigned char *bytes = cc_arena_alloc(arena, total);
    char *text = cc_arena_alloc(arena, (total * 4 + 2) / 3 + 1);
    int count = 0, rest = 0;
    random->fill(random, bytes, NONCE_BYTES);
    CC_AUTO(cipher) EVP_CIPHER_CTX *context = begin(secret, bytes, kid, 1);
    if (context == NULL ||
        EVP_CipherUpdate(context, bytes + NONCE_BYTES, &count, (const unsigned char *)pem,
                         (int)length) != 1 ||
        EVP_CipherFinal_ex(context, bytes + NONCE_BYTES + count, &rest) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES,
                            bytes + NONCE_BYTES + length) != 1)
        return cc_fail_detail(err, CC_INTERNAL, "a signing key could not be sealed");
    (void)cc_base64url_encode(bytes, total, text);
    *out = text;
    return CC_OK;
}

enum cc_code key_unseal(const char *secret, const char *kid, const char *sealed,
                        struct cc_arena *arena, char **out, struct cc_error *err)
{
    size_t size = strlen(sealed), total = 0;
    unsigned char *bytes = cc_arena_alloc(arena, size + 1);
    char *pem = cc_arena_alloc(arena, size + 1);
    int count = 0, rest = 0;
    if (!cc_base64url_decode(sealed, size, bytes, size, &total) || total < NONCE_BYTES + TAG_BYTES)
        return cc_fail_detail(err, CC_INVALID, "stored signing key %s is damaged", kid);
    size_t length = total - NONCE_BYTES - TAG_BYTES;
    CC_AUTO(cipher) EVP_CIPHER_CTX *context = begin(secret, bytes, kid, 0);
    if (context == NULL ||
        EVP_CipherUpdate(context, (unsigned char *)pem, &count, bytes + NONCE_BYTES, (int)length) !=
            1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES,
                            bytes + NONCE_BYTES + length) != 1 ||
        EVP_CipherFinal_ex(context, (unsigned char *)pem + count, &rest) != 1)
        return cc_fail_detail(err, CC_INVALID,
                              "stored signing key %s was sealed with another secret", kid);
    pem[length] = '\0';
    *out = pem;
    return CC_OK;
}
