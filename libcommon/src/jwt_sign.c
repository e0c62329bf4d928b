/*
 * Signs access tokens (libjwt, RS256) and publishes the public half as JWKS. Runs on any thread; a
 * signature costs about a millisecond of CPU. Knows nothing of where keys are kept.
 */
#include <stdlib.h>
#include <string.h>

#include <jwt.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>

#include "common/alloc.h"

#include "jwt_private.h"

struct cc_jwt_signer {
    EVP_PKEY *key;
    char *pem;
    char kid[17];
};

static EVP_PKEY *read_private_key(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;

    BIO_free(bio);
    return key;
}

static bool make_kid(EVP_PKEY *key, char out[17])
{
    unsigned char *der = NULL;
    int count = i2d_PUBKEY(key, &der);
    char digest[65];

    if (count <= 0)
        return false;
    cc_sha256_hex(der, (size_t)count, digest);
    OPENSSL_free(der);
    memcpy(out, digest, 16);
    out[16] = '\0';
    return true;
}

enum cc_code cc_jwt_signer_create(const char *pem, struct cc_jwt_signer **out, struct cc_error *err)
{
    EVP_PKEY *key = read_private_key(pem);
    struct cc_jwt_signer *signer;

    if (key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA ||
        EVP_PKEY_get_bits(key) < CC_JWT_RSA_MIN_BITS) {
        EVP_PKEY_free(key);
        return cc_fail(err, CC_INVALID, NULL, "Not an RSA private key of at least %d bits",
                       CC_JWT_RSA_MIN_BITS);
    }
    signer = cc_calloc(1, sizeof(*signer));
    signer->key = key;
    signer->pem = cc_strdup(pem);
    if (!make_kid(key, signer->kid)) {
        cc_jwt_signer_destroy(signer);
        return cc_fail_detail(err, CC_INTERNAL, "the public key has no DER form");
    }
    *out = signer;
    return CC_OK;
}

void cc_jwt_signer_destroy(struct cc_jwt_signer *signer)
{
    if (signer == NULL)
        return;
    EVP_PKEY_free(signer->key);
    OPENSSL_cleanse(signer->pem, strlen(signer->pem));
    cc_free(signer->pem);
    cc_free(signer);
}

const char *cc_jwt_signer_kid(const struct cc_jwt_signer *signer)
{
    return signer->kid;
}

static int add_claims(jwt_t *jwt, const struct cc_caller *subject, int64_t issued_at_ms,
                      const char *token_id)
{
    return jwt_add_grant(jwt, "iss", CC_JWT_ISSUER) + jwt_add_grant(jwt, "aud", CC_JWT_AUDIENCE) +
           jwt_add_grant(jwt, "sub", subject->user_id) +
           jwt_add_grant(jwt, "sid", subject->session_id) +
           jwt_add_grant(jwt, "device_id", subject->device_id) +
           jwt_add_grant(jwt, "role", subject->role) + jwt_add_grant(jwt, "jti", token_id) +
           jwt_add_grant_int(jwt, "iat", (long)(issued_at_ms / 1000)) +
           jwt_add_grant_int(jwt, "exp", (long)(subject->token_expires_at_ms / 1000));
}

enum cc_code cc_jwt_sign(struct cc_jwt_signer *signer, const struct cc_caller *subject,
                         int64_t issued_at_ms, const char *token_id, struct cc_arena *arena,
                         const char **out, struct cc_error *err)
{
    jwt_t *jwt = NULL;
    char *text = NULL;

    if (jwt_new(&jwt) == 0 && jwt_add_header(jwt, "typ", "at+jwt") == 0 &&
        jwt_add_header(jwt, "kid", signer->kid) == 0 &&
        add_claims(jwt, subject, issued_at_ms, token_id) == 0 &&
        jwt_set_alg(jwt, JWT_ALG_RS256, (const unsigned char *)signer->pem,
                    (int)strlen(signer->pem)) == 0)
        text = jwt_encode_str(jwt);
    jwt_free(jwt);
    if (text == NULL)
        return cc_fail_detail(err, CC_INTERNAL, "libjwt did not sign");
    *out = cc_arena_strdup(arena, text);
    free(text); /* check: free */
    return CC_OK;
}

/* ---- JWKS ---- */

static void put_number(struct cc_json_writer *writer, const char *name, EVP_PKEY *key,
                       const char *parameter)
{
    BIGNUM *number = NULL;
    unsigned char bytes[1024];
    char text[(sizeof(bytes) * 4 + 2) / 3 + 1];

    if (EVP_PKEY_get_bn_param(key, parameter, &number) != 1 ||
        (size_t)BN_num_bytes(number) > sizeof(bytes)) {
        BN_free(number);
        return;
    }
    cc_base64url_encode(bytes, (size_t)BN_bn2bin(number, bytes), text);
    cc_json_put_text(writer, name, text);
    BN_free(number);
}

void cc_jwt_write_jwks(struct cc_jwt_signer *const *signers, size_t count,
                       struct cc_json_writer *writer)
{
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "keys");
    for (size_t i = 0; i < count; i++) {
        cc_json_open_object(writer, NULL);
        cc_json_put_text(writer, "kty", "RSA");
        cc_json_put_text(writer, "use", "sig");
        cc_json_put_text(writer, "alg", "RS256");
        cc_json_put_text(writer, "kid", signers[i]->kid);
        put_number(writer, "n", signers[i]->key, OSSL_PKEY_PARAM_RSA_N);
        put_number(writer, "e", signers[i]->key, OSSL_PKEY_PARAM_RSA_E);
        cc_json_close_object(writer);
    }
    cc_json_close_array(writer);
    cc_json_close_object(writer);
}
