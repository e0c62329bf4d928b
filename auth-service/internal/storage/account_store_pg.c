/*
 * Accounts and sessions in PostgreSQL (migrations/0001_accounts.sql); see account_store.h. Runs on
 * the callers' threads. Every call is one statement, or one transaction where it says so.
 */

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/pg_pool.h"
#include "storage/account_store.h"
#include "storage/pg_number.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

#define ACCOUNT_COLUMNS                                                                            \
    "account_id, email, password_hash, handle, display_name, role, active, has_profile, "          \
    "created_at_ms"
#define SESSION_COLUMNS                                                                            \
    "s.session_id, s.user_id, s.device_id, s.device_name, s.rotation_key, s.created_at_ms, "       \
    "s.last_seen_at_ms, s.expires_at_ms, s.revoked_at_ms IS NOT NULL AS revoked"

struct pg_store {
    struct account_store store; /* first: the interface points here */
    struct cc_pg_pool *pool;
};

static struct cc_pg_pool *pool_of(struct account_store *store)
{
    return ((struct pg_store *)store)->pool;
}

static void copy_text(char *out, size_t size, const PGresult *result, int row, const char *column)
{
    (void)snprintf(out, size, "%s", cc_pg_text(result, row, column));
}
#define COPY_TEXT(field, result, row, column) copy_text(field, sizeof(field), result, row, column)

static struct account read_account(const PGresult *result, int row)
{
    struct account account = {
        .active = cc_pg_int(result, row, "active") != 0,
        .has_profile = cc_pg_int(result, row, "has_profile") != 0,
        .created_at_ms = cc_pg_int(result, row, "created_at_ms"),
    };
    COPY_TEXT(account.account_id, result, row, "account_id");
    COPY_TEXT(account.email, result, row, "email");
    COPY_TEXT(account.password_hash, result, row, "password_hash");
    COPY_TEXT(account.handle, result, row, "handle");
    COPY_TEXT(account.display_name, result, row, "display_name");
    COPY_TEXT(account.role, result, row, "role");
    return account;
}

static struct session read_session(const PGresult *result, int row)
{
    struct session session = {
        .created_at_ms = cc_pg_int(result, row, "created_at_ms"),
        .last_seen_at_ms = cc_pg_int(result, row, "last_seen_at_ms"),
        .expires_at_ms = cc_pg_int(result, row, "expires_at_ms"),
        .revoked = cc_pg_int(result, row, "revoked") != 0,
    };
    COPY_TEXT(session.session_id, result, row, "session_id");
    COPY_TEXT(session.user_id, result, row, "user_id");
    COPY_TEXT(session.device_id, result, row, "device_id");
    COPY_TEXT(session.device_name, result, row, "device_name");
    COPY_TEXT(session.rotation_key, result, row, "rotation_key");
    return session;
}

/* Runs a statement that changes one row, and says so when there was none. */
static enum cc_code change_one(struct cc_pg_pool *pool, const char *sql, const char *const *params,
                               int count, enum cc_code when_none, struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    CC_TRY(cc_pg_query(pool, sql, params, count, &result, err));
    if (PQntuples(result) == 0)
        return cc_fail(err, when_none, NULL, "%s", cc_code_title(when_none));
    return CC_OK;
}

