/* Deletions in PostgreSQL (migrations/0004_deletions.sql); see account_store.h. Runs on the
 * callers' threads. */

#include "storage/account_store_pg.h"

#include "common/topics.h"

#define KEPT_MS (INT64_C(30) * 24 * 3600 * 1000) /* to say what became of it */

static enum cc_code forget_person(struct cc_pg *pg, const struct account_closing *closing,
                                  struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    const char *params[] = {closing->account_id, closing->only_if_hash};
    CC_TRY(cc_pg_exec(pg,
                      "DELETE FROM registrations WHERE email = "
                      "(SELECT email FROM accounts WHERE account_id = $1)",
                      params, 1, NULL, err));
    CC_TRY(cc_pg_exec(pg,
                      "UPDATE accounts SET email = account_id || '@deleted.invalid', "
                      "password_hash = '', handle = '', display_name = '', role = 'user', "
                      "active = false WHERE account_id = $1 AND password_hash = $2 AND active "
                      "RETURNING account_id",
                      params, COUNT(params), &result, err));
    if (PQntuples(result) == 0)
        return cc_fail(err, CC_CONFLICT, NULL, "It was changed meanwhile.");
    return CC_OK;
}

static enum cc_code note_deletion(struct cc_pg *pg, const struct account_closing *closing,
                                  const struct session_ending *ending, struct cc_error *err)
{
    struct pg_number now = pg_number(ending->now_ms), until = pg_number(ending->until_ms);
    const char *params[] = {closing->deletion_id, closing->account_id, now.text, until.text,
                            CC_TOPIC_USER_UPDATED};
    return cc_pg_exec(
        pg,
        "WITH noted AS (INSERT INTO account_deletions (deletion_id, user_id, state, "
        "requested_at_ms, erase_from_ms, changed_at_ms) VALUES ($1, $2, 'requested', $3, $4, $3)) "
        "INSERT INTO event_outbox (session_id, user_id, reason, at_ms, until_ms, next_try_ms, "
        "topic) VALUES ($1, $2, '', $3, $4, $3, $5)",
        params, COUNT(params), NULL, err);
}

enum cc_code pg_close(struct account_store *store, const struct account_closing *closing,
                      const struct session_ending *ending, struct cc_arena *arena,
                      struct revocation_list *out_ended, struct cc_error *err)
{
    CC_AUTO(pg) struct cc_pg *pg = NULL;
    struct revocation_list ended;
    CC_TRY(cc_pg_borrow(pg_store_pool(store), &pg, err));
    CC_TRY(cc_pg_begin(pg, err));
    CC_TRY(forget_person(pg, closing, err));
    CC_TRY(pg_end_sessions(pg, ending, NULL, arena, &ended, err));
    CC_TRY(note_deletion(pg, closing, ending, err));
    CC_TRY(pg_add_mail(pg, closing->notice, err));
    CC_TRY(cc_pg_commit(pg, err));
    *out_ended = ended;
    return CC_OK;
}

enum cc_code pg_find_deletion(struct account_store *store, const char *deletion_id,
                              struct account_deletion *out, struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    CC_TRY(cc_pg_query(pg_store_pool(store),
                       "SELECT deletion_id, user_id, state, requested_at_ms, changed_at_ms "
                       "FROM account_deletions WHERE deletion_id = $1",
                       &deletion_id, 1, &result, err));
    if (PQntuples(result) == 0)
        return cc_fail(err, CC_NOT_FOUND, NULL, "There is no such deletion.");
    *out = (struct account_deletion){.requested_at_ms = cc_pg_int(result, 0, "requested_at_ms"),
                                     .changed_at_ms = cc_pg_int(result, 0, "changed_at_ms")};
    PG_COPY_TEXT(out->deletion_id, result, 0, "deletion_id");
    PG_COPY_TEXT(out->user_id, result, 0, "user_id");
    PG_COPY_TEXT(out->state, result, 0, "state");
    return CC_OK;
}

enum cc_code pg_advance_deletions(struct account_store *store, int64_t now_ms, struct cc_error *err)
{
    static const char *const steps[] = {
        "UPDATE account_deletions d SET state = 'announced', changed_at_ms = $1 "
        "WHERE state = 'requested' AND NOT EXISTS "
        "(SELECT FROM event_outbox e WHERE e.session_id = d.deletion_id)",
        "WITH due AS (UPDATE account_deletions SET state = 'completed', changed_at_ms = $1 "
        "WHERE state = 'announced' AND erase_from_ms <= $1 RETURNING user_id) "
        "DELETE FROM accounts WHERE account_id IN (SELECT user_id FROM due)",
    };
    struct pg_number now = pg_number(now_ms), old = pg_number(now_ms - KEPT_MS);
    const char *now_param[] = {now.text}, *old_param[] = {old.text};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        CC_TRY(cc_pg_query(pg_store_pool(store), steps[i], now_param, 1, NULL, err));
    return cc_pg_query(pg_store_pool(store),
                       "DELETE FROM account_deletions WHERE state = 'completed' "
                       "AND changed_at_ms <= $1",
                       old_param, 1, NULL, err);
}
