/*
 * The key set of the verifier: reads RFC 7517 JSON into public keys, keeps the last good set, and
 * refreshes it on a thread of its own ("jwt-keys", the only one here that blocks on the network).
 * Lookups come from any thread and take a lock for the length of a copy.
 */
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "common/alloc.h"
#include "common/log.h"

#include "jwt_private.h"

#define KEYS_MAX            16
#define JWKS_MAX_BYTES      ((size_t)64 * 1024)
#define REFRESH_MS          60000
#define FIRST_BACK_OFF_MS   1000 /* while there is no key at all; doubled up to the next */
#define LONGEST_BACK_OFF_MS 8000
#define UNKNOWN_KID_GAP_MS  1000
#define FETCH_TIMEOUT_MS    2000

struct key {
    char kid[CC_JWT_KID_MAX_BYTES + 1];
    EVP_PKEY *key;
};
struct key_set {
    struct key keys[KEYS_MAX];
    size_t count;
};

struct cc_jwt_keys {
    struct cc_http_client *client;
    const struct cc_setting_list *urls;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct key_set set;
    char *text; /* the JSON that `set` was read from */
    unsigned losses;
    bool refresh_wanted, stopping, has_thread;
    pthread_t thread;
};

/* ---- reading a JWK ---- */

static BIGNUM *read_number(const char *text)
{
    unsigned char bytes[1024];
    size_t count = 0;

    if (text == NULL || !cc_base64url_decode(text, strlen(text), bytes, sizeof(bytes), &count))
        return NULL;
    return BN_bin2bn(bytes, (int)count, NULL);
}

static EVP_PKEY *make_public_key(const BIGNUM *n, const BIGNUM *e)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;

    if (build != NULL && context != NULL &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        params = OSSL_PARAM_BLD_to_param(build);
    if (params != NULL && EVP_PKEY_fromdata_init(context) == 1)
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(context);
    return key;
}

static EVP_PKEY *read_public_key(const char *modulus, const char *exponent)
{
    BIGNUM *n = read_number(modulus), *e = read_number(exponent);
    EVP_PKEY *key = n != NULL && e != NULL ? make_public_key(n, e) : NULL;

    BN_free(n);
    BN_free(e);
    if (key == NULL || EVP_PKEY_get_bits(key) >= CC_JWT_RSA_MIN_BITS)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

/* ---- key sets ---- */

static bool is_absent_or(const char *value, const char *wanted)
{
    return value == NULL || strcmp(value, wanted) == 0;
}

/* Reads the entered JWK; anything that is not an RS256 signing key is passed over. */
static void read_key(struct cc_json_reader *reader, struct key_set *set)
{
    const char *kty = cc_json_text(reader, "kty", CC_REQUIRED, 1, 16);
    const char *kid = cc_json_text(reader, "kid", CC_OPTIONAL, 1, CC_JWT_KID_MAX_BYTES);
    const char *use = cc_json_text(reader, "use", CC_OPTIONAL, 1, 16);
    const char *alg = cc_json_text(reader, "alg", CC_OPTIONAL, 1, 16);
    const char *n = cc_json_text(reader, "n", CC_OPTIONAL, 1, 1400);
    const char *e = cc_json_text(reader, "e", CC_OPTIONAL, 1, 16);
    struct key *entry = &set->keys[set->count];

    if (kty == NULL || strcmp(kty, "RSA") != 0 || kid == NULL || !is_absent_or(use, "sig") ||
        !is_absent_or(alg, "RS256"))
        return;
    entry->key = read_public_key(n, e);
    if (entry->key == NULL)
        return;
    memcpy(entry->kid, kid, strlen(kid) + 1);
    set->count++;
}

static void free_set(struct key_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        EVP_PKEY_free(set->keys[i].key);
    set->count = 0;
}

static enum cc_code parse_set(const char *jwks, size_t count, struct key_set *out,
                              struct cc_error *err)
{
    struct cc_arena *arena = cc_arena_create(0);
    struct cc_json_reader *reader = cc_json_reader_create(arena, jwks, count, CC_IGNORE_UNKNOWN);
    size_t keys = cc_json_array_count(reader, "keys", CC_REQUIRED, KEYS_MAX);
    enum cc_code code;

    for (size_t i = 0; i < keys; i++)
        if (cc_json_enter_element(reader, "keys", i)) {
            read_key(reader, out);
            cc_json_leave(reader);
        }
    code = cc_json_reader_error(reader, err);
    if (code == CC_OK && out->count == 0)
        code = cc_fail(err, CC_INVALID, "/keys", "No usable RS256 key");
    if (code != CC_OK)
        free_set(out);
    cc_json_reader_destroy(reader);
    cc_arena_destroy(arena);
    return code;
}

static bool contains(const struct key_set *set, const char *kid)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->keys[i].kid, kid) == 0)
            return true;
    return false;
}

