/* Signing keys; see keyring.h. Any thread; a reader-writer lock lets requests sign in parallel. */

#include "keyring.h"

#include <pthread.h>
#include <string.h>

#include "common/alloc.h"

#define JWKS_MAX_BYTES 16384

struct keyring {
    pthread_rwlock_t lock;
    struct cc_jwt_signer *signers[2]; /* the current one first */
    size_t count;
};

enum cc_code keyring_create(const char *pem, struct keyring **out, struct cc_error *err)
{
    struct cc_jwt_signer *signer = NULL;
    CC_TRY(cc_jwt_signer_create(pem, &signer, err));
    struct keyring *keyring = cc_calloc(1, sizeof *keyring);
    pthread_rwlock_init(&keyring->lock, NULL);
    keyring->signers[0] = signer;
    keyring->count = 1;
    *out = keyring;
    return CC_OK;
}

void keyring_destroy(struct keyring *keyring)
{
    if (keyring == NULL)
        return;
    for (size_t i = 0; i < keyring->count; i++)
        cc_jwt_signer_destroy(keyring->signers[i]);
    pthread_rwlock_destroy(&keyring->lock);
    cc_free(keyring);
}

enum cc_code keyring_replace(struct keyring *keyring, const char *pem, struct cc_error *err)
{
    struct cc_jwt_signer *signer = NULL, *superfluous;
    CC_TRY(cc_jwt_signer_create(pem, &signer, err));
    pthread_rwlock_wrlock(&keyring->lock);
    if (strcmp(cc_jwt_signer_kid(signer), cc_jwt_signer_kid(keyring->signers[0])) == 0) {
        superfluous = signer;
    } else {
        superfluous = keyring->count == 2 ? keyring->signers[1] : NULL;
        keyring->signers[1] = keyring->signers[0];
        keyring->signers[0] = signer;
        keyring->count = 2;
    }
    pthread_rwlock_unlock(&keyring->lock);
    if (superfluous != NULL)
        cc_jwt_signer_destroy(superfluous);
    return CC_OK;
}

enum cc_code keyring_sign(struct keyring *keyring, const struct cc_caller *subject,
                          int64_t issued_at_ms, const char *token_id, struct cc_arena *arena,
                          const char **out, struct cc_error *err)
{
    pthread_rwlock_rdlock(&keyring->lock);
    enum cc_code code =
        cc_jwt_sign(keyring->signers[0], subject, issued_at_ms, token_id, arena, out, err);
    pthread_rwlock_unlock(&keyring->lock);
    return code;
}

void keyring_write_jwks(struct keyring *keyring, struct cc_json_writer *writer)
{
    pthread_rwlock_rdlock(&keyring->lock);
    cc_jwt_write_jwks(keyring->signers, keyring->count, writer);
    pthread_rwlock_unlock(&keyring->lock);
}

enum cc_code keyring_teach(struct keyring *keyring, struct cc_jwt_verifier *verifier,
                           struct cc_error *err)
{
    struct cc_strbuf text;
    struct cc_json_writer writer;
    cc_strbuf_init(&text, JWKS_MAX_BYTES);
    cc_json_writer_init(&writer, &text);
    keyring_write_jwks(keyring, &writer);
    enum cc_code code = cc_jwt_verifier_set_keys(verifier, cc_strbuf_text(&text), text.length, err);
    cc_strbuf_finish(&text);
    return code;
}