static enum cc_code insert_account(struct account_store *store, const struct account *account,
                                   struct cc_error *err)
{
    struct pg_number created = pg_number(account->created_at_ms);
    const char *params[] = {account->account_id,
                            account->email,
                            account->password_hash,
                            account->handle,
                            account->display_name,
                            account->role,
                            pg_boolean(account->active),
                            pg_boolean(account->has_profile),
                            created.text};
    return cc_pg_query(pool_of(store),
                       "INSERT INTO accounts (" ACCOUNT_COLUMNS ") "
                       "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                       params, COUNT(params), NULL, err);
}

static enum cc_code find_account(struct account_store *store, const char *sql, const char *key,
                                 struct account *out, struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    CC_TRY(cc_pg_query(pool_of(store), sql, &key, 1, &result, err));
    if (PQntuples(result) == 0)
        return cc_fail(err, CC_NOT_FOUND, NULL, "There is no such account.");
    *out = read_account(result, 0);
    return CC_OK;
}

static enum cc_code find_by_email(struct account_store *store, const char *email,
                                  struct account *out, struct cc_error *err)
{
    return find_account(store, "SELECT " ACCOUNT_COLUMNS " FROM accounts WHERE email = $1", email,
                        out, err);
}

static enum cc_code find_by_id(struct account_store *store, const char *account_id,
                               struct account *out, struct cc_error *err)
{
    return find_account(store, "SELECT " ACCOUNT_COLUMNS " FROM accounts WHERE account_id = $1",
                        account_id, out, err);
}

static enum cc_code renew_pending(struct account_store *store, const struct account *account,
                                  struct cc_error *err)
{
    const char *params[] = {account->account_id, account->password_hash, account->handle,
                            account->display_name, pg_boolean(account->has_profile)};
    return change_one(pool_of(store),
                      "UPDATE accounts SET password_hash = $2, handle = $3, display_name = $4, "
                      "has_profile = $5 WHERE account_id = $1 AND NOT active RETURNING account_id",
                      params, COUNT(params), CC_NOT_FOUND, err);
}

static enum cc_code remove_pending(struct account_store *store, const char *account_id,
                                   struct cc_error *err)
{
    return cc_pg_query(pool_of(store), "DELETE FROM accounts WHERE account_id = $1 AND NOT active",
                       &account_id, 1, NULL, err);
}

static enum cc_code activate(struct account_store *store, const char *account_id,
                             struct cc_error *err)
{
    return change_one(pool_of(store),
                      "UPDATE accounts SET active = true, has_profile = true "
                      "WHERE account_id = $1 RETURNING account_id",
                      &account_id, 1, CC_NOT_FOUND, err);
}

static enum cc_code change_password_hash(struct account_store *store, const char *account_id,
                                         const char *from, const char *to, struct cc_error *err)
{
    const char *params[] = {account_id, from, to};
    return change_one(pool_of(store),
                      "UPDATE accounts SET password_hash = $3 "
                      "WHERE account_id = $1 AND password_hash = $2 RETURNING account_id",
                      params, COUNT(params), CC_CONFLICT, err);
}

/* Ends sessions of $1: one ($2), all but one ($3), those of a device ($4); NULL = any. */
static const char revoke_sql[] =
    "WITH gone AS (UPDATE sessions SET revoked_at_ms = $6, revoked_until_ms = $7 "
    "WHERE user_id = $1 AND revoked_at_ms IS NULL AND ($2::uuid IS NULL OR session_id = $2::uuid) "
    "AND ($3::uuid IS NULL OR session_id <> $3::uuid) AND ($4::text IS NULL OR device_id = $4) "
    "RETURNING session_id, user_id), "
    "queued AS (INSERT INTO event_outbox (session_id, user_id, reason, at_ms, until_ms, "
    "next_try_ms) SELECT session_id, user_id, $5, $6, $7, $6 FROM gone) "
    "SELECT session_id, user_id FROM gone";

static struct revocation_list read_revoked(const PGresult *result, const char *reason,
                                           int64_t now_ms, int64_t until_ms, struct cc_arena *arena)
{
    size_t count = (size_t)PQntuples(result);
    struct session_revocation *items = cc_arena_calloc(arena, count, sizeof *items);
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct session_revocation){
            .reason = cc_arena_strdup(arena, reason), .at_ms = now_ms, .until_ms = until_ms};
        COPY_TEXT(items[i].session_id, result, (int)i, "session_id");
        COPY_TEXT(items[i].user_id, result, (int)i, "user_id");
    }
    return (struct revocation_list){items, count};
}

static enum cc_code insert_session(struct cc_pg *pg, const struct session *session,
                                   const struct refresh_token *token, struct cc_error *err)
{
    struct pg_number created = pg_number(session->created_at_ms),
                     seen = pg_number(session->last_seen_at_ms),
                     expires = pg_number(session->expires_at_ms),
                     token_expires = pg_number(token->expires_at_ms);
    const char *params[] = {
        session->session_id,   session->user_id, session->device_id, session->device_name,
        session->rotation_key, created.text,     seen.text,          expires.text};
    const char *token_params[] = {token->hash, session->session_id, token_expires.text};

    CC_TRY(cc_pg_exec(pg,
                      "INSERT INTO sessions (session_id, user_id, device_id, device_name, "
                      "rotation_key, created_at_ms, last_seen_at_ms, expires_at_ms) "
                      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                      params, COUNT(params), NULL, err));
    return cc_pg_exec(pg,
                      "INSERT INTO refresh_tokens (token_hash, session_id, expires_at_ms) "
                      "VALUES ($1, $2, $3)",
                      token_params, COUNT(token_params), NULL, err);
}

