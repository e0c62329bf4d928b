#ifndef STORAGE_ACCOUNT_STORE_H
#define STORAGE_ACCOUNT_STORE_H

/*
 * Registrations, accounts, sessions and refresh tokens: the truth about who may log in.
 * Implementations: account_store_pg.c with account_sessions_pg.c (PostgreSQL),
 * account_store_memory.c with account_sessions_memory.c (tests); one contract suite runs against
 * both. All calls are thread-safe and may block up to 2 s. A mail that is given to a call is queued
 * in its transaction: the fact and the mail about it are stored together or not at all.
 *
 * Errors of every call, besides those named: CC_UNAVAILABLE (nothing was done), CC_TIMEOUT,
 * CC_OUTCOME_UNKNOWN, CC_INTERNAL.
 */

#include "common/arena.h"
#include "common/error.h"
#include "domain/account.h"
#include "domain/deletion.h"
#include "domain/session.h"
#include "storage/outbox_store.h"

struct session_list { /* in an arena */
    const struct session *items;
    size_t count;
};
struct revocation_list { /* in an arena */
    const struct session_revocation *items;
    size_t count;
};

/* Which sessions of a person end, and how. */
struct session_ending {
    const char *user_id;
    const char *only;       /* this session; NULL = no such condition */
    const char *all_except; /* all but this one; NULL = no such condition */
    const char *reason;
    int64_t now_ms, until_ms;         /* access tokens live no longer than until_ms */
    const struct outbox_mail *notice; /* queued when a session ended; NULL = none */
};

/* What of an account changes; zero members stay. */
struct account_change {
    const char *account_id;
    const char *only_if_hash; /* the password hash that was checked; NULL = any */
    const char *password_hash;
    const char *role;
    enum { STANDING_STAYS, STANDING_SUSPEND, STANDING_REINSTATE } standing;
    int64_t now_ms;
    const struct outbox_mail *notice; /* queued with the change; NULL = none */
};

struct account_closing {
    const char *account_id, *deletion_id;
    const char *only_if_hash;         /* the password hash that was checked */
    const struct outbox_mail *notice; /* to the address that is forgotten with this */
};

/* From where a refresh token is used. */
struct refresh_use {
    const char *address;
    bool names_device;
    int64_t now_ms;
};

/* As JSON, some 90 bytes each, they must fit into the 8 MiB of an answer between daemons. */
#define REVOCATIONS_LISTED 65536

