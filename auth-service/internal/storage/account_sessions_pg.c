/*
 * Sessions and refresh tokens in PostgreSQL (migrations/); see account_store.h. Runs on the
 * callers' threads. Accounts: account_store_pg.c.
 */

#include "storage/account_store_pg.h"

#include <stdio.h>
#include <string.h>

#include "domain/network_address.h"

#define SESSION_COLUMNS                                                                            \
    "s.session_id, s.user_id, s.device_id, s.device_name, s.rotation_key, s.address, "             \
    "s.created_at_ms, s.last_seen_at_ms, s.expires_at_ms, s.device_named, "                        \
    "s.revoked_at_ms IS NOT NULL AS revoked"

static struct session read_session(const PGresult *result, int row)
{
    struct session session = {
        .created_at_ms = cc_pg_int(result, row, "created_at_ms"),
        .last_seen_at_ms = cc_pg_int(result, row, "last_seen_at_ms"),
        .expires_at_ms = cc_pg_int(result, row, "expires_at_ms"),
        .revoked = cc_pg_int(result, row, "revoked") != 0,
        .device_named = cc_pg_int(result, row, "device_named") != 0,
    };
    PG_COPY_TEXT(session.session_id, result, row, "session_id");
    PG_COPY_TEXT(session.user_id, result, row, "user_id");
    PG_COPY_TEXT(session.device_id, result, row, "device_id");
    PG_COPY_TEXT(session.device_name, result, row, "device_name");
    PG_COPY_TEXT(session.rotation_key, result, row, "rotation_key");
    PG_COPY_TEXT(session.address, result, row, "address");
    return session;
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
        PG_COPY_TEXT(items[i].session_id, result, (int)i, "session_id");
        PG_COPY_TEXT(items[i].user_id, result, (int)i, "user_id");
    }
    return (struct revocation_list){items, count};
}

enum cc_code pg_end_sessions(struct cc_pg *pg, const struct session_ending *ending,
                             const char *device_id, struct cc_arena *arena,
                             struct revocation_list *out, struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    struct pg_number now = pg_number(ending->now_ms), until = pg_number(ending->until_ms);
    const char *params[] = {ending->user_id, ending->only, ending->all_except, device_id,
                            ending->reason,  now.text,     until.text};
    CC_TRY(cc_pg_exec(pg, revoke_sql, params, COUNT(params), &result, err));
    *out = read_revoked(result, ending->reason, ending->now_ms, ending->until_ms, arena);
    if (out->count > 0 && ending->notice != NULL)
        return pg_add_mail(pg, ending->notice, err);
    return CC_OK;
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
        session->rotation_key, created.text,     seen.text,          expires.text,
        session->address};
    const char *token_params[] = {token->hash, session->session_id, token_expires.text};

    CC_TRY(cc_pg_exec(pg,
                      "INSERT INTO sessions (session_id, user_id, device_id, device_name, "
                      "rotation_key, created_at_ms, last_seen_at_ms, expires_at_ms, address) "
                      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                      params, COUNT(params), NULL, err));
    return cc_pg_exec(pg,
                      "INSERT INTO refresh_tokens (token_hash, session_id, expires_at_ms) "
                      "VALUES ($1, $2, $3)",
                      token_params, COUNT(token_params), NULL, err);
}

static enum cc_code lock_account(struct cc_pg *pg, const char *account_id, const char *only_if_hash,
                                 struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    const char *params[] = {account_id, only_if_hash};
    CC_TRY(cc_pg_exec(pg,
                      "SELECT 1 FROM accounts WHERE account_id = $1 AND password_hash = $2 "
                      "AND suspended_at_ms IS NULL FOR UPDATE",
                      params, COUNT(params), &result, err));
    if (PQntuples(result) == 0)
        return cc_fail(err, CC_CONFLICT, NULL, "The account was changed meanwhile.");
    return CC_OK;
}

