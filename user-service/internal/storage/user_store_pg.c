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
#include "storage/user_search_pg.h"

#define HANDLE_CONSTRAINT "users_handle_key"
#define NUMBER_BYTES      24

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

static enum cc_code find_by_prefix(struct user_store *store, const char *asker_id,
                                   const char *prefix, const char *after, size_t limit,
                                   struct cc_arena *arena, const struct user **out,
                                   size_t *out_count, struct cc_error *err)
{
    return user_search_by_prefix(pool_of(store), asker_id, prefix, after, limit, arena, out,
                                 out_count, err);
}

static enum cc_code find_by_name(struct user_store *store, const struct user_name_query *query,
                                 struct cc_arena *arena, const struct user_found **out,
                                 size_t *out_count, struct cc_error *err)
{
    return user_search_by_name(pool_of(store), query, arena, out, out_count, err);
}

static enum cc_code handle_taken(struct cc_error *err)
{
    return cc_fail(err, CC_CONFLICT, "/handle", "this handle is taken");
}

/* Is the handle held for somebody else? */
static enum cc_code check_hold(struct cc_pg *pg, const char *handle, const char *user_id,
                               int64_t now_ms, struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *holds = NULL;
    char now[NUMBER_BYTES];
    snprintf(now, sizeof now, "%lld", (long long)now_ms);
    const char *params[] = {handle, user_id, now};
    CC_TRY(cc_pg_exec(pg,
                      "SELECT 1 FROM handle_holds"
                      " WHERE handle = $1 AND user_id <> $2 AND until_ms > $3",
                      params, 3, &holds, err));
    return PQntuples(holds) == 0 ? CC_OK : handle_taken(err);
}

/* Runs a statement that says as "n" how many profiles it has written, and keeps what it did only if
 * the handle may be had. That is looked at afterwards: a statement that waited for somebody who
 * gives the handle up would not see the hold in its own snapshot. */
static enum cc_code write_profile(struct user_store *store, const char *sql,
                                  const char *const *params, int count, const struct user *user,
                                  int64_t now_ms, int64_t *out_written, struct cc_error *err)
{
    CC_AUTO(pg) struct cc_pg *pg = NULL;
    CC_AUTO(pg_result) PGresult *result = NULL;
    struct cc_error own = {0};
    struct cc_error *error = err == NULL ? &own : err;

    CC_TRY(cc_pg_borrow(pool_of(store), &pg, error));
    CC_TRY(cc_pg_begin(pg, error));
    enum cc_code code = cc_pg_exec(pg, sql, params, count, &result, error);
    if (code == CC_CONFLICT && strcmp(error->field, HANDLE_CONSTRAINT) == 0)
        return handle_taken(error);
    if (code != CC_OK)
        return code;
    int64_t written = cc_pg_int(result, 0, "n");
    if (written > 0)
        CC_TRY(check_hold(pg, user->handle, user->user_id, now_ms, error));
    CC_TRY(cc_pg_commit(pg, error));
    *out_written = written;
    return CC_OK;
}

/* The keys of `named` (user_id, keys) become those of its people. */
#define NAME_KEYS_SQL                                                                              \
    ", keyed AS ("                                                                                 \
    " INSERT INTO name_keys (user_id, key) SELECT user_id, unnest(keys) FROM named"                \
    " ON CONFLICT DO NOTHING"                                                                      \
    "), unkeyed AS ("                                                                              \
    " DELETE FROM name_keys USING named"                                                           \
    " WHERE name_keys.user_id = named.user_id AND name_keys.key <> ALL (named.keys))"

static enum cc_code keys_of(const char *display_name, struct cc_arena *arena, const char **out,
                            struct cc_error *err)
{
    const char *keys[USER_NAME_KEYS_MAX];
    return user_array_text(keys, user_name_keys(display_name, arena, keys), arena, out, err);
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
    "), unheld AS ("
    " DELETE FROM handle_holds USING saved WHERE handle_holds.handle = saved.handle"
    " AND (handle_holds.user_id = saved.user_id OR handle_holds.until_ms <= $5::bigint)"
    "), told AS ("
    " SELECT user_id, handle, display_name, version AS change_version, $6::uuid AS event_id,"
    "  $7::text AS change, $8::bigint AS at_ms FROM saved"
    "), named AS (SELECT user_id, $9::text[] AS keys FROM saved)" NAME_KEYS_SQL USER_TELL_SQL
    " SELECT count(*) AS n FROM saved";

static enum cc_code enroll(struct user_store *store, const struct user *user,
                           const struct user_fact *fact, struct cc_error *err)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    char created_at[NUMBER_BYTES], occurred_at[NUMBER_BYTES];
    const char *keys;
    int64_t written;
    snprintf(created_at, sizeof created_at, "%lld", (long long)user->created_at_ms);
    snprintf(occurred_at, sizeof occurred_at, "%lld", (long long)fact->occurred_at_ms);
    CC_TRY(keys_of(user->display_name, arena, &keys, err));
    const char *params[] = {user->user_id, user->handle, user->display_name,
                            user->email,   created_at,   fact->event_id,
                            fact->change,  occurred_at,  keys};
    return write_profile(store, enroll_sql, params, 9, user, user->created_at_ms, &written, err);
}

