/*
 * Accounts in PostgreSQL (migrations/); see account_store.h. Runs on the callers' threads. Every
 * call is one statement, or one transaction where it says so. Sessions: account_sessions_pg.c.
 */

#include "storage/account_store_pg.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"

#define ACCOUNT_COLUMNS                                                                            \
    "account_id, email, password_hash, handle, display_name, role, active, has_profile, "          \
    "created_at_ms, suspended_at_ms"

void pg_copy_text(char *out, size_t size, const PGresult *result, int row, const char *column)
{
    (void)snprintf(out, size, "%s", cc_pg_text(result, row, column));
}

static struct account read_account(const PGresult *result, int row)
{
    struct account account = {
        .active = cc_pg_int(result, row, "active") != 0,
        .has_profile = cc_pg_int(result, row, "has_profile") != 0,
        .created_at_ms = cc_pg_int(result, row, "created_at_ms"),
        .suspended_at_ms = cc_pg_int(result, row, "suspended_at_ms"),
    };
    PG_COPY_TEXT(account.account_id, result, row, "account_id");
    PG_COPY_TEXT(account.email, result, row, "email");
    PG_COPY_TEXT(account.password_hash, result, row, "password_hash");
    PG_COPY_TEXT(account.handle, result, row, "handle");
    PG_COPY_TEXT(account.display_name, result, row, "display_name");
    PG_COPY_TEXT(account.role, result, row, "role");
    return account;
}

/* The same locks, writes and commit for every address: only the mail's content depends on what is
 * there. */
static enum cc_code enroll(struct account_store *store, const struct registration *registration,
                           const struct outbox_mail *code, const struct outbox_mail *notice,
                           struct cc_error *err)
{
    const struct account *account = &registration->account;
    struct pg_number created = pg_number(account->created_at_ms),
                     expires = pg_number(registration->expires_at_ms),
                     code_expires = pg_number(code->expires_at_ms),
                     notice_expires = pg_number(notice->expires_at_ms);
    const char *params[] = {account->account_id,
                            account->email,
                            account->password_hash,
                            account->handle,
                            account->display_name,
                            account->role,
                            created.text,
                            code->mail_id,
                            code->subject,
                            code->text,
                            code->html,
                            code_expires.text,
                            notice->subject,
                            notice->text,
                            notice->html,
                            notice_expires.text,
                            registration->key,
                            expires.text};
    return cc_pg_query(
        pg_store_pool(store),
        "WITH pending AS (INSERT INTO registrations (account_id, email, password_hash, handle, "
        "display_name, role, created_at_ms, registration_key, expires_at_ms) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $17, $18)), "
        "found AS (SELECT NOT EXISTS (SELECT FROM accounts WHERE email = $2 AND active) AS "
        "is_free) "
        "INSERT INTO mail_outbox (" PG_MAIL_COLUMNS ") SELECT $8, $2, "
        "CASE WHEN is_free THEN $9::text ELSE $13::text END, "
        "CASE WHEN is_free THEN $10::text ELSE $14::text END, "
        "CASE WHEN is_free THEN $11::text ELSE $15::text END, $7, "
        "CASE WHEN is_free THEN $12::bigint ELSE $16::bigint END, $7 FROM found",
        params, COUNT(params), NULL, err);
}

/* It was admitted before, and its account is active: the hash has a salt, no other one is equal. */
static enum cc_code find_admitted(struct account_store *store, const char *registration_key,
                                  const char *email, struct account *out, struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    const char *params[] = {registration_key, email};
    CC_TRY(cc_pg_query(pg_store_pool(store),
                       "SELECT " ACCOUNT_COLUMNS " FROM accounts WHERE email = $2 AND active AND "
                       "password_hash = (SELECT password_hash FROM registrations "
                       "WHERE registration_key = $1 AND email = $2)",
                       params, COUNT(params), &result, err));
    if (PQntuples(result) == 0)
        return cc_fail(err, CC_NOT_FOUND, NULL, "There is no such registration.");
    *out = read_account(result, 0);
    return CC_OK;
}

