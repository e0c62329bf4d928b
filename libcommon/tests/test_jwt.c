/* Access tokens: what our signer makes is accepted, and a table of forgeries is not. Forgeries are
 * put together by hand, because libjwt would not make them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include "testing.h"

#include "common/alloc.h"
#include "common/jwt.h"

#define USER          "0190a000-0000-7000-8000-000000000001"
#define SESSION       "0190a000-0000-7000-8000-000000000002"
#define OTHER_SESSION "018f0000-0000-7000-8000-00000000dead"

struct fixture {
    struct cc_arena *arena;
    struct fake_clock clock;
    struct cc_jwt_signer *signer, *stranger;
    EVP_PKEY *key, *stranger_key;
    char *public_pem;
    struct cc_jwt_verifier *verifier;
};

static char *pem_of(EVP_PKEY *key, bool is_private)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes, *pem;
    long count;

    if (is_private)
        PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    else
        PEM_write_bio_PUBKEY(bio, key);
    count = BIO_get_mem_data(bio, &bytes);
    pem = cc_strndup(bytes, (size_t)count);
    BIO_free(bio);
    return pem;
}

static struct cc_jwt_signer *signer_of(EVP_PKEY *key)
{
    struct cc_jwt_signer *signer = NULL;
    struct cc_error err = {0};
    char *pem = pem_of(key, true);

    assert_int_equal(cc_jwt_signer_create(pem, &signer, &err), CC_OK);
    cc_free(pem);
    return signer;
}

static void publish(struct fixture *f)
{
    struct cc_strbuf jwks;
    struct cc_json_writer writer;
    struct cc_error err = {0};

    cc_strbuf_init(&jwks, 10000);
    cc_json_writer_init(&writer, &jwks);
    cc_jwt_write_jwks(&f->signer, 1, &writer);
    assert_int_equal(
        cc_jwt_verifier_set_keys(f->verifier, cc_strbuf_text(&jwks), jwks.length, &err), CC_OK);
    cc_strbuf_finish(&jwks);
}

static int set_up(void **state)
{
    struct fixture *f = cc_calloc(1, sizeof(*f));

    f->arena = cc_arena_create(0);
    fake_clock_init(&f->clock);
    f->key = EVP_RSA_gen(2048);
    f->stranger_key = EVP_RSA_gen(2048);
    f->signer = signer_of(f->key);
    f->stranger = signer_of(f->stranger_key);
    f->public_pem = pem_of(f->key, false);
    f->verifier = cc_jwt_verifier_create(NULL, NULL, &f->clock.clock);
    publish(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    cc_jwt_verifier_destroy(f->verifier);
    cc_jwt_signer_destroy(f->signer);
    cc_jwt_signer_destroy(f->stranger);
    EVP_PKEY_free(f->key);
    EVP_PKEY_free(f->stranger_key);
    cc_free(f->public_pem);
    cc_arena_destroy(f->arena);
    cc_free(f);
    return 0;
}

static struct cc_caller a_caller(void)
{
    struct cc_caller caller = {.token_expires_at_ms = FAKE_T0_MS + 600000};

    memcpy(caller.user_id, USER, sizeof(USER));
    memcpy(caller.session_id, SESSION, sizeof(SESSION));
    memcpy(caller.device_id, "phone", 6);
    memcpy(caller.role, "user", 5);
    return caller;
}

static const char *good_token(struct fixture *f)
{
    const struct cc_caller caller = a_caller();
    const char *token = NULL;
    struct cc_error err = {0};

    assert_int_equal(cc_jwt_sign(f->signer, &caller, FAKE_T0_MS, "jti-1", f->arena, &token, &err),
                     CC_OK);
    return token;
}

static enum cc_code verify(struct fixture *f, const char *token)
{
    struct cc_caller caller;
    struct cc_error err = {0};

    return cc_jwt_verify(f->verifier, token, strlen(token), &caller, &err);
}

/* ---- forging ---- */

static const char *encode(struct fixture *f, const void *bytes, size_t count)
{
    char *out = cc_arena_alloc(f->arena, count * 4 / 3 + 4);

    cc_base64url_encode(bytes, count, out);
    return out;
}

