/*
 * Profiles in PostgreSQL; see user_store.h, migrations/. Runs on the callers'
 * threads. Every change is one statement, so that it needs no transaction of several round trips.
 */

#include "storage/user_store.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/pg_pool.h"
#include "storage/user_rows.h"

#define HANDLE_CONSTRAINT "users_handle_key"

struct user_store_pg {
    struct user_store base;
    struct cc_pg_pool *pool;
};

static struct cc_pg_pool *pool_of(struct user_store *store)
{
    return ((struct user_store_pg *)store)->pool;
}

static enum cc_code find(struct user_store *store, const char *user_id, struct cc_arena *arena,
                         struct user *out, struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *rows = NULL;
    CC_TRY(cc_pg_query(pool_of(store), "SELECT " USER_COLUMNS " FROM users WHERE user_id = $1",
                       &user_id, 1, &rows, err));
    if (PQntuples(rows) == 0)
        return cc_fail(err, CC_NOT_FOUND, NULL, "there is no such person");
    user_row_read(rows, 0, arena, out);
    return CC_OK;
}

static enum cc_code find_many(struct user_store *store, const char *const *user_ids, size_t count,
                              struct cc_arena *arena, const struct user **out, size_t *out_count,
                              struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *rows = NULL;
    const char *ids;
    CC_TRY(user_array_text(user_ids, count, arena, &ids, err));
    CC_TRY(cc_pg_query(pool_of(store),
                       "SELECT " USER_COLUMNS " FROM users WHERE user_id = ANY ($1::uuid[])", &ids,
                       1, &rows, err));
    user_rows_read(rows, arena, out, out_count);
    return CC_OK;
}

/* "{" is the character behind "z": the handles with a prefix are those up to prefix + "{". */
static enum cc_code find_by_prefix(struct user_store *store, const char *asker_id,
                                   const char *prefix, const char *after, size_t limit,
                                   struct cc_arena *arena, const struct user **out,
                                   size_t *out_count, struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *rows = NULL;
    const char *params[] = {prefix, after, cc_arena_printf(arena, "%zu", limit), asker_id};
    CC_TRY(cc_pg_query(pool_of(store),
                       "SELECT " USER_COLUMNS " FROM users"
                       " WHERE handle >= $1 AND handle < $1 || '{' AND handle > $2"
                       " AND NOT EXISTS (SELECT 1 FROM blocks"
                       "  WHERE blocker_id = users.user_id AND blocked_id = $4)"
                       " ORDER BY handle LIMIT $3",
                       params, 4, &rows, err));
    user_rows_read(rows, arena, out, out_count);
    return CC_OK;
}

/* Translates the one unique constraint that people can run into. */
static enum cc_code explain(enum cc_code code, struct cc_error *err)
{
    if (code == CC_CONFLICT && strcmp(err->field, HANDLE_CONSTRAINT) == 0)
        return cc_fail(err, CC_CONFLICT, "/handle", "this handle is taken");
    return code;
}

/* The number of profiles that a statement says it has written, as "n". */
static enum cc_code write_profile(struct user_store *store, const char *sql,
                                  const char *const *params, int count, int64_t *out_written,
                                  struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *result = NULL;
    struct cc_error own;
    struct cc_error *error = err == NULL ? &own : err;
    enum cc_code code = cc_pg_query(pool_of(store), sql, params, count, &result, error);
    if (code != CC_OK)
        return explain(code, error);
    *out_written = cc_pg_int(result, 0, "n");
    return CC_OK;
}

static const char enroll_sql[] =
    "WITH saved AS ("
    " INSERT INTO users (user_id, handle, display_name, email, created_at_ms)"
    " VALUES ($1, $2, $3, $4, $5)"
    " ON CONFLICT (user_id) DO UPDATE SET handle = excluded.handle,"
    "  display_name = excluded.display_name, email = excluded.email, version = users.version + 1"
    " WHERE NOT users.edited AND (users.handle, users.display_name, users.email)"
    "  IS DISTINCT FROM (excluded.handle, excluded.display_name, excluded.email)"
    " RETURNING user_id, handle, display_name, version"
    "), told AS ("
    " SELECT user_id, handle, display_name, version AS change_version, $6::uuid AS event_id,"
    "  $7::text AS change, $8::bigint AS at_ms FROM saved"
    ")" USER_TELL_SQL " SELECT count(*) AS n FROM saved";

static enum cc_code enroll(struct user_store *store, const struct user *user,
                           const struct user_fact *fact, struct cc_error *err)
{
    char created_at[24], occurred_at[24];
    int64_t written;
    snprintf(created_at, sizeof created_at, "%lld", (long long)user->created_at_ms);
    snprintf(occurred_at, sizeof occurred_at, "%lld", (long long)fact->occurred_at_ms);
    const char *params[] = {user->user_id, user->handle,   user->display_name, user->email,
                            created_at,    fact->event_id, fact->change,       occurred_at};
    return write_profile(store, enroll_sql, params, 8, &written, err);
}

