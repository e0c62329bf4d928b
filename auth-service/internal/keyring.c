/* Signing keys; see keyring.h. Any thread; a reader-writer lock lets requests sign in parallel. */

#include "keyring.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "key_seal.h"

#define KEY_BITS       3072
#define JWKS_MAX_BYTES 16384

CC_DEFINE_AUTO(bio, BIO, BIO_free_all);
CC_DEFINE_AUTO(pkey, EVP_PKEY, EVP_PKEY_free);

struct key_set { /* the last to sign first */
    struct cc_jwt_signer *signers[KEYS_MAX];
    int64_t signs_from_ms[KEYS_MAX];
    size_t count;
};

struct keyring {
    struct keyring_options options;
    pthread_rwlock_t lock;
    struct key_set set;
};

struct keyring *keyring_create(const struct keyring_options *options)
{
    struct keyring *keyring = cc_calloc(1, sizeof *keyring);
    keyring->options = *options;
    pthread_rwlock_init(&keyring->lock, NULL);
    return keyring;
}

static void free_set(struct key_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        cc_jwt_signer_destroy(set->signers[i]);
    set->count = 0;
}

void keyring_destroy(struct keyring *keyring)
{
    if (keyring == NULL)
        return;
    free_set(&keyring->set);
    pthread_rwlock_destroy(&keyring->lock);
    cc_free(keyring);
}

/* ---- storing ---- */

static enum cc_code seal(struct keyring *keyring, const char *pem, struct cc_arena *arena,
                         struct stored_key *out, struct cc_error *err)
{
    struct cc_jwt_signer *signer = NULL;
    CC_TRY(cc_jwt_signer_create(pem, &signer, err)); /* for its kid, and to see that it is a key */
    (void)snprintf(out->kid, KEY_ID_BYTES, "%s", cc_jwt_signer_kid(signer));
    cc_jwt_signer_destroy(signer);
    return key_seal(keyring->options.secret, out->kid, pem, keyring->options.random, arena,
                    &out->sealed, err);
}

enum cc_code keyring_import(struct keyring *keyring, const char *pem, struct cc_error *err)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct stored_key key = {.signs_from_ms = cc_wall_ms(keyring->options.clock)};
    CC_TRY(seal(keyring, pem, arena, &key, err));
    return key_store_add_first(keyring->options.store, &key, err);
}

static enum cc_code seal_new_key(struct keyring *keyring, struct cc_arena *arena,
                                 struct stored_key *out, struct cc_error *err)
{
    CC_AUTO(pkey) EVP_PKEY *pkey = EVP_RSA_gen(KEY_BITS);
    CC_AUTO(bio) BIO *bio = BIO_new(BIO_s_secmem());
    char *bytes = NULL;
    if (pkey == NULL || bio == NULL ||
        PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) != 1)
        return cc_fail_detail(err, CC_INTERNAL, "no signing key could be made");
    size_t count = (size_t)BIO_get_mem_data(bio, &bytes);
    char *pem = cc_arena_strndup(arena, bytes, count);
    enum cc_code code = seal(keyring, pem, arena, out, err);
    OPENSSL_cleanse(pem, count);
    return code;
}

enum cc_code keyring_rotate(struct keyring *keyring, bool at_once, int64_t token_life_ms,
                            char out_kid[KEY_ID_BYTES], struct cc_error *err)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    int64_t now_ms = cc_wall_ms(keyring->options.clock);
    struct stored_key key = {.signs_from_ms = at_once ? now_ms : now_ms + KEYRING_LEAD_MS};
    int64_t others_until_ms = at_once ? now_ms : key.signs_from_ms + token_life_ms;
    CC_TRY(seal_new_key(keyring, arena, &key, err));
    CC_TRY(key_store_rotate(keyring->options.store, &key, now_ms, others_until_ms, err));
    memcpy(out_kid, key.kid, KEY_ID_BYTES);
    return CC_OK;
}

/* ---- loading ---- */