static const char *rsa_signature(struct fixture *f, EVP_PKEY *key, const EVP_MD *digest,
                                 const char *text)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char signature[512];
    size_t count = sizeof(signature);

    assert_int_equal(EVP_DigestSignInit(context, NULL, digest, NULL, key), 1);
    assert_int_equal(
        EVP_DigestSign(context, signature, &count, (const unsigned char *)text, strlen(text)), 1);
    EVP_MD_CTX_free(context);
    return encode(f, signature, count);
}

/* A token over any header and claims, signed with the real key. */
static const char *forge(struct fixture *f, const char *header, const char *claims)
{
    const char *text = cc_arena_printf(f->arena, "%s.%s", encode(f, header, strlen(header)),
                                       encode(f, claims, strlen(claims)));

    return cc_arena_printf(f->arena, "%s.%s", text, rsa_signature(f, f->key, EVP_sha256(), text));
}

static const char *header_with(struct fixture *f, const char *alg, const char *extra)
{
    return cc_arena_printf(f->arena, "{\"alg\":\"%s\",\"typ\":\"at+jwt\",\"kid\":\"%s\"%s}", alg,
                           cc_jwt_signer_kid(f->signer), extra);
}

static const char *header_of_type(struct fixture *f, const char *type)
{
    return cc_arena_printf(f->arena, "{\"alg\":\"RS256\",\"typ\":\"%s\",\"kid\":\"%s\"}", type,
                           cc_jwt_signer_kid(f->signer));
}

static const char *claims_with(struct fixture *f, const char *iss, const char *aud, int64_t exp_s,
                               const char *extra)
{
    return cc_arena_printf(f->arena,
                           "{\"iss\":\"%s\",\"aud\":\"%s\",\"sub\":\"" USER "\",\"sid\":\"" SESSION
                           "\",\"device_id\":\"phone\",\"role\":\"user\",\"iat\":%lld,\"exp\":%lld,"
                           "\"jti\":\"j\"%s}",
                           iss, aud, (long long)FAKE_T0_MS / 1000, (long long)exp_s, extra);
}

static const char *good_claims(struct fixture *f)
{
    return claims_with(f, CC_JWT_ISSUER, CC_JWT_AUDIENCE, FAKE_T0_MS / 1000 + 600, "");
}

/* ---- acceptance ---- */

static void a_signed_token_names_its_caller(void **state)
{
    struct fixture *f = *state;
    const char *token = good_token(f);
    struct cc_caller caller;
    struct cc_error err = {0};

    for (int i = 0; i < 2; i++) { /* the second time from the cache */
        assert_int_equal(cc_jwt_verify(f->verifier, token, strlen(token), &caller, &err), CC_OK);
        assert_string_equal(caller.user_id, USER);
        assert_string_equal(caller.session_id, SESSION);
        assert_string_equal(caller.device_id, "phone");
        assert_string_equal(caller.role, "user");
        assert_int_equal(caller.token_expires_at_ms, FAKE_T0_MS + 600000);
    }
}

static void a_hand_made_good_token_is_accepted(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(verify(f, forge(f, header_with(f, "RS256", ""), good_claims(f))), CC_OK);
}

static void a_token_expires_also_in_the_cache(void **state)
{
    struct fixture *f = *state;
    const char *token = good_token(f);

    assert_int_equal(verify(f, token), CC_OK);
    fake_clock_advance_ms(&f->clock, 599999);
    assert_int_equal(verify(f, token), CC_OK);
    fake_clock_advance_ms(&f->clock, 1);
    assert_int_equal(verify(f, token), CC_UNAUTHENTICATED);
}

static void a_token_of_a_key_that_is_gone_is_refused_also_from_the_cache(void **state)
{
    struct fixture *f = *state;
    const char *token = good_token(f);
    EVP_PKEY *key = EVP_RSA_gen(2048);
    struct cc_jwt_signer *former = f->signer;

    assert_int_equal(verify(f, token), CC_OK);
    publish(f); /* the same keys again: nothing changes */
    assert_int_equal(verify(f, token), CC_OK);
    f->signer = signer_of(key);
    publish(f);

    assert_int_equal(verify(f, token), CC_UNAUTHENTICATED);
    cc_jwt_signer_destroy(f->signer);
    f->signer = former;
    EVP_PKEY_free(key);
}

