#ifndef STORAGE_ACCOUNT_STORE_MEMORY_H
#define STORAGE_ACCOUNT_STORE_MEMORY_H

/* What the two halves of the store in memory share: account_store_memory.c (accounts) and
 * account_sessions_memory.c (sessions and refresh tokens). */

#include <pthread.h>

#include "storage/account_store.h"

#define ACCOUNTS_MAX 64 /* and registrations */
#define SESSIONS_MAX 256
#define TOKENS_MAX   1024

struct account_row {
    bool used;
    struct account account;
};
struct registration_row {
    bool used;
    struct registration registration;
};
struct session_row {
    bool used;
    struct session session;
    int64_t revoked_at_ms, revoked_until_ms;
};
struct token_row {
    bool used;
    struct refresh_token token;
    char session_id[CC_UUID_BYTES];
};
struct deletion_row {
    bool used;
    struct account_deletion deletion;
    int64_t erase_from_ms;
};
struct memory_store {
    struct account_store store; /* first: the interface points here */
    struct outbox_store *outbox;
    pthread_mutex_t lock;
    struct account_row accounts[ACCOUNTS_MAX];
    struct registration_row registrations[ACCOUNTS_MAX];
    struct session_row sessions[SESSIONS_MAX];
    struct token_row tokens[TOKENS_MAX];
    struct deletion_row deletions[ACCOUNTS_MAX];
};

/* Every call holds the lock from here to the end of its scope. */
static inline void memory_release(struct memory_store **self)
{
    pthread_mutex_unlock(&(*self)->lock);
}
#define MEMORY_LOCKED __attribute__((cleanup(memory_release)))

static inline struct memory_store *memory_lock(struct account_store *store)
{
    struct memory_store *self = (struct memory_store *)store;
    pthread_mutex_lock(&self->lock);
    return self;
}

static inline enum cc_code memory_full(struct cc_error *err)
{
    return cc_fail_detail(err, CC_INTERNAL, "the memory store is full");
}

/* With the lock held: the account or NULL; ends sessions (device_id NULL = of any device). */
struct account_row *memory_find_account(struct memory_store *self, const char *account_id);
struct account_row *memory_find_address(struct memory_store *self, const char *email);
CC_MUST_CHECK enum cc_code memory_end_sessions(struct memory_store *self,
                                               const struct session_ending *ending,
                                               const char *device_id, struct cc_arena *arena,
                                               struct revocation_list *out, struct cc_error *err);

/* account_sessions_memory.c: the calls of account_store_ops with these names. */
enum cc_code memory_open_session(struct account_store *store, const struct session *session,
                                 const struct refresh_token *token, const char *only_if_hash,
                                 int64_t until_ms, struct cc_arena *arena,
                                 struct revocation_list *out_replaced, struct cc_error *err);
enum cc_code memory_list_sessions(struct account_store *store, const char *user_id, int64_t now_ms,
                                  struct cc_arena *arena, struct session_list *out,
                                  struct cc_error *err);
enum cc_code memory_has_used_address(struct account_store *store, const char *email,
                                     const char *address, bool *out, struct cc_error *err);
enum cc_code memory_revoke(struct account_store *store, const struct session_ending *ending,
                           struct cc_arena *arena, struct revocation_list *out,
                           struct cc_error *err);
enum cc_code memory_list_revocations(struct account_store *store, int64_t now_ms,
                                     struct cc_arena *arena, struct revocation_list *out,
                                     struct cc_error *err);
enum cc_code memory_find_refresh(struct account_store *store, const char *hash,
                                 struct refresh_token *out_token, struct session *out_session,
                                 struct cc_error *err);
enum cc_code memory_rotate(struct account_store *store, const char *hash,
                           const struct refresh_token *successor, const struct refresh_use *use,
                           bool *out_first, struct cc_error *err);
enum cc_code memory_purge_sessions(struct account_store *store, int64_t now_ms,
                                   struct cc_error *err);

/* account_deletions_memory.c: the same. */
enum cc_code memory_close(struct account_store *store, const struct account_closing *closing,
                          const struct session_ending *ending, struct cc_arena *arena,
                          struct revocation_list *out_ended, struct cc_error *err);
enum cc_code memory_find_deletion(struct account_store *store, const char *deletion_id,
                                  struct account_deletion *out, struct cc_error *err);
enum cc_code memory_advance_deletions(struct account_store *store, int64_t now_ms,
                                      struct cc_error *err);

#endif