/* Log-ins of one person take turns (the lock on the account), so that two at the same time for one
 * device leave one living session, and none outlives a change of the password. */
enum cc_code pg_open_session(struct account_store *store, const struct session *session,
                             const struct refresh_token *token, const char *only_if_hash,
                             int64_t until_ms, struct cc_arena *arena,
                             struct revocation_list *out_replaced, struct cc_error *err)
{
    CC_AUTO(pg) struct cc_pg *pg = NULL;
    struct revocation_list replaced;
    const struct session_ending ending = {.user_id = session->user_id,
                                          .reason = SESSION_ENDED_LOGOUT,
                                          .now_ms = session->created_at_ms,
                                          .until_ms = until_ms};
    CC_TRY(cc_pg_borrow(pg_store_pool(store), &pg, err));
    CC_TRY(cc_pg_begin(pg, err));
    CC_TRY(lock_account(pg, session->user_id, only_if_hash, err));
    CC_TRY(pg_end_sessions(pg, &ending, session->device_id, arena, &replaced, err));
    CC_TRY(insert_session(pg, session, token, err));
    CC_TRY(cc_pg_commit(pg, err));
    *out_replaced = replaced;
    return CC_OK;
}

enum cc_code pg_list_sessions(struct account_store *store, const char *user_id, int64_t now_ms,
                              struct cc_arena *arena, struct session_list *out,
                              struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    struct pg_number now = pg_number(now_ms);
    const char *params[] = {user_id, now.text};

    CC_TRY(cc_pg_query(pg_store_pool(store),
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

enum cc_code pg_has_used_address(struct account_store *store, const char *email,
                                 const char *address, bool *out, struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    char place[NETWORK_ADDRESS_BYTES];
    network_address_scope(address, place);
    const char *params[] = {email, place};
    CC_TRY(cc_pg_query(pg_store_pool(store),
                       "SELECT 1 FROM sessions s JOIN accounts a ON a.account_id = s.user_id "
                       "WHERE a.email = $1 AND nullif(s.address, '')::inet <<= set_masklen("
                       "$2::inet, CASE family($2::inet) WHEN 6 THEN 64 ELSE 32 END) LIMIT 1",
                       params, COUNT(params), &result, err));
    *out = PQntuples(result) == 1;
    return CC_OK;
}

static enum cc_code require_session(struct cc_pg *pg, const struct session_ending *ending,
                                    struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    const char *params[] = {ending->user_id, ending->only};
    CC_TRY(cc_pg_exec(pg, "SELECT 1 FROM sessions WHERE user_id = $1 AND session_id = $2::uuid",
                      params, COUNT(params), &result, err));
    if (PQntuples(result) == 0)
        return cc_fail(err, CC_NOT_FOUND, NULL, "There is no such session.");
    return CC_OK;
}

enum cc_code pg_revoke(struct account_store *store, const struct session_ending *ending,
                       struct cc_arena *arena, struct revocation_list *out, struct cc_error *err)
{
    CC_AUTO(pg) struct cc_pg *pg = NULL;
    struct revocation_list ended;
    CC_TRY(cc_pg_borrow(pg_store_pool(store), &pg, err));
    CC_TRY(cc_pg_begin(pg, err));
    CC_TRY(pg_end_sessions(pg, ending, NULL, arena, &ended, err));
    if (ended.count == 0 && ending->only != NULL)
        CC_TRY(require_session(pg, ending, err));
    CC_TRY(cc_pg_commit(pg, err));
    *out = ended;
    return CC_OK;
}

enum cc_code pg_list_revocations(struct account_store *store, int64_t now_ms,
                                 struct cc_arena *arena, struct revocation_list *out,
                                 struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    struct pg_number now = pg_number(now_ms), most = pg_number(REVOCATIONS_LISTED);
    const char *params[] = {now.text, most.text};

    CC_TRY(cc_pg_query(pg_store_pool(store),
                       "SELECT session_id, user_id, revoked_at_ms, revoked_until_ms FROM sessions "
                       "WHERE revoked_at_ms IS NOT NULL AND revoked_until_ms > $1 "
                       "ORDER BY revoked_until_ms DESC LIMIT $2",
                       params, COUNT(params), &result, err));
    *out = read_revoked(result, "", 0, 0, arena);
    struct session_revocation *items = (struct session_revocation *)out->items;
    for (size_t i = 0; i < out->count; i++) {
        items[i].at_ms = cc_pg_int(result, (int)i, "revoked_at_ms");
        items[i].until_ms = cc_pg_int(result, (int)i, "revoked_until_ms");
    }
    return CC_OK;
}

enum cc_code pg_find_refresh(struct account_store *store, const char *hash,
                             struct refresh_token *out_token, struct session *out_session,
                             struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    CC_TRY(cc_pg_query(pg_store_pool(store),
                       "SELECT " SESSION_COLUMNS ", t.token_hash, t.expires_at_ms AS token_expires_"
                       "ms, t.rotated_at_ms FROM refresh_tokens t JOIN sessions s USING "
                       "(session_id) WHERE t.token_hash = $1",
                       &hash, 1, &result, err));
    if (PQntuples(result) == 0)
        return cc_fail(err, CC_NOT_FOUND, NULL, "There is no such token.");
    *out_session = read_session(result, 0);
    PG_COPY_TEXT(out_token->hash, result, 0, "token_hash");
    out_token->expires_at_ms = cc_pg_int(result, 0, "token_expires_ms");
    out_token->rotated_at_ms = cc_pg_int(result, 0, "rotated_at_ms");
    return CC_OK;
}

/* Concurrent uses wait at the row's lock and then see rotated_at_ms set. */
enum cc_code pg_rotate(struct account_store *store, const char *hash,
                       const struct refresh_token *successor, const struct refresh_use *use,
                       bool *out_first, struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    struct pg_number now = pg_number(use->now_ms), expires = pg_number(successor->expires_at_ms);
    const char *params[] = {hash,     successor->hash, expires.text,
                            now.text, use->address,    use->names_device ? "true" : "false"};

    CC_TRY(cc_pg_query(
        pg_store_pool(store),
        "WITH used AS (UPDATE refresh_tokens t SET rotated_at_ms = $4 FROM sessions s "
        "WHERE t.token_hash = $1 AND t.rotated_at_ms IS NULL AND s.session_id = t.session_id "
        "AND s.revoked_at_ms IS NULL RETURNING t.session_id), "
        "seen AS (UPDATE sessions SET last_seen_at_ms = $4, expires_at_ms = $3, address = $5, "
        "device_named = device_named OR $6 "
        "WHERE session_id IN (SELECT session_id FROM used)) "
        "INSERT INTO refresh_tokens (token_hash, session_id, expires_at_ms) "
        "SELECT $2, session_id, $3 FROM used RETURNING session_id",
        params, COUNT(params), &result, err));
    *out_first = PQntuples(result) == 1;
    return CC_OK;
}

enum cc_code pg_purge_sessions(struct account_store *store, int64_t now_ms, struct cc_error *err)
{
    struct pg_number now = pg_number(now_ms);
    const char *params[] = {now.text};
    CC_TRY(cc_pg_query(pg_store_pool(store), "DELETE FROM registrations WHERE expires_at_ms <= $1",
                       params, COUNT(params), NULL, err));
    CC_TRY(cc_pg_query(pg_store_pool(store), "DELETE FROM refresh_tokens WHERE expires_at_ms <= $1",
                       params, COUNT(params), NULL, err));
    return cc_pg_query(pg_store_pool(store),
                       "DELETE FROM sessions WHERE expires_at_ms <= $1 AND "
                       "(revoked_until_ms IS NULL OR revoked_until_ms <= $1)",
                       params, COUNT(params), NULL, err);
}