/* Log-ins of one person take turns (the lock on the account), so that two at the same time for one
 * device leave one living session. */
static enum cc_code open_session(struct account_store *store, const struct session *session,
                                 const struct refresh_token *token, int64_t until_ms,
                                 struct cc_arena *arena, struct revocation_list *out_replaced,
                                 struct cc_error *err)
{
    CC_AUTO(pg) struct cc_pg *pg = NULL;
    CC_AUTO(pg_result) PGresult *result = NULL;
    const char *lock_params[] = {session->user_id};
    struct pg_number now = pg_number(session->created_at_ms), until = pg_number(until_ms);
    const char *params[] = {session->user_id,     NULL,     NULL,      session->device_id,
                            SESSION_ENDED_LOGOUT, now.text, until.text};

    CC_TRY(cc_pg_borrow(pool_of(store), &pg, err));
    CC_TRY(cc_pg_begin(pg, err));
    CC_TRY(cc_pg_exec(pg, "SELECT 1 FROM accounts WHERE account_id = $1 FOR UPDATE", lock_params, 1,
                      NULL, err));
    CC_TRY(cc_pg_exec(pg, revoke_sql, params, COUNT(params), &result, err));
    CC_TRY(insert_session(pg, session, token, err));
    CC_TRY(cc_pg_commit(pg, err));
    *out_replaced =
        read_revoked(result, SESSION_ENDED_LOGOUT, session->created_at_ms, until_ms, arena);
    return CC_OK;
}

static enum cc_code list_sessions(struct account_store *store, const char *user_id, int64_t now_ms,
                                  struct cc_arena *arena, struct session_list *out,
                                  struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    struct pg_number now = pg_number(now_ms);
    const char *params[] = {user_id, now.text};

    CC_TRY(cc_pg_query(pool_of(store),
                       "SELECT " SESSION_COLUMNS " FROM sessions s WHERE s.user_id = $1 "
                       "AND s.revoked_at_ms IS NULL AND s.expires_at_ms > $2 "
                       "ORDER BY s.created_at_ms DESC, s.session_id DESC LIMIT 200",
                       params, COUNT(params), &result, err));
    size_t count = (size_t)PQntuples(result);
    struct session *items = cc_arena_calloc(arena, count, sizeof *items);
    for (size_t i = 0; i < count; i++)
        items[i] = read_session(result, (int)i);
    *out = (struct session_list){items, count};
    return CC_OK;
}

static enum cc_code require_session(struct account_store *store,
                                    const struct session_selection *selection, struct cc_error *err)
{
    const char *params[] = {selection->user_id, selection->only};
    return change_one(pool_of(store),
                      "SELECT 1 FROM sessions WHERE user_id = $1 AND session_id = $2::uuid", params,
                      COUNT(params), CC_NOT_FOUND, err);
}

static enum cc_code revoke(struct account_store *store, const struct session_selection *selection,
                           const char *reason, int64_t now_ms, int64_t until_ms,
                           struct cc_arena *arena, struct revocation_list *out,
                           struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    struct pg_number now = pg_number(now_ms), until = pg_number(until_ms);
    const char *params[] = {
        selection->user_id, selection->only, selection->all_except, NULL, reason,
        now.text,           until.text};

    CC_TRY(cc_pg_query(pool_of(store), revoke_sql, params, COUNT(params), &result, err));
    if (PQntuples(result) == 0 && selection->only != NULL)
        CC_TRY(require_session(store, selection, err));
    *out = read_revoked(result, reason, now_ms, until_ms, arena);
    return CC_OK;
}