static enum cc_code admit(struct account_store *store, const char *registration_key,
                          const char *email, int64_t now_ms, struct account *out,
                          struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    struct pg_number now = pg_number(now_ms);
    const char *params[] = {registration_key, email, now.text};
    CC_TRY(cc_pg_query(
        pg_store_pool(store),
        "INSERT INTO accounts "
        "(account_id, email, password_hash, handle, display_name, role, created_at_ms) "
        "SELECT account_id, email, password_hash, handle, display_name, role, created_at_ms "
        "FROM registrations WHERE registration_key = $1 AND email = $2 AND expires_at_ms > $3 "
        "ON CONFLICT (email) DO UPDATE SET password_hash = EXCLUDED.password_hash, "
        "handle = EXCLUDED.handle, display_name = EXCLUDED.display_name WHERE NOT accounts.active "
        "RETURNING " ACCOUNT_COLUMNS,
        params, COUNT(params), &result, err));
    if (PQntuples(result) == 0)
        return find_admitted(store, registration_key, email, out, err);
    *out = read_account(result, 0);
    return CC_OK;
}

static enum cc_code find_account(struct account_store *store, const char *sql, const char *key,
                                 struct account *out, struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    CC_TRY(cc_pg_query(pg_store_pool(store), sql, &key, 1, &result, err));
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

static enum cc_code activate(struct account_store *store, const char *account_id,
                             const char *handle, struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    const char *params[] = {account_id, handle};
    CC_TRY(cc_pg_query(pg_store_pool(store),
                       "UPDATE accounts SET active = true, has_profile = true, handle = $2 "
                       "WHERE account_id = $1 RETURNING account_id",
                       params, COUNT(params), &result, err));
    if (PQntuples(result) == 0)
        return cc_fail(err, CC_NOT_FOUND, NULL, "There is no such account.");
    return CC_OK;
}

enum cc_code pg_add_mail(struct cc_pg *pg, const struct outbox_mail *mail, struct cc_error *err)
{
    struct pg_mail row;
    pg_mail_init(&row, mail);
    return cc_pg_exec(pg, PG_MAIL_INSERT, row.params, COUNT(row.params), NULL, err);
}

static enum cc_code repeat(struct account_store *store, const char *email,
                           const char *registration_key, int64_t now_ms, struct cc_error *err)
{
    struct pg_number now = pg_number(now_ms);
    const char *params[] = {email, registration_key, now.text};
    return cc_pg_query(
        pg_store_pool(store),
        "INSERT INTO registrations (account_id, email, password_hash, handle, display_name, role, "
        "created_at_ms, registration_key, expires_at_ms) SELECT account_id, email, password_hash, "
        "handle, display_name, role, created_at_ms, $2, expires_at_ms FROM registrations "
        "WHERE email = $1 AND expires_at_ms > $3 ORDER BY created_at_ms DESC LIMIT 1",
        params, COUNT(params), NULL, err);
}

static enum cc_code queue_mail(struct account_store *store, const char *registration_key,
                               const struct outbox_mail *mail, struct cc_error *err)
{
    struct pg_mail row;
    pg_mail_init(&row, mail);
    const char *params[] = {row.params[0], row.params[1], row.params[2], row.params[3],
                            row.params[4], row.params[5], row.params[6], registration_key};
    return cc_pg_query(
        pg_store_pool(store),
        "WITH found AS (SELECT EXISTS (SELECT FROM accounts WHERE email = $2 AND active) AS "
        "has_account, EXISTS (SELECT FROM registrations WHERE registration_key = $8 "
        "AND email = $2 AND expires_at_ms > $6) AS is_pending) "
        "INSERT INTO mail_outbox (" PG_MAIL_COLUMNS ") SELECT $1, "
        "CASE WHEN CASE WHEN $8::text IS NULL THEN has_account ELSE is_pending AND NOT has_account "
        "END THEN $2 ELSE '' END, $3, $4, $5, $6, $7, $6 FROM found",
        params, COUNT(params), NULL, err);
}

static enum cc_code explain_no_change(struct cc_pg *pg, const struct account_change *change,
                                      struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    CC_TRY(cc_pg_exec(pg, "SELECT 1 FROM accounts WHERE account_id = $1", &change->account_id, 1,
                      &result, err));
    if (PQntuples(result) == 0)
        return cc_fail(err, CC_NOT_FOUND, NULL, "There is no such account.");
    return cc_fail(err, CC_CONFLICT, NULL, "It was changed meanwhile.");
}

static enum cc_code write_change(struct cc_pg *pg, const struct account_change *change,
                                 struct cc_error *err)
{
    static const char *const standings[] = {
        [STANDING_STAYS] = NULL, [STANDING_SUSPEND] = "true", [STANDING_REINSTATE] = "false"};
    CC_AUTO(pg_result) PGresult *result = NULL;
    struct pg_number now = pg_number(change->now_ms);
    const char *params[] = {change->account_id, change->only_if_hash,        change->password_hash,
                            change->role,       standings[change->standing], now.text};
    CC_TRY(cc_pg_exec(pg,
                      "UPDATE accounts SET password_hash = coalesce($3, password_hash), "
                      "role = coalesce($4, role), suspended_at_ms = CASE $5::boolean "
                      "WHEN true THEN coalesce(suspended_at_ms, $6::bigint) WHEN false THEN NULL "
                      "ELSE suspended_at_ms END "
                      "WHERE account_id = $1 AND ($2::text IS NULL OR password_hash = $2) "
                      "RETURNING account_id",
                      params, COUNT(params), &result, err));
    return PQntuples(result) == 1 ? CC_OK : explain_no_change(pg, change, err);
}

static enum cc_code change_account(struct account_store *store, const struct account_change *change,
                                   const struct session_ending *ending, struct cc_arena *arena,
                                   struct revocation_list *out_ended, struct cc_error *err)
{
    CC_AUTO(pg) struct cc_pg *pg = NULL;
    struct revocation_list ended = {0};
    CC_TRY(cc_pg_borrow(pg_store_pool(store), &pg, err));
    CC_TRY(cc_pg_begin(pg, err));
    CC_TRY(write_change(pg, change, err));
    if (ending != NULL)
        CC_TRY(pg_end_sessions(pg, ending, NULL, arena, &ended, err));
    if (change->notice != NULL)
        CC_TRY(pg_add_mail(pg, change->notice, err));
    CC_TRY(cc_pg_commit(pg, err));
    *out_ended = ended;
    return CC_OK;
}

static void destroy(struct account_store *store)
{
    cc_free(store);
}

static const struct account_store_ops ops = {
    .enroll = enroll,
    .admit = admit,
    .repeat = repeat,
    .find_by_email = find_by_email,
    .find_by_id = find_by_id,
    .activate = activate,
    .queue_mail = queue_mail,
    .change = change_account,
    .has_used_address = pg_has_used_address,
    .open_session = pg_open_session,
    .list_sessions = pg_list_sessions,
    .revoke = pg_revoke,
    .list_revocations = pg_list_revocations,
    .find_refresh = pg_find_refresh,
    .rotate = pg_rotate,
    .close = pg_close,
    .find_deletion = pg_find_deletion,
    .advance_deletions = pg_advance_deletions,
    .purge = pg_purge_sessions,
    .destroy = destroy,
};

struct account_store *account_store_pg_create(struct cc_pg_pool *pool)
{
    struct pg_store *self = cc_calloc(1, sizeof *self);
    self->store.ops = &ops;
    self->pool = pool;
    return &self->store;
}
