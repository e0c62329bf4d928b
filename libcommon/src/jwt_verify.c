/*
 * Verifies access tokens on any thread without blocking. The header is read by our strict JSON
 * reader first (only alg, typ and kid may be there, and alg must be RS256), the key is picked by
 * kid, the signature checked, then every claim compared. Verified tokens are kept by SHA-256.
 * Source: RFC 8725, RFC 9068 section 4.
 */
#include <pthread.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "common/alloc.h"
#include "common/id.h"
#include "common/log.h"
#include "common/metrics.h"

#include "jwt_private.h"
#include "ttl_map.h"

#define TOKENS_MAX      4096
#define REVOCATIONS_MAX 131072 /* above what auth-service lists */
#define CLOCK_LEEWAY_MS 0      /* tokens come from our own machines */
#define DIGEST_BYTES    44     /* SHA-256 as base64url, and NUL */

struct known_token {
    struct cc_ttl_entry entry;
    char digest[DIGEST_BYTES];
    struct cc_caller caller;
};
struct revocation {
    struct cc_ttl_entry entry;
    char session_id[CC_UUID_BYTES];
};

struct cc_jwt_verifier {
    struct cc_jwt_keys *keys;
    const struct cc_clock *clock;
    pthread_mutex_t lock;       /* everything below */
    struct cc_ttl_map *known;   /* digest -> struct known_token */
    struct cc_ttl_map *revoked; /* session id -> struct revocation */
    unsigned losses;            /* of keys, when `known` was last emptied */
    bool overflowed;            /* said once */
};

struct cc_jwt_verifier *cc_jwt_verifier_create(struct cc_http_client *client,
                                               const struct cc_setting_list *jwks_urls,
                                               const struct cc_clock *clock)
{
    struct cc_jwt_verifier *verifier = cc_calloc(1, sizeof(*verifier));

    verifier->clock = clock;
    verifier->known = cc_ttl_map_create(TOKENS_MAX);
    verifier->revoked = cc_ttl_map_create(REVOCATIONS_MAX);
    pthread_mutex_init(&verifier->lock, NULL);
    verifier->keys = cc_jwt_keys_create(client, jwks_urls);
    return verifier;
}

void cc_jwt_verifier_destroy(struct cc_jwt_verifier *verifier)
{
    if (verifier == NULL)
        return;
    cc_jwt_keys_destroy(verifier->keys);
    cc_ttl_map_destroy(verifier->revoked);
    cc_ttl_map_destroy(verifier->known);
    pthread_mutex_destroy(&verifier->lock);
    cc_free(verifier);
}

enum cc_code cc_jwt_verifier_set_keys(struct cc_jwt_verifier *verifier, const char *jwks,
                                      size_t count, struct cc_error *err)
{
    return cc_jwt_keys_set(verifier->keys, jwks, count, err);
}

const char *cc_jwt_verifier_key_set(struct cc_jwt_verifier *verifier, struct cc_arena *arena)
{
    return cc_jwt_keys_text(verifier->keys, arena);
}

enum cc_code cc_jwt_verifier_probe(void *verifier, struct cc_error *err)
{
    if (cc_jwt_keys_any(((struct cc_jwt_verifier *)verifier)->keys))
        return CC_OK;
    return cc_fail_detail(err, CC_UNAVAILABLE, "no key set yet");
}

/* ---- known tokens and revocations (lock held) ---- */

static void digest_of(const char *token, size_t length, char out[DIGEST_BYTES])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)token, length, digest);
    cc_base64url_encode(digest, sizeof(digest), out);
}

static bool recall(struct cc_jwt_verifier *verifier, const char *digest, int64_t now_ms,
                   struct cc_caller *out)
{
    const struct known_token *token = cc_ttl_map_get(verifier->known, digest);

    if (token == NULL || token->entry.until_ms <= now_ms)
        return false;
    *out = token->caller;
    return true;
}

static void remember(struct cc_jwt_verifier *verifier, const char *digest, int64_t now_ms,
                     const struct cc_caller *caller)
{
    struct known_token *token = cc_calloc(1, sizeof(*token));

    memcpy(token->digest, digest, sizeof(token->digest));
    token->caller = *caller;
    token->entry.key = token->digest;
    token->entry.until_ms = caller->token_expires_at_ms;
    cc_ttl_map_add(verifier->known, &token->entry, now_ms);
}

/* Tokens of a key that is gone are judged anew. */
static void forget_after_loss(struct cc_jwt_verifier *verifier, unsigned losses)
{
    if (verifier->losses == losses)
        return;
    cc_ttl_map_clear(verifier->known);
    verifier->losses = losses;
}

static bool is_revoked(struct cc_jwt_verifier *verifier, const char *session_id, int64_t now_ms)
{
    const struct revocation *revocation = cc_ttl_map_get(verifier->revoked, session_id);

    return revocation != NULL && revocation->entry.until_ms > now_ms;
}

