/* One-time codes in Redis; see otp_store.h. Runs on the callers' threads. Keys name the hash of a
 * verification id, which is a secret. */

#include "otp_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/alloc.h"

#define KEY_BYTES 128

struct otp_store {
    struct cc_redis *redis;
    int64_t ttl_s;
    unsigned char key[OTP_KEY_BYTES];
};

/* Scripts are shared by all threads; cc_redis_eval fills their hashes on first use. */
static struct cc_redis_script put_script = {
    .source = "redis.call('DEL', KEYS[1]) redis.call('HSET', KEYS[1], 'hash', ARGV[1]) "
              "redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[2]) "
              "return redis.call('EXPIRE', KEYS[1], ARGV[2])"};
/* The count comes first, so that concurrent guesses share the five tries; a right code is no guess,
 * and is there no more for whoever comes next. */
static struct cc_redis_script take_script = {
    .source = "local hash = redis.call('HGET', KEYS[1], 'hash') if not hash then return 0 end "
              "if redis.call('HINCRBY', KEYS[1], ARGV[3], 1) > tonumber(ARGV[2]) then return 0 end "
              "if hash ~= ARGV[1] then return 0 end redis.call('HINCRBY', KEYS[1], ARGV[3], -1) "
              "redis.call('HDEL', KEYS[1], 'hash') redis.call('HSET', KEYS[1], 'taken', hash) "
              "return 1"};
static struct cc_redis_script give_back_script = {
    .source = "if redis.call('HGET', KEYS[1], 'taken') ~= ARGV[1] then return 0 end "
              "redis.call('HDEL', KEYS[1], 'taken') "
              "return redis.call('HSET', KEYS[1], 'hash', ARGV[1])"};

struct otp_store *otp_store_create(struct cc_redis *redis, const char *secret, int64_t ttl_s)
{
    static const char label[] = "chat-app one-time codes";
    struct otp_store *store = cc_calloc(1, sizeof *store);
    unsigned char digest[EVP_MAX_MD_SIZE];
    store->redis = redis;
    store->ttl_s = ttl_s;
    HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)label, sizeof label - 1,
         digest, NULL);
    memcpy(store->key, digest, sizeof store->key);
    return store;
}

void otp_store_destroy(struct otp_store *store)
{
    cc_free(store);
}

static void code_key(const char *purpose, const struct otp_request *request, char out[KEY_BYTES])
{
    char hash[65];
    cc_sha256_hex(request->verification_id, strlen(request->verification_id), hash);
    (void)snprintf(out, KEY_BYTES, "otp:%s:%s", purpose, hash);
}

static void newest_key(const char *purpose, const char *email, char out[KEY_BYTES])
{
    char hash[65];
    cc_sha256_hex(email, strlen(email), hash);
    (void)snprintf(out, KEY_BYTES, "otp:newest:%s:%s", purpose, hash);
}

static enum cc_code eval(struct otp_store *store, struct cc_redis_script *script, size_t keys,
                         const char *const *argv, int64_t *out, struct cc_error *err)
{
    CC_AUTO(redis_reply) redisReply *reply = NULL;
    CC_TRY(cc_redis_eval(store->redis, script, keys, keys + 3, argv, NULL, &reply, err));
    *out = reply->integer;
    return CC_OK;
}

enum cc_code otp_store_put(struct otp_store *store, const char *purpose,
                           const struct otp_request *request, const char *code,
                           struct cc_error *err)
{
    char key[KEY_BYTES], newest[KEY_BYTES], hash[OTP_HASH_BYTES], ttl[24];
    int64_t ignored;
    code_key(purpose, request, key);
    newest_key(purpose, request->email, newest);
    otp_hash(store->key, purpose, request, code, hash);
    (void)snprintf(ttl, sizeof ttl, "%" PRId64, store->ttl_s);
    return eval(store, &put_script, 2,
                (const char *[]){key, newest, hash, ttl, request->verification_id}, &ignored, err);
}

enum cc_code otp_store_refuse(struct cc_error *err)
{
    return cc_fail(err, CC_BAD_CREDENTIALS, "/code", "The code is wrong or has expired.");
}

enum cc_code otp_store_take(struct otp_store *store, const char *purpose,
                            const struct otp_request *request, const char *code,
                            struct cc_error *err)
{
    char key[KEY_BYTES], hash[OTP_HASH_BYTES], most[16];
    int64_t right;
    code_key(purpose, request, key);
    otp_hash(store->key, purpose, request, code, hash);
    (void)snprintf(most, sizeof most, "%d", OTP_TRIES_MAX);
    CC_TRY(eval(store, &take_script, 1,
                (const char *[]){key, hash, most, request->by_address ? "open_tries" : "tries"},
                &right, err));
    if (right == 1)
        return CC_OK;
    return otp_store_refuse(err);
}

enum cc_code otp_store_give_back(struct otp_store *store, const char *purpose,
                                 const struct otp_request *request, const char *code,
                                 struct cc_error *err)
{
    char key[KEY_BYTES], hash[OTP_HASH_BYTES];
    int64_t ignored;
    code_key(purpose, request, key);
    otp_hash(store->key, purpose, request, code, hash);
    return eval(store, &give_back_script, 1, (const char *[]){key, hash, "", ""}, &ignored, err);
}

enum cc_code otp_store_newest(struct otp_store *store, const char *purpose, const char *email,
                              char out[VERIFICATION_ID_BYTES], struct cc_error *err)
{
    CC_AUTO(redis_reply) redisReply *reply = NULL;
    char key[KEY_BYTES];
    newest_key(purpose, email, key);
    CC_TRY(cc_redis_do(store->redis, &reply, err, "GET", key, NULL));
    (void)snprintf(out, VERIFICATION_ID_BYTES, "%s", reply->str == NULL ? "" : reply->str);
    return CC_OK;
}