static void a_revoked_session_is_refused_until_its_tokens_are_dead(void **state)
{
    struct fixture *f = *state;
    const char *token = good_token(f);

    assert_int_equal(verify(f, token), CC_OK);
    cc_jwt_revoke_session(f->verifier, SESSION, FAKE_T0_MS + 1000);
    cc_jwt_revoke_session(f->verifier, SESSION, FAKE_T0_MS + 2000);
    assert_int_equal(verify(f, token), CC_UNAUTHENTICATED);
    fake_clock_advance_ms(&f->clock, 2000);
    assert_int_equal(verify(f, token), CC_OK);
}

/* It is told again every few seconds while it matters: that must not use up the places of others.
 */
static void a_revocation_that_is_told_again_pushes_no_other_one_out(void **state)
{
    struct fixture *f = *state;
    const char *token = good_token(f), *other = "00000000-0000-4000-8000-000000000099";
    assert_string_not_equal(other, SESSION);

    cc_jwt_revoke_session(f->verifier, SESSION, FAKE_T0_MS + 1000);
    for (int i = 0; i < 70000; i++)
        cc_jwt_revoke_session(f->verifier, other, FAKE_T0_MS + 1000);

    assert_int_equal(verify(f, token), CC_UNAUTHENTICATED);
}

static void without_any_key_the_answer_is_unavailable(void **state)
{
    struct fixture *f = *state;
    struct cc_jwt_verifier *empty = cc_jwt_verifier_create(NULL, NULL, &f->clock.clock);
    const char *token = good_token(f);
    struct cc_caller caller;
    struct cc_error err = {0};

    assert_int_equal(cc_jwt_verify(empty, token, strlen(token), &caller, &err), CC_UNAVAILABLE);
    assert_int_equal(cc_jwt_verifier_probe(empty, &err), CC_UNAVAILABLE);
    assert_int_equal(cc_jwt_verifier_probe(f->verifier, &err), CC_OK);
    cc_jwt_verifier_destroy(empty);
}

static void a_bad_key_set_leaves_the_good_one_in_place(void **state)
{
    static const char *const bad[] = {"", "{}", "{\"keys\":[]}", "{\"keys\":[{\"kty\":\"oct\"}]}",
                                      "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"a\",\"n\":\"AQAB\","
                                      "\"e\":\"AQAB\"}]}"};
    struct fixture *f = *state;
    struct cc_error err = {0};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_not_equal(cc_jwt_verifier_set_keys(f->verifier, bad[i], strlen(bad[i]), &err),
                             CC_OK);
    assert_int_equal(verify(f, good_token(f)), CC_OK);
}

static void short_keys_are_not_signers(void **state)
{
    EVP_PKEY *weak = EVP_RSA_gen(1024);
    char *pem = pem_of(weak, true);
    struct cc_jwt_signer *signer = NULL;
    struct cc_error err = {0};

    (void)state;
    assert_int_equal(cc_jwt_signer_create(pem, &signer, &err), CC_INVALID);
    assert_int_equal(cc_jwt_signer_create("not a key", &signer, &err), CC_INVALID);
    cc_free(pem);
    EVP_PKEY_free(weak);
}

/* ---- forgeries ---- */

static void refuse_all(struct fixture *f, const char *const *tokens, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum cc_code code = verify(f, tokens[i]);

        if (code != CC_UNAUTHENTICATED)
            fail_msg("case %zu gave %s: %.300s", i, cc_code_name(code), tokens[i]);
    }
}

static const char *unsigned_token(struct fixture *f, const char *alg)
{
    const char *header = header_with(f, alg, ""), *claims = good_claims(f);

    return cc_arena_printf(f->arena, "%s.%s.", encode(f, header, strlen(header)),
                           encode(f, claims, strlen(claims)));
}

