/*
 * Signs access tokens (RS256) and publishes the public half as JWKS. Runs on any thread; a
 * signature costs about a millisecond of CPU. Knows nothing of where keys are kept. Source: RFC
 * 7515, RFC 9068.
 */
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>

#include "common/alloc.h"

#include "jwt_private.h"

struct cc_jwt_signer {
    EVP_PKEY *key;
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
    cc_free(signer);
}

const char *cc_jwt_signer_kid(const struct cc_jwt_signer *signer)
{
    return signer->kid;
}

static void write_header(const struct cc_jwt_signer *signer, struct cc_strbuf *out)
{
    struct cc_json_writer writer;

    cc_json_writer_init(&writer, out);
    cc_json_open_object(&writer, NULL);
    cc_json_put_text(&writer, "alg", "RS256");
    cc_json_put_text(&writer, "typ", "at+jwt");
    cc_json_put_text(&writer, "kid", signer->kid);
    cc_json_close_object(&writer);
}

static void write_claims(const struct cc_caller *subject, int64_t issued_at_ms,
                         const char *token_id, struct cc_strbuf *out)
{
    struct cc_json_writer writer;

    cc_json_writer_init(&writer, out);
    cc_json_open_object(&writer, NULL);
    cc_json_put_text(&writer, "iss", CC_JWT_ISSUER);
    cc_json_put_text(&writer, "aud", CC_JWT_AUDIENCE);
    cc_json_put_text(&writer, "sub", subject->user_id);
    cc_json_put_text(&writer, "sid", subject->session_id);
    cc_json_put_text(&writer, "device_id", subject->device_id);
    cc_json_put_text(&writer, "role", subject->role);
    cc_json_put_int(&writer, "iat", issued_at_ms / 1000);
    cc_json_put_int(&writer, "exp", subject->token_expires_at_ms / 1000);
    cc_json_put_text(&writer, "jti", token_id);
    cc_json_close_object(&writer);
}

static const char *encode(struct cc_arena *arena, const void *bytes, size_t count)
{
    char *out = cc_arena_alloc(arena, (count * 4 + 2) / 3 + 1);

    cc_base64url_encode(bytes, count, out);
    return out;
}

/* "<signature>" over the text, or NULL. */
static const char *sign(const struct cc_jwt_signer *signer, const char *text,
                        struct cc_arena *arena)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char signature[1024];
    size_t count = sizeof(signature);
    bool is_signed =
        context != NULL &&
        EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, signer->key) == 1 &&
        EVP_DigestSign(context, signature, &count, (const unsigned char *)text, strlen(text)) == 1;

    EVP_MD_CTX_free(context);
    return is_signed ? encode(arena, signature, count) : NULL;
}

enum cc_code cc_jwt_sign(struct cc_jwt_signer *signer, const struct cc_caller *subject,
                         int64_t issued_at_ms, const char *token_id, struct cc_arena *arena,
                         const char **out, struct cc_error *err)
{
    struct cc_strbuf header, claims;
    const char *text, *signature;

    cc_strbuf_init(&header, 256);
    cc_strbuf_init(&claims, 1024);
    write_header(signer, &header);
    write_claims(subject, issued_at_ms, token_id, &claims);
    text = cc_arena_printf(arena, "%s.%s", encode(arena, cc_strbuf_text(&header), header.length),
                           encode(arena, cc_strbuf_text(&claims), claims.length));
    signature = claims.overflowed ? NULL : sign(signer, text, arena);
    cc_strbuf_finish(&header);
    cc_strbuf_finish(&claims);
    if (signature == NULL)
        return cc_fail_detail(err, CC_INTERNAL, "the token could not be signed");
    *out = cc_arena_printf(arena, "%s.%s", text, signature);
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
