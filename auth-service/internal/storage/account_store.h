#ifndef STORAGE_ACCOUNT_STORE_H
#define STORAGE_ACCOUNT_STORE_H

/*
 * Accounts, sessions and refresh tokens: the truth about who may log in. Implementations:
 * account_store_pg.c (PostgreSQL) and account_store_memory.c (tests); one contract suite runs
 * against both. All calls are thread-safe and may block up to 2 s.
 *
 * Errors of every call, besides those named: CC_UNAVAILABLE (nothing was done), CC_TIMEOUT,
 * CC_OUTCOME_UNKNOWN, CC_INTERNAL.
 */

#include "common/arena.h"
#include "common/error.h"
#include "domain/account.h"
#include "domain/session.h"

struct session_list { /* in an arena */
    const struct session *items;
    size_t count;
};
struct revocation_list { /* in an arena */
    const struct session_revocation *items;
    size_t count;
};

/* Which sessions of a person a revocation ends. */
struct session_selection {
    const char *user_id;
    const char *only;       /* this session; NULL = no such condition */
    const char *all_except; /* all but this one; NULL = no such condition */
};

struct account_store;
struct account_store_ops {
    enum cc_code (*insert_account)(struct account_store *, const struct account *,
                                   struct cc_error *);
    enum cc_code (*find_by_email)(struct account_store *, const char *email, struct account *out,
                                  struct cc_error *);
    enum cc_code (*find_by_id)(struct account_store *, const char *account_id, struct account *out,
                               struct cc_error *);
    enum cc_code (*renew_pending)(struct account_store *, const struct account *,
                                  struct cc_error *);
    enum cc_code (*remove_pending)(struct account_store *, const char *account_id,
                                   struct cc_error *);
    enum cc_code (*activate)(struct account_store *, const char *account_id, struct cc_error *);
    enum cc_code (*change_password_hash)(struct account_store *, const char *account_id,
                                         const char *from, const char *to, struct cc_error *);
    enum cc_code (*open_session)(struct account_store *, const struct session *,
                                 const struct refresh_token *, int64_t until_ms, struct cc_arena *,
                                 struct revocation_list *out_replaced, struct cc_error *);
    enum cc_code (*list_sessions)(struct account_store *, const char *user_id, int64_t now_ms,
                                  struct cc_arena *, struct session_list *out, struct cc_error *);
    enum cc_code (*revoke)(struct account_store *, const struct session_selection *,
                           const char *reason, int64_t now_ms, int64_t until_ms, struct cc_arena *,
                           struct revocation_list *out, struct cc_error *);
    enum cc_code (*list_revocations)(struct account_store *, int64_t now_ms, struct cc_arena *,
                                     struct revocation_list *out, struct cc_error *);
    enum cc_code (*find_refresh)(struct account_store *, const char *hash,
                                 struct refresh_token *out_token, struct session *out_session,
                                 struct cc_error *);
    enum cc_code (*rotate)(struct account_store *, const char *hash,
                           const struct refresh_token *successor, int64_t now_ms, bool *out_first,
                           struct cc_error *);
    enum cc_code (*purge)(struct account_store *, int64_t now_ms, struct cc_error *);
    void (*destroy)(struct account_store *);
};
struct account_store {
    const struct account_store_ops *ops;
};

/* CC_CONFLICT when the address has an account. */
CC_MUST_CHECK static inline enum cc_code account_store_insert(struct account_store *store,
                                                              const struct account *account,
                                                              struct cc_error *err)
{
    return store->ops->insert_account(store, account, err);
}
/* `email` in lower case. CC_NOT_FOUND. */
CC_MUST_CHECK static inline enum cc_code account_store_find_by_email(struct account_store *store,
                                                                     const char *email,
                                                                     struct account *out,
                                                                     struct cc_error *err)
{
    return store->ops->find_by_email(store, email, out, err);
}
/* CC_NOT_FOUND. */
CC_MUST_CHECK static inline enum cc_code account_store_find_by_id(struct account_store *store,
                                                                  const char *account_id,
                                                                  struct account *out,
                                                                  struct cc_error *err)
{
    return store->ops->find_by_id(store, account_id, out, err);
}
/* Replaces password_hash, handle, display_name and has_profile of an account that is not verified.
 * CC_NOT_FOUND when there is none, or it is active by now. */