struct account_store;
struct account_store_ops {
    enum cc_code (*enroll)(struct account_store *, const struct registration *,
                           const struct outbox_mail *code, const struct outbox_mail *notice,
                           struct cc_error *);
    enum cc_code (*admit)(struct account_store *, const char *registration_key, const char *email,
                          int64_t now_ms, struct account *out, struct cc_error *);
    enum cc_code (*repeat)(struct account_store *, const char *email, const char *registration_key,
                           int64_t now_ms, struct cc_error *);
    enum cc_code (*find_by_email)(struct account_store *, const char *email, struct account *out,
                                  struct cc_error *);
    enum cc_code (*find_by_id)(struct account_store *, const char *account_id, struct account *out,
                               struct cc_error *);
    enum cc_code (*activate)(struct account_store *, const char *account_id, const char *handle,
                             struct cc_error *);
    enum cc_code (*queue_mail)(struct account_store *, const char *registration_key,
                               const struct outbox_mail *, struct cc_error *);
    enum cc_code (*change)(struct account_store *, const struct account_change *,
                           const struct session_ending *, struct cc_arena *,
                           struct revocation_list *out_ended, struct cc_error *);
    enum cc_code (*has_used_address)(struct account_store *, const char *email, const char *address,
                                     bool *out, struct cc_error *);
    enum cc_code (*open_session)(struct account_store *, const struct session *,
                                 const struct refresh_token *, const char *only_if_hash,
                                 int64_t until_ms, struct cc_arena *,
                                 struct revocation_list *out_replaced, struct cc_error *);
    enum cc_code (*list_sessions)(struct account_store *, const char *user_id, int64_t now_ms,
                                  struct cc_arena *, struct session_list *out, struct cc_error *);
    enum cc_code (*revoke)(struct account_store *, const struct session_ending *, struct cc_arena *,
                           struct revocation_list *out, struct cc_error *);
    enum cc_code (*list_revocations)(struct account_store *, int64_t now_ms, struct cc_arena *,
                                     struct revocation_list *out, struct cc_error *);
    enum cc_code (*find_refresh)(struct account_store *, const char *hash,
                                 struct refresh_token *out_token, struct session *out_session,
                                 struct cc_error *);
    enum cc_code (*rotate)(struct account_store *, const char *hash,
                           const struct refresh_token *successor, const struct refresh_use *use,
                           bool *out_first, struct cc_error *);
    enum cc_code (*close)(struct account_store *, const struct account_closing *,
                          const struct session_ending *, struct cc_arena *,
                          struct revocation_list *out_ended, struct cc_error *);
    enum cc_code (*find_deletion)(struct account_store *, const char *deletion_id,
                                  struct account_deletion *out, struct cc_error *);
    enum cc_code (*advance_deletions)(struct account_store *, int64_t now_ms, struct cc_error *);
    enum cc_code (*purge)(struct account_store *, int64_t now_ms, struct cc_error *);
    void (*destroy)(struct account_store *);
};
struct account_store {
    const struct account_store_ops *ops;
};

/* Stores a registration, beside others of its address, and queues one of two mails, in one
 * statement that takes the same path for every address: `notice` when the address has an account
 * that is active, otherwise `code`. */
CC_MUST_CHECK static inline enum cc_code
account_store_enroll(struct account_store *store, const struct registration *registration,
                     const struct outbox_mail *code, const struct outbox_mail *notice,
                     struct cc_error *err)
{
    return store->ops->enroll(store, registration, code, notice, err);
}
/* The code of a registration came back: it becomes the account of its address, not active yet. One
 * that was left there half-way is taken over, with its id: whoever left it read the same mails.
 * Idempotent, also when this registration's account is active by now. CC_NOT_FOUND: no such
 * registration of that address, it is over, or the address has another account. */
CC_MUST_CHECK static inline enum cc_code
account_store_admit(struct account_store *store, const char *registration_key, const char *email,
                    int64_t now_ms, struct account *out, struct cc_error *err)
{
    return store->ops->admit(store, registration_key, email, now_ms, out, err);
}
/* The newest registration of the address, if there is one, once more under another key: for whoever
 * knows the address alone. It takes nothing from the others, and lives no longer. */