/* The classic: HMAC with our public key's text as the secret. */
static const char *hmac_token(struct fixture *f)
{
    const char *header = header_with(f, "HS256", ""), *claims = good_claims(f);
    const char *text = cc_arena_printf(f->arena, "%s.%s", encode(f, header, strlen(header)),
                                       encode(f, claims, strlen(claims)));
    unsigned char digest[32];
    unsigned count = sizeof(digest);

    HMAC(EVP_sha256(), f->public_pem, (int)strlen(f->public_pem), (const unsigned char *)text,
         strlen(text), digest, &count);
    return cc_arena_printf(f->arena, "%s.%s", text, encode(f, digest, count));
}

static void other_algorithms_are_refused(void **state)
{
    struct fixture *f = *state;
    const char *rs512 = header_with(f, "RS512", ""), *claims = good_claims(f);
    const char *text = cc_arena_printf(f->arena, "%s.%s", encode(f, rs512, strlen(rs512)),
                                       encode(f, claims, strlen(claims)));
    const char *const tokens[] = {
        unsigned_token(f, "none"),
        unsigned_token(f, "None"),
        unsigned_token(f, "nOnE"),
        unsigned_token(f, ""),
        unsigned_token(f, "RS256"),
        hmac_token(f),
        cc_arena_printf(f->arena, "%s.%s", text, rsa_signature(f, f->key, EVP_sha512(), text)),
        forge(f, header_with(f, "HS256", ""), good_claims(f)),
        forge(f, header_with(f, "rs256", ""), good_claims(f)),
        forge(f, header_with(f, "PS256", ""), good_claims(f)),
    };

    refuse_all(f, tokens, sizeof(tokens) / sizeof(tokens[0]));
}

static void other_keys_and_key_tricks_are_refused(void **state)
{
    struct fixture *f = *state;
    const struct cc_caller caller = a_caller();
    const char *foreign = NULL, *header = header_with(f, "RS256", ""), *claims = good_claims(f);
    const char *text = cc_arena_printf(f->arena, "%s.%s", encode(f, header, strlen(header)),
                                       encode(f, claims, strlen(claims)));
    struct cc_error err = {0};

    assert_int_equal(cc_jwt_sign(f->stranger, &caller, FAKE_T0_MS, "j", f->arena, &foreign, &err),
                     CC_OK);
    const char *const tokens[] = {
        foreign,
        cc_arena_printf(f->arena, "%s.%s", text,
                        rsa_signature(f, f->stranger_key, EVP_sha256(), text)),
        forge(f, "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"../../etc/passwd\"}", claims),
        forge(f, "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"x' OR '1'='1\"}", claims),
        forge(f, "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"\"}", claims),
        forge(f, "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":7}", claims),
        forge(f, "{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}", claims),
        forge(f, header_with(f, "RS256", ",\"jku\":\"http://127.0.0.1/k\""), claims),
        forge(f, header_with(f, "RS256", ",\"x5u\":\"http://127.0.0.1/k\""), claims),
        forge(f, header_with(f, "RS256", ",\"jwk\":{\"kty\":\"RSA\"}"), claims),
        forge(f, header_with(f, "RS256", ",\"crit\":[\"exp\"]"), claims),
        forge(f, header_with(f, "RS256", ",\"kid\":\"again\""), claims),
    };

    refuse_all(f, tokens, sizeof(tokens) / sizeof(tokens[0]));
}