/* One that is dropped before its time is a token that works again: worth a number that alarms. */
static void note_dropped(struct cc_jwt_verifier *verifier)
{
    cc_counter_add(cc_counter_get("chat_revocations_dropped_total",
                                  "Revoked sessions forgotten early: there were too many.", NULL),
                   1);
    if (!verifier->overflowed)
        cc_log(CC_LOG_WARN, "more sessions are revoked than can be remembered", NULL);
    verifier->overflowed = true;
}

static void revoke(struct cc_jwt_verifier *verifier, const char *session_id, int64_t until_ms)
{
    struct revocation *revocation = cc_calloc(1, sizeof(*revocation));

    memcpy(revocation->session_id, session_id, sizeof(revocation->session_id));
    revocation->entry.key = revocation->session_id;
    revocation->entry.until_ms = until_ms;
    if (cc_ttl_map_add(verifier->revoked, &revocation->entry, cc_wall_ms(verifier->clock)))
        note_dropped(verifier);
}

void cc_jwt_revoke_session(struct cc_jwt_verifier *verifier, const char *session_id,
                           int64_t until_ms)
{
    char id[CC_UUID_BYTES] = "";
    struct revocation *again;

    strncpy(id, session_id, sizeof(id) - 1);
    cc_uuid_normalise(id);
    pthread_mutex_lock(&verifier->lock);
    again = cc_ttl_map_get(verifier->revoked, id);
    if (again == NULL)
        revoke(verifier, id, until_ms);
    else if (again->entry.until_ms < until_ms) /* told every few seconds: it takes no other place */
        again->entry.until_ms = until_ms;
    pthread_mutex_unlock(&verifier->lock);
}

/* ---- the token ---- */

struct segments {
    const char *header, *claims, *signature;
    size_t header_length, claims_length, signature_length;
};

static bool split(const char *token, size_t length, struct segments *out)
{
    const char *end = token + length;
    const char *first = memchr(token, '.', length);
    const char *second = first != NULL ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;

    if (second == NULL || memchr(second + 1, '.', (size_t)(end - second - 1)) != NULL)
        return false;
    *out = (struct segments){
        .header = token,
        .header_length = (size_t)(first - token),
        .claims = first + 1,
        .claims_length = (size_t)(second - first - 1),
        .signature = second + 1,
        .signature_length = (size_t)(end - second - 1),
    };
    return true;
}

static struct cc_json_reader *open_segment(struct cc_arena *arena, const char *text, size_t length,
                                           enum cc_unknown_keys unknown_keys)
{
    char *bytes = cc_arena_alloc(arena, length + 1);
    size_t count = 0;

    if (!cc_base64url_decode(text, length, bytes, length, &count))
        count = 0; /* which no reader takes for an object */
    return cc_json_reader_create(arena, bytes, count, unknown_keys);
}

static enum cc_code refuse(struct cc_error *err, const char *reason)
{
    cc_fail_detail(err, CC_UNAUTHENTICATED, "%s", reason);
    return CC_UNAUTHENTICATED;
}

static bool text_is(const char *value, const char *wanted)
{
    return value != NULL && strcmp(value, wanted) == 0;
}

/* Refuses every header parameter but these three: jku, x5u, jwk, crit and the like are traps. */
static enum cc_code read_header(const struct segments *segments, struct cc_arena *arena,
                                const char **out_kid, struct cc_error *err)
{
    struct cc_json_reader *reader =
        open_segment(arena, segments->header, segments->header_length, CC_REFUSE_UNKNOWN);
    const char *alg = cc_json_text(reader, "alg", CC_REQUIRED, 1, 16);
    const char *typ = cc_json_text(reader, "typ", CC_REQUIRED, 1, 16);
    const char *kid = cc_json_text(reader, "kid", CC_REQUIRED, 1, CC_JWT_KID_MAX_BYTES);
    bool is_readable = cc_json_reader_done(reader);

    cc_json_reader_destroy(reader);
    if (!is_readable)
        return refuse(err, "unreadable header");
    if (!text_is(alg, "RS256"))
        return refuse(err, "another algorithm");
    if (!text_is(typ, "at+jwt"))
        return refuse(err, "another type");
    *out_kid = kid;
    return CC_OK;
}

/* Over "header.claims" as they were sent. */
static enum cc_code check_signature(const struct segments *segments, struct cc_arena *arena,
                                    EVP_PKEY *key, struct cc_error *err)
{
    unsigned char *signature = cc_arena_alloc(arena, segments->signature_length + 1);
    size_t text_length = segments->header_length + 1 + segments->claims_length, count = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_genuine = cc_base64url_decode(segments->signature, segments->signature_length,
                                          signature, segments->signature_length, &count) &&
                      context != NULL &&
                      EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                      EVP_DigestVerify(context, signature, count,
                                       (const unsigned char *)segments->header, text_length) == 1;

    EVP_MD_CTX_free(context);
    return is_genuine ? CC_OK : refuse(err, "wrong signature");
}