static bool has_all(const struct key_set *set, const struct key_set *wanted)
{
    for (size_t i = 0; i < wanted->count; i++)
        if (!contains(set, wanted->keys[i].kid))
            return false;
    return true;
}

enum cc_code cc_jwt_keys_set(struct cc_jwt_keys *keys, const char *jwks, size_t count,
                             struct cc_error *err)
{
    struct key_set fresh = {.count = 0}, old;

    CC_TRY(parse_set(jwks, count, &fresh, err));
    pthread_mutex_lock(&keys->lock);
    old = keys->set;
    keys->set = fresh;
    keys->losses += !has_all(&fresh, &old);
    cc_free(keys->text);
    keys->text = cc_strndup(jwks, count);
    pthread_mutex_unlock(&keys->lock);
    free_set(&old);
    return CC_OK;
}

unsigned cc_jwt_keys_losses(struct cc_jwt_keys *keys)
{
    pthread_mutex_lock(&keys->lock);
    unsigned losses = keys->losses;
    pthread_mutex_unlock(&keys->lock);
    return losses;
}

const char *cc_jwt_keys_text(struct cc_jwt_keys *keys, struct cc_arena *arena)
{
    const char *copy;

    pthread_mutex_lock(&keys->lock);
    copy = keys->text != NULL ? cc_arena_strdup(arena, keys->text) : NULL;
    pthread_mutex_unlock(&keys->lock);
    return copy;
}

bool cc_jwt_keys_any(struct cc_jwt_keys *keys)
{
    bool any;

    pthread_mutex_lock(&keys->lock);
    any = keys->set.count > 0;
    pthread_mutex_unlock(&keys->lock);
    return any;
}

enum cc_code cc_jwt_keys_find(struct cc_jwt_keys *keys, const char *kid, EVP_PKEY **out_key,
                              struct cc_error *err)
{
    EVP_PKEY *key = NULL;
    bool any;

    pthread_mutex_lock(&keys->lock);
    any = keys->set.count > 0;
    for (size_t i = 0; i < keys->set.count && key == NULL; i++)
        if (strcmp(keys->set.keys[i].kid, kid) == 0)
            key = keys->set.keys[i].key;
    if (key != NULL) {
        EVP_PKEY_up_ref(key);
    } else {
        keys->refresh_wanted = true;
        pthread_cond_signal(&keys->wake);
    }
    pthread_mutex_unlock(&keys->lock);
    if (key == NULL)
        return cc_fail_detail(err, any ? CC_UNAUTHENTICATED : CC_UNAVAILABLE,
                              any ? "unknown kid %s" : "no key set yet (kid %s)", kid);
    *out_key = key;
    return CC_OK;
}

/* ---- the refreshing thread ---- */

static enum cc_code fetch(struct cc_jwt_keys *keys, const char *url, struct cc_error *err)
{
    struct cc_arena *arena = cc_arena_create(0);
    const struct cc_http_call call = {.method = "GET",
                                      .url = url,
                                      .timeout_ms = FETCH_TIMEOUT_MS,
                                      .response_max_bytes = JWKS_MAX_BYTES};
    struct cc_http_answer answer;
    enum cc_code code = cc_http_do(keys->client, &call, arena, &answer, err);