static void wrong_claims_are_refused(void **state)
{
    struct fixture *f = *state;
    const char *header = header_with(f, "RS256", "");
    int64_t now_s = FAKE_T0_MS / 1000;
    const char *const tokens[] = {
        forge(f, header, claims_with(f, "evil", CC_JWT_AUDIENCE, now_s + 60, "")),
        forge(f, header, claims_with(f, CC_JWT_ISSUER, "other-app", now_s + 60, "")),
        forge(f, header, claims_with(f, CC_JWT_ISSUER, CC_JWT_AUDIENCE, now_s - 1, "")),
        forge(f, header, claims_with(f, CC_JWT_ISSUER, CC_JWT_AUDIENCE, now_s, "")),
        forge(f, header,
              claims_with(f, CC_JWT_ISSUER, CC_JWT_AUDIENCE, now_s + 60, ",\"nbf\":9e18")),
        forge(f, header,
              claims_with(f, CC_JWT_ISSUER, CC_JWT_AUDIENCE, now_s + 60,
                          ",\"nbf\":9223372036854775807")),
        forge(f, header,
              claims_with(f, CC_JWT_ISSUER, CC_JWT_AUDIENCE, now_s + 60,
                          ",\"exp\":9999999999")), /* duplicate */
        forge(f, header,
              claims_with(f, CC_JWT_ISSUER, CC_JWT_AUDIENCE, now_s + 60, ",\"sub\":\"x\"")),
        forge(f, header, "{}"),
        forge(f, header, "[]"),
        forge(f, header, "not json"),
        forge(f, header,
              "{\"iss\":\"chat-app\",\"aud\":\"chat-app\",\"sub\":\"admin\",\"sid\":\"" SESSION
              "\",\"device_id\":\"d\",\"role\":\"user\",\"iat\":1,\"exp\":9999999999}"),
        forge(f, header,
              "{\"iss\":\"chat-app\",\"aud\":\"chat-app\",\"sub\":\"" USER "\",\"sid\":\"" SESSION
              "\",\"device_id\":\"d\",\"role\":\"root\",\"iat\":1,\"exp\":9999999999}"),
        forge(f, header,
              "{\"iss\":\"chat-app\",\"aud\":\"chat-app\",\"sub\":\"" USER "\",\"sid\":\"" SESSION
              "\",\"device_id\":\"d\",\"role\":\"user\",\"iat\":1,\"exp\":\"9999999999\"}"),
        forge(f, header,
              "{\"iss\":\"chat-app\",\"aud\":\"chat-app\",\"sub\":\"" USER "\",\"sid\":\"" SESSION
              "\",\"device_id\":\"d\",\"role\":\"user\",\"iat\":1}"),
        forge(f, header_of_type(f, "JWT"), good_claims(f)),
        forge(f, header_of_type(f, "rt+jwt"), good_claims(f)),
    };

    refuse_all(f, tokens, sizeof(tokens) / sizeof(tokens[0]));
}

static void damaged_tokens_are_refused(void **state)
{
    struct fixture *f = *state;
    const char *good = good_token(f);
    size_t length = strlen(good);
    char *flipped = cc_arena_strdup(f->arena, good);
    char *huge = cc_arena_alloc(f->arena, 1 << 20);

    flipped[length / 2] = flipped[length / 2] == 'A' ? 'B' : 'A';
    memset(huge, 'a', (1 << 20) - 1);
    huge[(1 << 20) - 1] = '\0';
    const char *const tokens[] = {
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "refresh-token-that-is-opaque",
        cc_arena_strndup(f->arena, good, length - 1),
        cc_arena_strndup(f->arena, good, length / 2),
        cc_arena_printf(f->arena, "%s=", good),
        cc_arena_printf(f->arena, "%s.", good),
        cc_arena_printf(f->arena, " %s", good),
        cc_arena_printf(f->arena, "%s\n", good),
        flipped,
        huge,
    };

    refuse_all(f, tokens, sizeof(tokens) / sizeof(tokens[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signed_token_names_its_caller),
        cmocka_unit_test(a_hand_made_good_token_is_accepted),
        cmocka_unit_test(without_any_key_the_answer_is_unavailable),
        cmocka_unit_test(a_bad_key_set_leaves_the_good_one_in_place),
        cmocka_unit_test(short_keys_are_not_signers),
        cmocka_unit_test(other_algorithms_are_refused),
        cmocka_unit_test(other_keys_and_key_tricks_are_refused),
        cmocka_unit_test(wrong_claims_are_refused),
        cmocka_unit_test(damaged_tokens_are_refused),
        cmocka_unit_test_setup_teardown(a_revocation_that_is_told_again_pushes_no_other_one_out,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_revoked_session_is_refused_until_its_tokens_are_dead,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_token_expires_also_in_the_cache, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_token_of_a_key_that_is_gone_is_refused_also_from_the_cache, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