CC_MUST_CHECK static inline enum cc_code account_store_renew_pending(struct account_store *store,
                                                                     const struct account *account,
                                                                     struct cc_error *err)
{
    return store->ops->renew_pending(store, account, err);
}
/* Removes an account that is not verified; CC_OK as well when there is none. */
CC_MUST_CHECK static inline enum cc_code account_store_remove_pending(struct account_store *store,
                                                                      const char *account_id,
                                                                      struct cc_error *err)
{
    return store->ops->remove_pending(store, account_id, err);
}
/* Idempotent. CC_NOT_FOUND. */
CC_MUST_CHECK static inline enum cc_code
account_store_activate(struct account_store *store, const char *account_id, struct cc_error *err)
{
    return store->ops->activate(store, account_id, err);
}
/* Only when the stored hash is still `from`; CC_CONFLICT otherwise. */
CC_MUST_CHECK static inline enum cc_code
account_store_change_password_hash(struct account_store *store, const char *account_id,
                                   const char *from, const char *to, struct cc_error *err)
{
    return store->ops->change_password_hash(store, account_id, from, to, err);
}
/* Adds a session with its first refresh token, and ends the one that its device had before
 * (out_replaced, at most one; access tokens of it live until `until_ms`), in one transaction. */
CC_MUST_CHECK static inline enum cc_code
account_store_open_session(struct account_store *store, const struct session *session,
                           const struct refresh_token *token, int64_t until_ms,
                           struct cc_arena *arena, struct revocation_list *out_replaced,
                           struct cc_error *err)
{
    return store->ops->open_session(store, session, token, until_ms, arena, out_replaced, err);
}
/* Those that are neither revoked nor expired, newest first, at most 200. */
CC_MUST_CHECK static inline enum cc_code
account_store_list_sessions(struct account_store *store, const char *user_id, int64_t now_ms,
                            struct cc_arena *arena, struct session_list *out, struct cc_error *err)
{
    return store->ops->list_sessions(store, user_id, now_ms, arena, out, err);
}
/* Ends the selected sessions and queues session.revoked for each, in one transaction. `out` has
 * those that ended by this call. CC_NOT_FOUND: `only` is no session of that person. */
CC_MUST_CHECK static inline enum cc_code
account_store_revoke(struct account_store *store, const struct session_selection *selection,
                     const char *reason, int64_t now_ms, int64_t until_ms, struct cc_arena *arena,
                     struct revocation_list *out, struct cc_error *err)
{
    return store->ops->revoke(store, selection, reason, now_ms, until_ms, arena, out, err);
}
/* Revocations whose access tokens may still live, at most 100,000. */
CC_MUST_CHECK static inline enum cc_code
account_store_list_revocations(struct account_store *store, int64_t now_ms, struct cc_arena *arena,
                               struct revocation_list *out, struct cc_error *err)
{
    return store->ops->list_revocations(store, now_ms, arena, out, err);
}
/* CC_NOT_FOUND. */
CC_MUST_CHECK static inline enum cc_code account_store_find_refresh(struct account_store *store,
                                                                    const char *hash,
                                                                    struct refresh_token *out_token,
                                                                    struct session *out_session,
                                                                    struct cc_error *err)
{
    return store->ops->find_refresh(store, hash, out_token, out_session, err);
}
/* Compare-and-swap: marks the token used and adds its successor, if nobody did so before and its
 * session is not revoked (out_first false: somebody was faster, nothing changed). The session is
 * seen now, and expires with the successor. */
CC_MUST_CHECK static inline enum cc_code account_store_rotate(struct account_store *store,
                                                              const char *hash,
                                                              const struct refresh_token *successor,
                                                              int64_t now_ms, bool *out_first,
                                                              struct cc_error *err)
{
    return store->ops->rotate(store, hash, successor, now_ms, out_first, err);
}
/* Forgets expired sessions and tokens, and revocations that no token outlived. */
CC_MUST_CHECK static inline enum cc_code account_store_purge(struct account_store *store,
                                                             int64_t now_ms, struct cc_error *err)
{
    return store->ops->purge(store, now_ms, err);
}
static inline void account_store_destroy(struct account_store *store)
{
    if (store != NULL)
        store->ops->destroy(store);
}

struct cc_pg_pool;
struct outbox_store;
struct account_store *account_store_pg_create(struct cc_pg_pool *pool); /* borrows the pool */
/* Its revocations go to that outbox, which is borrowed. */
struct account_store *account_store_memory_create(struct outbox_store *memory_outbox);

#endif