/* The row is locked first, so that `before` is what the update replaces. */
static const char update_sql[] =
    "WITH before AS ("
    " SELECT user_id, handle FROM users WHERE user_id = $1 AND version = $2 AND deleted_at_ms = 0"
    " FOR UPDATE"
    "), saved AS ("
    " UPDATE users SET handle = $3, display_name = $4, bio = $5, locale = $6, time_zone = $7,"
    "  metadata = $8, avatar_media_id = $12::uuid, handle_changed_at_ms = $13::bigint,"
    "  version = version + 1, edited = true"
    " FROM before WHERE users.user_id = before.user_id"
    " RETURNING users.user_id, users.handle, users.display_name, users.version,"
    "  before.handle AS given_up"
    "), held AS ("
    " INSERT INTO handle_holds (handle, user_id, until_ms)"
    " SELECT given_up, user_id, $14::bigint FROM saved WHERE given_up <> handle"
    " ON CONFLICT (handle) DO UPDATE SET user_id = excluded.user_id, until_ms = excluded.until_ms"
    "), unheld AS ("
    " DELETE FROM handle_holds USING saved WHERE handle_holds.handle = saved.handle"
    " AND (handle_holds.user_id = saved.user_id OR handle_holds.until_ms <= $16::bigint)"
    "), told AS ("
    " SELECT user_id, handle, display_name, version AS change_version, $9::uuid AS event_id,"
    "  $10::text AS change, $11::bigint AS at_ms FROM saved WHERE $9::uuid IS NOT NULL"
    "), named AS (SELECT user_id, $15::text[] AS keys FROM saved)" NAME_KEYS_SQL USER_TELL_SQL
    " SELECT count(*) AS n FROM saved";

static enum cc_code update(struct user_store *store, const struct user *after,
                           const struct user_fact *fact, const struct user_hold *hold,
                           struct cc_error *err)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    const char *keys;
    int64_t written;
    CC_TRY(keys_of(after->display_name, arena, &keys, err));
    const char *params[] = {
        after->user_id,
        cc_arena_printf(arena, "%lld", (long long)after->version),
        after->handle,
        after->display_name,
        after->bio,
        after->locale,
        after->time_zone,
        after->metadata,
        fact == NULL ? NULL : fact->event_id,
        fact == NULL ? NULL : fact->change,
        fact == NULL ? NULL : cc_arena_printf(arena, "%lld", (long long)fact->occurred_at_ms),
        after->avatar_media_id[0] == '\0' ? NULL : after->avatar_media_id,
        cc_arena_printf(arena, "%lld", (long long)after->handle_changed_at_ms),
        cc_arena_printf(arena, "%lld", (long long)hold->until_ms),
        keys,
        cc_arena_printf(arena, "%lld", (long long)hold->now_ms)};
    CC_TRY(write_profile(store, update_sql, params, 16, after, hold->now_ms, &written, err));
    if (written == 0)
        return cc_fail(err, CC_VERSION_MISMATCH, NULL, "the profile has changed meanwhile");
    return CC_OK;
}

static const char bury_sql[] =
    "WITH before AS ("
    " SELECT user_id, handle FROM users WHERE user_id = $1 AND deleted_at_ms = 0 FOR UPDATE"
    "), saved AS ("
    " UPDATE users SET handle = $2, display_name = $3, email = '', bio = '', locale = '',"
    "  time_zone = '', metadata = '{}', avatar_media_id = NULL, deleted_at_ms = $6::bigint,"
    "  version = version + 1, edited = true"
    " FROM before WHERE users.user_id = before.user_id"
    " RETURNING users.user_id, users.version, before.handle AS given_up"
    "), held AS ("
    " INSERT INTO handle_holds (handle, user_id, until_ms)"
    " SELECT given_up, user_id, $7::bigint FROM saved"
    " ON CONFLICT (handle) DO UPDATE SET user_id = excluded.user_id, until_ms = excluded.until_ms"
    "), unnamed AS (DELETE FROM name_keys USING saved WHERE name_keys.user_id = saved.user_id"
    "), unset AS (DELETE FROM settings USING saved WHERE settings.user_id = saved.user_id"
    "), unblocked AS (DELETE FROM blocks USING saved WHERE saved.user_id IN (blocker_id, "
    "blocked_id)"
    "), told AS ("
    " SELECT user_id, '' AS handle, '' AS display_name, version AS change_version,"
    "  $4::uuid AS event_id, $5::text AS change, $6::bigint AS at_ms FROM saved"
    ")" USER_TELL_SQL " SELECT count(*) AS n FROM saved";

static enum cc_code bury(struct user_store *store, const char *user_id,
                         const struct user_fact *fact, const struct user_hold *hold,
                         struct cc_error *err)
{
    char handle[CC_HANDLE_BYTES], at[NUMBER_BYTES], until[NUMBER_BYTES];
    user_tombstone_handle(user_id, handle);
    snprintf(at, sizeof at, "%lld", (long long)fact->occurred_at_ms);
    snprintf(until, sizeof until, "%lld", (long long)hold->until_ms);
    const char *params[] = {user_id, handle, USER_TOMBSTONE_NAME, fact->event_id, fact->change,
                            at,      until};
    return cc_pg_query(pool_of(store), bury_sql, params, 7, NULL, err);
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
    .find_by_name = find_by_name,
    .enroll = enroll,
    .update = update,
    .bury = bury,
    .tell_facts = tell_facts,
};

struct user_store *user_store_pg_create(struct cc_pg_pool *pool)
{
    struct user_store_pg *store = cc_calloc(1, sizeof *store);
    store->base.ops = &ops;
    store->pool = pool;
    return &store->base;
}