CC_MUST_CHECK static inline enum cc_code account_store_repeat(struct account_store *store,
                                                              const char *email,
                                                              const char *registration_key,
                                                              int64_t now_ms, struct cc_error *err)
{
    return store->ops->repeat(store, email, registration_key, now_ms, err);
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
/* The address was verified and the profile made, with this handle. Idempotent. CC_NOT_FOUND. */
CC_MUST_CHECK static inline enum cc_code account_store_activate(struct account_store *store,
                                                                const char *account_id,
                                                                const char *handle,
                                                                struct cc_error *err)
{
    return store->ops->activate(store, account_id, handle, err);
}
/* Queues the mail for its recipient, when the address has an active account (registration_key
 * NULL), or none and that registration; otherwise for nobody, which is as much work: whom a mail is
 * for is told only in the statement that queues it. */
CC_MUST_CHECK static inline enum cc_code account_store_queue_mail(struct account_store *store,
                                                                  const char *registration_key,
                                                                  const struct outbox_mail *mail,
                                                                  struct cc_error *err)
{
    return store->ops->queue_mail(store, registration_key, mail, err);
}
/* Changes an account and, when `ending` is not NULL, ends sessions, in one transaction. The
 * account's other log-ins wait meanwhile, and fail when they began with the former password.
 * CC_NOT_FOUND; CC_CONFLICT: the hash is not `only_if_hash` (any more). */
CC_MUST_CHECK static inline enum cc_code
account_store_change(struct account_store *store, const struct account_change *change,
                     const struct session_ending *ending, struct cc_arena *arena,
                     struct revocation_list *out_ended, struct cc_error *err)
{
    return store->ops->change(store, change, ending, arena, out_ended, err);
}
/* Whether a session of the account of `email` was last seen from the place of that address
 * (network_address_scope); those that have ended count while they are remembered. */
CC_MUST_CHECK static inline enum cc_code
account_store_has_used_address(struct account_store *store, const char *email, const char *address,
                               bool *out, struct cc_error *err)
{
    return store->ops->has_used_address(store, email, address, out, err);
}
/* Adds a session with its first refresh token, and ends the one that its device had before
 * (out_replaced, at most one; access tokens of it live until `until_ms`), in one transaction.
 * CC_CONFLICT: the account is gone or suspended, or its password hash is not `only_if_hash` any
 * more. */
CC_MUST_CHECK static inline enum cc_code
account_store_open_session(struct account_store *store, const struct session *session,
                           const struct refresh_token *token, const char *only_if_hash,
                           int64_t until_ms, struct cc_arena *arena,
                           struct revocation_list *out_replaced, struct cc_error *err)
{
    return store->ops->open_session(store, session, token, only_if_hash, until_ms, arena,
                                    out_replaced, err);
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
account_store_revoke(struct account_store *store, const struct session_ending *ending,
                     struct cc_arena *arena, struct revocation_list *out, struct cc_error *err)
{
    return store->ops->revoke(store, ending, arena, out, err);
}
/* Revocations whose access tokens may still live, at most REVOCATIONS_LISTED, the last to end
 * first. */
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
 * seen now, from `address`, and expires with the successor. */
CC_MUST_CHECK static inline enum cc_code account_store_rotate(struct account_store *store,
                                                              const char *hash,
                                                              const struct refresh_token *successor,
                                                              const struct refresh_use *use,
                                                              bool *out_first, struct cc_error *err)
{
    return store->ops->rotate(store, hash, successor, use, out_first, err);
}
/* First step of a deletion (domain/deletion.h), in one transaction: forgets address, password and
 * names, ends the sessions, queues the events and the mail. The address is free from then on.
 * CC_CONFLICT: the hash is not `only_if_hash` (any more), or it is closed already. */
CC_MUST_CHECK static inline enum cc_code
account_store_close(struct account_store *store, const struct account_closing *closing,
                    const struct session_ending *ending, struct cc_arena *arena,
                    struct revocation_list *out_ended, struct cc_error *err)
{
    return store->ops->close(store, closing, ending, arena, out_ended, err);
}
/* CC_NOT_FOUND; also 30 days after it was completed. */
CC_MUST_CHECK static inline enum cc_code account_store_find_deletion(struct account_store *store,
                                                                     const char *deletion_id,
                                                                     struct account_deletion *out,
                                                                     struct cc_error *err)
{
    return store->ops->find_deletion(store, deletion_id, out, err);
}
/* Takes every deletion a step further that can be. Idempotent; replicas may do it together. */
CC_MUST_CHECK static inline enum cc_code
account_store_advance_deletions(struct account_store *store, int64_t now_ms, struct cc_error *err)
{
    return store->ops->advance_deletions(store, now_ms, err);
}
/* Forgets expired registrations, sessions and tokens, and revocations that no token outlived. */
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
struct account_store *account_store_pg_create(struct cc_pg_pool *pool); /* borrows the pool */
/* Its mails and revocations go to that outbox, which is borrowed. */
struct account_store *account_store_memory_create(struct outbox_store *memory_outbox);

#endif