static enum cc_code open_key(struct keyring *keyring, const struct stored_key *key,
                             struct cc_arena *arena, struct key_set *set, struct cc_error *err)
{
    char *pem = NULL;
    CC_TRY(key_unseal(keyring->options.secret, key->kid, key->sealed, arena, &pem, err));
    enum cc_code code = cc_jwt_signer_create(pem, &set->signers[set->count], err);
    OPENSSL_cleanse(pem, strlen(pem));
    CC_TRY(code);
    set->signs_from_ms[set->count++] = key->signs_from_ms;
    return CC_OK;
}

static enum cc_code open_all(struct keyring *keyring, const struct stored_key_list *list,
                             struct cc_arena *arena, struct key_set *out, struct cc_error *err)
{
    struct key_set set = {.count = 0};
    for (size_t i = 0; i < list->count && i < KEYS_MAX; i++) {
        enum cc_code code = open_key(keyring, &list->items[i], arena, &set, err);
        if (code != CC_OK) {
            free_set(&set);
            return code;
        }
    }
    *out = set;
    return CC_OK;
}

/* Only one thread loads: what it reads here nobody else writes. */
static bool is_same(const struct key_set *set, const struct stored_key_list *list)
{
    size_t count = list->count < KEYS_MAX ? list->count : KEYS_MAX;
    if (set->count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(cc_jwt_signer_kid(set->signers[i]), list->items[i].kid) != 0)
            return false;
    return true;
}

enum cc_code keyring_load(struct keyring *keyring, bool *out_changed, struct cc_error *err)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct stored_key_list list;
    struct key_set fresh, old;
    CC_TRY(key_store_list(keyring->options.store, cc_wall_ms(keyring->options.clock), arena, &list,
                          err));
    *out_changed = !is_same(&keyring->set, &list);
    if (!*out_changed)
        return CC_OK;
    CC_TRY(open_all(keyring, &list, arena, &fresh, err));
    pthread_rwlock_wrlock(&keyring->lock);
    old = keyring->set;
    keyring->set = fresh;
    pthread_rwlock_unlock(&keyring->lock);
    free_set(&old);
    return CC_OK;
}

/* ---- using; with the lock held ---- */

static struct cc_jwt_signer *current(const struct keyring *keyring, struct cc_error *err)
{
    const struct key_set *set = &keyring->set;
    int64_t now_ms = cc_wall_ms(keyring->options.clock);
    for (size_t i = 0; i < set->count; i++)
        if (set->signs_from_ms[i] <= now_ms)
            return set->signers[i];
    (void)cc_fail_detail(err, CC_UNAVAILABLE, "no signing key is loaded yet");
    return NULL;
}

enum cc_code keyring_sign(struct keyring *keyring, const struct cc_caller *subject,
                          int64_t issued_at_ms, const char *token_id, struct cc_arena *arena,
                          const char **out, struct cc_error *err)
{
    pthread_rwlock_rdlock(&keyring->lock);
    struct cc_jwt_signer *signer = current(keyring, err);
    enum cc_code code = signer == NULL
                            ? CC_UNAVAILABLE
                            : cc_jwt_sign(signer, subject, issued_at_ms, token_id, arena, out, err);
    pthread_rwlock_unlock(&keyring->lock);
    return code;
}

enum cc_code keyring_write_jwks(struct keyring *keyring, struct cc_json_writer *writer,
                                struct cc_error *err)
{
    pthread_rwlock_rdlock(&keyring->lock);
    enum cc_code code = current(keyring, err) != NULL ? CC_OK : CC_UNAVAILABLE;
    if (code == CC_OK)
        cc_jwt_write_jwks(keyring->set.signers, keyring->set.count, writer);
    pthread_rwlock_unlock(&keyring->lock);
    return code;
}

enum cc_code keyring_teach(struct keyring *keyring, struct cc_jwt_verifier *verifier,
                           struct cc_error *err)
{
    struct cc_strbuf text;
    struct cc_json_writer writer;
    cc_strbuf_init(&text, JWKS_MAX_BYTES);
    cc_json_writer_init(&writer, &text);
    enum cc_code code = keyring_write_jwks(keyring, &writer, err);
    if (code == CC_OK)
        code = cc_jwt_verifier_set_keys(verifier, cc_strbuf_text(&text), text.length, err);
    cc_strbuf_finish(&text);
    return code;
}
