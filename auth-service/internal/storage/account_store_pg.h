#ifndef STORAGE_ACCOUNT_STORE_PG_H
#define STORAGE_ACCOUNT_STORE_PG_H

/* What the two halves of the PostgreSQL store share: account_store_pg.c (accounts) and
 * account_sessions_pg.c (sessions and refresh tokens). */

#include "common/pg_pool.h"
#include "storage/account_store.h"
#include "storage/pg_mail.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

struct pg_store {
    struct account_store store; /* first: the interface points here */
    struct cc_pg_pool *pool;
};
static inline struct cc_pg_pool *pg_store_pool(struct account_store *store)
{
    return ((struct pg_store *)store)->pool;
}

void pg_copy_text(char *out, size_t size, const PGresult *result, int row, const char *column);
#define PG_COPY_TEXT(field, result, row, column)                                                   \
    pg_copy_text(field, sizeof(field), result, row, column)

/* Within the caller's transaction: ends sessions (device_id NULL = of any device); queues a mail.
 */
CC_MUST_CHECK enum cc_code pg_end_sessions(struct cc_pg *pg, const struct session_ending *ending,
                                           const char *device_id, struct cc_arena *arena,
                                           struct revocation_list *out, struct cc_error *err);
CC_MUST_CHECK enum cc_code pg_add_mail(struct cc_pg *pg, const struct outbox_mail *mail,
                                       struct cc_error *err);

/* account_sessions_pg.c: the calls of account_store_ops with these names. */
enum cc_code pg_open_session(struct account_store *store, const struct session *session,
                             const struct refresh_token *token, const char *only_if_hash,
                             int64_t until_ms, struct cc_arena *arena,
                             struct revocation_list *out_replaced, struct cc_error *err);
enum cc_code pg_list_sessions(struct account_store *store, const char *user_id, int64_t now_ms,
                              struct cc_arena *arena, struct session_list *out,
                              struct cc_error *err);
enum cc_code pg_has_used_address(struct account_store *store, const char *email,
                                 const char *address, bool *out, struct cc_error *err);
enum cc_code pg_revoke(struct account_store *store, const struct session_ending *ending,
                       struct cc_arena *arena, struct revocation_list *out, struct cc_error *err);
enum cc_code pg_list_revocations(struct account_store *store, int64_t now_ms,
                                 struct cc_arena *arena, struct revocation_list *out,
                                 struct cc_error *err);
enum cc_code pg_find_refresh(struct account_store *store, const char *hash,
                             struct refresh_token *out_token, struct session *out_session,
                             struct cc_error *err);
enum cc_code pg_rotate(struct account_store *store, const char *hash,
                       const struct refresh_token *successor, const struct refresh_use *use,
                       bool *out_first, struct cc_error *err);
enum cc_code pg_purge_sessions(struct account_store *store, int64_t now_ms, struct cc_error *err);

/* account_deletions_pg.c: the same. */
enum cc_code pg_close(struct account_store *store, const struct account_closing *closing,
                      const struct session_ending *ending, struct cc_arena *arena,
                      struct revocation_list *out_ended, struct cc_error *err);
enum cc_code pg_find_deletion(struct account_store *store, const char *deletion_id,
                              struct account_deletion *out, struct cc_error *err);
enum cc_code pg_advance_deletions(struct account_store *store, int64_t now_ms,
                                  struct cc_error *err);

#endif