static const char update_sql[] =
    "WITH saved AS ("
    " UPDATE users SET handle = $3, display_name = $4, bio = $5, locale = $6, time_zone = $7,"
    "  metadata = $8, version = version + 1, edited = true"
    " WHERE user_id = $1 AND version = $2"
    " RETURNING user_id, handle, display_name, version"
    "), told AS ("
    " SELECT user_id, handle, display_name, version AS change_version, $9::uuid AS event_id,"
    "  $10::text AS change, $11::bigint AS at_ms FROM saved WHERE $9::uuid IS NOT NULL"
    ")" USER_TELL_SQL " SELECT count(*) AS n FROM saved";

static enum cc_code update(struct user_store *store, const struct user *after,
                           const struct user_fact *fact, struct cc_error *err)
{
    char version[24], occurred_at[24] = "";
    int64_t written;
    snprintf(version, sizeof version, "%lld", (long long)after->version);
    if (fact != NULL)
        snprintf(occurred_at, sizeof occurred_at, "%lld", (long long)fact->occurred_at_ms);
    const char *params[] = {after->user_id,
                            version,
                            after->handle,
                            after->display_name,
                            after->bio,
                            after->locale,
                            after->time_zone,
                            after->metadata,
                            fact == NULL ? NULL : fact->event_id,
                            fact == NULL ? NULL : fact->change,
                            fact == NULL ? NULL : occurred_at};
    CC_TRY(write_profile(store, update_sql, params, 11, &written, err));
    if (written == 0)
        return cc_fail(err, CC_VERSION_MISMATCH, NULL, "the profile has changed meanwhile");
    return CC_OK;
}

/* The oldest fact of each person, so that nobody tells a later one while somebody else is busy with
 * an earlier one: its row is there until it has been told. */
static const char take_facts_sql[] =
    "SELECT id, event_id, user_id, change, handle, display_name, occurred_at_ms, change_version"
    " FROM outbox AS o"
    " WHERE NOT EXISTS (SELECT 1 FROM outbox AS earlier"
    "  WHERE earlier.user_id = o.user_id AND earlier.id < o.id)"
    " ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED";

static void read_facts(const PGresult *rows, struct cc_arena *arena, struct user_fact *facts,
                       const char **ids)
{
    for (int i = 0; i < PQntuples(rows); i++) {
        ids[i] = user_row_text(rows, i, "id", arena);
        facts[i] = (struct user_fact){
            .event_id = user_row_text(rows, i, "event_id", arena),
            .user_id = user_row_text(rows, i, "user_id", arena),
            .change = user_row_text(rows, i, "change", arena),
            .handle = user_row_text(rows, i, "handle", arena),
            .display_name = user_row_text(rows, i, "display_name", arena),
            .occurred_at_ms = cc_pg_int(rows, i, "occurred_at_ms"),
            .change_version = cc_pg_int(rows, i, "change_version"),
        };
    }
}

static enum cc_code delete_facts(struct cc_pg *pg, const char *const *ids, size_t count,
                                 struct cc_arena *arena, struct cc_error *err)
{
    const char *array;
    CC_TRY(user_array_text(ids, count, arena, &array, err));
    CC_TRY(
        cc_pg_exec(pg, "DELETE FROM outbox WHERE id = ANY ($1::bigint[])", &array, 1, NULL, err));
    return cc_pg_commit(pg, err);
}

static enum cc_code tell_facts(struct user_store *store, user_tell tell, void *arg,
                               size_t *out_count, struct cc_error *err)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    CC_AUTO(pg) struct cc_pg *pg = NULL;
    CC_AUTO(pg_result) PGresult *rows = NULL;
    struct user_fact facts[USER_FACTS_AT_ONCE];
    const char *ids[USER_FACTS_AT_ONCE];
    const char *limit = cc_arena_printf(arena, "%d", USER_FACTS_AT_ONCE);

    CC_TRY(cc_pg_borrow(pool_of(store), &pg, err));
    CC_TRY(cc_pg_begin(pg, err));
    CC_TRY(cc_pg_exec(pg, take_facts_sql, &limit, 1, &rows, err));
    size_t count = (size_t)PQntuples(rows);
    *out_count = 0;
    if (count == 0)
        return CC_OK;
    read_facts(rows, arena, facts, ids);
    CC_TRY(tell(arg, facts, count, err));
    CC_TRY(delete_facts(pg, ids, count, arena, err));
    *out_count = count;
    return CC_OK;
}

static void destroy(struct user_store *store)
{
    cc_free(store);
}

static const struct user_store_ops ops = {
    .destroy = destroy,
    .find = find,
    .find_many = find_many,
    .find_by_prefix = find_by_prefix,
    .enroll = enroll,
    .update = update,
    .tell_facts = tell_facts,
};

struct user_store *user_store_pg_create(struct cc_pg_pool *pool)
{
    struct user_store_pg *store = cc_calloc(1, sizeof *store);
    store->base.ops = &ops;
    store->pool = pool;
    return &store->base;
}