static enum cc_code check_claims(struct cc_json_reader *reader, int64_t now_ms,
                                 struct cc_caller *out, struct cc_error *err)
{
    const int64_t time_max = INT64_C(1) << 40;
    const char *iss = cc_json_text(reader, "iss", CC_REQUIRED, 1, 64);
    const char *aud = cc_json_text(reader, "aud", CC_REQUIRED, 1, 64);
    const char *sub = cc_json_uuid(reader, "sub", CC_REQUIRED);
    const char *sid = cc_json_uuid(reader, "sid", CC_REQUIRED);
    const char *device = cc_json_text(reader, "device_id", CC_REQUIRED, 1, 64);
    const char *role = cc_json_text(reader, "role", CC_REQUIRED, 1, 15);
    int64_t exp_s = cc_json_int(reader, "exp", CC_REQUIRED, 0, time_max);
    int64_t iat_s = cc_json_int(reader, "iat", CC_REQUIRED, 0, time_max);
    int64_t nbf_s = cc_json_int(reader, "nbf", CC_OPTIONAL, 0, INT64_MAX);

    (void)iat_s; /* must be there and be a time; exp bounds the token's life */
    if (!cc_json_reader_done(reader))
        return refuse(err, "unreadable claims");
    if (!text_is(iss, CC_JWT_ISSUER) || !text_is(aud, CC_JWT_AUDIENCE))
        return refuse(err, "another issuer or audience");
    if (!text_is(role, "user") && !text_is(role, "admin"))
        return refuse(err, "unknown role");
    if (exp_s * 1000 <= now_ms - CLOCK_LEEWAY_MS)
        return refuse(err, "expired");
    if (nbf_s > (now_ms + CLOCK_LEEWAY_MS) / 1000)
        return refuse(err, "not valid yet");
    *out = (struct cc_caller){.token_expires_at_ms = exp_s * 1000};
    memcpy(out->user_id, sub, strlen(sub) + 1);
    memcpy(out->session_id, sid, strlen(sid) + 1);
    memcpy(out->device_id, device, strlen(device) + 1);
    memcpy(out->role, role, strlen(role) + 1);
    return CC_OK;
}

static enum cc_code read_claims(const struct segments *segments, struct cc_arena *arena,
                                int64_t now_ms, struct cc_caller *out, struct cc_error *err)
{
    struct cc_json_reader *reader =
        open_segment(arena, segments->claims, segments->claims_length, CC_IGNORE_UNKNOWN);
    enum cc_code code = check_claims(reader, now_ms, out, err);

    cc_json_reader_destroy(reader);
    return code;
}

static enum cc_code verify_anew(struct cc_jwt_verifier *verifier, struct cc_arena *arena,
                                const char *token, size_t length, int64_t now_ms,
                                struct cc_caller *out, struct cc_error *err)
{
    struct segments segments;
    const char *kid = "";
    EVP_PKEY *key = NULL;
    enum cc_code code;

    if (!split(token, length, &segments))
        return refuse(err, "not a signed token");
    CC_TRY(read_header(&segments, arena, &kid, err));
    CC_TRY(cc_jwt_keys_find(verifier->keys, kid, &key, err));
    code = check_signature(&segments, arena, key, err);
    EVP_PKEY_free(key);
    CC_TRY(code);
    return read_claims(&segments, arena, now_ms, out, err);
}

enum cc_code cc_jwt_verify(struct cc_jwt_verifier *verifier, const char *token, size_t length,
                           struct cc_caller *out, struct cc_error *err)
{
    char digest[DIGEST_BYTES];
    int64_t now_ms = cc_wall_ms(verifier->clock);
    enum cc_code code = CC_OK;
    bool known, revoked;
    unsigned losses;

    if (length == 0 || length > CC_JWT_MAX_BYTES)
        return refuse(err, "no token of a sensible length");
    digest_of(token, length, digest);
    losses = cc_jwt_keys_losses(verifier->keys);
    pthread_mutex_lock(&verifier->lock);
    forget_after_loss(verifier, losses);
    known = recall(verifier, digest, now_ms, out);
    pthread_mutex_unlock(&verifier->lock);
    if (!known) {
        struct cc_arena *arena = cc_arena_create(0);

        code = verify_anew(verifier, arena, token, length, now_ms, out, err);
        cc_arena_destroy(arena);
    }
    if (code != CC_OK)
        return code;
    pthread_mutex_lock(&verifier->lock);
    revoked = is_revoked(verifier, out->session_id, now_ms);
    if (!known && !revoked && losses == verifier->losses)
        remember(verifier, digest, now_ms, out);
    pthread_mutex_unlock(&verifier->lock);
    return revoked ? refuse(err, "the session is revoked") : CC_OK;
}