    if (code == CC_OK && answer.status != 200)
        code = cc_fail_detail(err, CC_BAD_GATEWAY, "%.150s answered %d", url, answer.status);
    if (code == CC_OK)
        code = cc_jwt_keys_set(keys, answer.body, answer.body_count, err);
    cc_arena_destroy(arena);
    return code;
}

static bool fetch_any(struct cc_jwt_keys *keys)
{
    struct cc_error err = {0};

    for (size_t i = 0; i < keys->urls->count; i++)
        if (fetch(keys, keys->urls->items[i], &err) == CC_OK)
            return true;
    cc_log_error(CC_LOG_WARN, "the key set could not be fetched", &err, NULL);
    return false;
}

/* Sleeps until `pause_ms` has passed, or earlier when an unknown kid was seen and the last fetch is
 * UNKNOWN_KID_GAP_MS ago. Called and returns with the lock held. */
static void wait_for_turn(struct cc_jwt_keys *keys, int pause_ms)
{
    struct timespec start, until;
    int waited_ms = 0;

    clock_gettime(CLOCK_MONOTONIC, &start);
    keys->refresh_wanted = false;
    while (!keys->stopping && waited_ms < pause_ms &&
           !(keys->refresh_wanted && waited_ms >= UNKNOWN_KID_GAP_MS)) {
        int next_ms = keys->refresh_wanted ? UNKNOWN_KID_GAP_MS : pause_ms;
        int64_t until_ns = start.tv_nsec + (int64_t)next_ms * 1000000;

        until.tv_sec = start.tv_sec + until_ns / 1000000000;
        until.tv_nsec = until_ns % 1000000000;
        pthread_cond_timedwait(&keys->wake, &keys->lock, &until);
        clock_gettime(CLOCK_MONOTONIC, &until);
        waited_ms =
            (int)((until.tv_sec - start.tv_sec) * 1000 + (until.tv_nsec - start.tv_nsec) / 1000000);
    }
}

static void *refresh(void *arg)
{
    struct cc_jwt_keys *keys = arg;
    int back_off_ms = FIRST_BACK_OFF_MS;

    pthread_setname_np(pthread_self(), "jwt-keys");
    pthread_mutex_lock(&keys->lock);
    while (!keys->stopping) {
        int pause_ms = REFRESH_MS;

        pthread_mutex_unlock(&keys->lock);
        if (!fetch_any(keys)) {
            pause_ms = back_off_ms;
            back_off_ms =
                back_off_ms * 2 < LONGEST_BACK_OFF_MS ? back_off_ms * 2 : LONGEST_BACK_OFF_MS;
        } else {
            back_off_ms = FIRST_BACK_OFF_MS;
        }
        pthread_mutex_lock(&keys->lock);
        wait_for_turn(keys, pause_ms);
    }
    pthread_mutex_unlock(&keys->lock);
    return NULL;
}

struct cc_jwt_keys *cc_jwt_keys_create(struct cc_http_client *client,
                                       const struct cc_setting_list *urls)
{
    struct cc_jwt_keys *keys = cc_calloc(1, sizeof(*keys));
    pthread_condattr_t monotonic;

    keys->client = client;
    keys->urls = urls;
    pthread_mutex_init(&keys->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&keys->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (client != NULL && urls != NULL && urls->count > 0)
        keys->has_thread = pthread_create(&keys->thread, NULL, refresh, keys) == 0;
    return keys;
}

void cc_jwt_keys_destroy(struct cc_jwt_keys *keys)
{
    if (keys == NULL)
        return;
    pthread_mutex_lock(&keys->lock);
    keys->stopping = true;
    pthread_cond_signal(&keys->wake);
    pthread_mutex_unlock(&keys->lock);
    if (keys->has_thread)
        pthread_join(keys->thread, NULL);
    free_set(&keys->set);
    cc_free(keys->text);
    pthread_cond_destroy(&keys->wake);
    pthread_mutex_destroy(&keys->lock);
    cc_free(keys);
}