static enum cc_code list_revocations(struct account_store *store, int64_t now_ms,
                                     struct cc_arena *arena, struct revocation_list *out,
                                     struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    struct pg_number now = pg_number(now_ms);
    const char *params[] = {now.text};

    CC_TRY(cc_pg_query(pool_of(store),
                       "SELECT session_id, user_id, revoked_at_ms, revoked_until_ms FROM sessions "
                       "WHERE revoked_at_ms IS NOT NULL AND revoked_until_ms > $1 "
                       "ORDER BY revoked_until_ms DESC LIMIT 100000",
                       params, COUNT(params), &result, err));
    *out = read_revoked(result, "", 0, 0, arena);
    struct session_revocation *items = (struct session_revocation *)out->items;
    for (size_t i = 0; i < out->count; i++) {
        items[i].at_ms = cc_pg_int(result, (int)i, "revoked_at_ms");
        items[i].until_ms = cc_pg_int(result, (int)i, "revoked_until_ms");
    }
    return CC_OK;
}

static enum cc_code find_refresh(struct account_store *store, const char *hash,
                                 struct refresh_token *out_token, struct session *out_session,
                                 struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    CC_TRY(cc_pg_query(pool_of(store),
                       "SELECT " SESSION_COLUMNS ", t.token_hash, t.expires_at_ms AS token_expires_"
                       "ms, t.rotated_at_ms FROM refresh_tokens t JOIN sessions s USING "
                       "(session_id) WHERE t.token_hash = $1",
                       &hash, 1, &result, err));
    if (PQntuples(result) == 0)
        return cc_fail(err, CC_NOT_FOUND, NULL, "There is no such token.");
    *out_session = read_session(result, 0);
    COPY_TEXT(out_token->hash, result, 0, "token_hash");
    out_token->expires_at_ms = cc_pg_int(result, 0, "token_expires_ms");
    out_token->rotated_at_ms = cc_pg_int(result, 0, "rotated_at_ms");
    return CC_OK;
}

/* Concurrent uses wait at the row's lock and then see rotated_at_ms set. */
static enum cc_code rotate(struct account_store *store, const char *hash,
                           const struct refresh_token *successor, int64_t now_ms, bool *out_first,
                           struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    struct pg_number now = pg_number(now_ms), expires = pg_number(successor->expires_at_ms);
    const char *params[] = {hash, successor->hash, expires.text, now.text};

    CC_TRY(cc_pg_query(
        pool_of(store),
        "WITH used AS (UPDATE refresh_tokens t SET rotated_at_ms = $4 FROM sessions s "
        "WHERE t.token_hash = $1 AND t.rotated_at_ms IS NULL AND s.session_id = t.session_id "
        "AND s.revoked_at_ms IS NULL RETURNING t.session_id), "
        "seen AS (UPDATE sessions SET last_seen_at_ms = $4, expires_at_ms = $3 "
        "WHERE session_id IN (SELECT session_id FROM used)) "
        "INSERT INTO refresh_tokens (token_hash, session_id, expires_at_ms) "
        "SELECT $2, session_id, $3 FROM used RETURNING session_id",
        params, COUNT(params), &result, err));
    *out_first = PQntuples(result) == 1;
    return CC_OK;
}

static enum cc_code purge(struct account_store *store, int64_t now_ms, struct cc_error *err)
{
    struct pg_number now = pg_number(now_ms);
    const char *params[] = {now.text};
    CC_TRY(cc_pg_query(pool_of(store), "DELETE FROM refresh_tokens WHERE expires_at_ms <= $1",
                       params, COUNT(params), NULL, err));
    return cc_pg_query(pool_of(store),
                       "DELETE FROM sessions WHERE expires_at_ms <= $1 AND "
                       "(revoked_until_ms IS NULL OR revoked_until_ms <= $1)",
                       params, COUNT(params), NULL, err);
}

static void destroy(struct account_store *store)
{
    cc_free(store);
}

static const struct account_store_ops ops = {
    .insert_account = insert_account,
    .find_by_email = find_by_email,
    .find_by_id = find_by_id,
    .renew_pending = renew_pending,
    .remove_pending = remove_pending,
    .activate = activate,
    .change_password_hash = change_password_hash,
    .open_session = open_session,
    .list_sessions = list_sessions,
    .revoke = revoke,
    .list_revocations = list_revocations,
    .find_refresh = find_refresh,
    .rotate = rotate,
    .purge = purge,
    .destroy = destroy,
};

struct account_store *account_store_pg_create(struct cc_pg_pool *pool)
{
    struct pg_store *self = cc_calloc(1, sizeof *self);
    self->store.ops = &ops;
    self->pool = pool;
    return &self->store;
}
