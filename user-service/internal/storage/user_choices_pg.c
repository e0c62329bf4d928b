/*
 * What people have chosen, in PostgreSQL; see user_choices.h, migrations/.Runs on the callers'
 * threads. Every change is one statement, so that it needs no transaction of several round trips.
 */

#include "storage/user_choices.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/pg_pool.h"
#include "storage/user_rows.h"

#define NUMBER_BYTES 24
#define PREFERENCE_COLUMNS                                                                         \
    "settings.version AS settings_version, presence_audience, invisible, do_not_disturb, "         \
    "do_not_disturb_until_ms"

struct user_choices_pg {
    struct user_choices base;
    struct cc_pg_pool *pool;
};

static struct cc_pg_pool *pool_of(struct user_choices *choices)
{
    return ((struct user_choices_pg *)choices)->pool;
}

static const char block_sql[] =
    "WITH people AS ("
    " SELECT count(*) AS n FROM users WHERE user_id IN ($1, $2) AND deleted_at_ms = 0"
    "), saved AS ("
    " INSERT INTO blocks (blocker_id, blocked_id, created_at_ms)"
    " SELECT $1::uuid, $2::uuid, $5::bigint FROM people WHERE people.n = 2"
    "  AND (SELECT count(*) FROM blocks WHERE blocker_id = $1) < $6::bigint"
    " ON CONFLICT DO NOTHING RETURNING blocker_id"
    "), told AS ("
    " SELECT user_id, handle, display_name, 0 AS change_version, $3::uuid AS event_id,"
    "  $4::text AS change, $5::bigint AS at_ms FROM users JOIN saved ON user_id = blocker_id"
    ")" USER_TELL_SQL
    " SELECT people.n AS people, (SELECT count(*) FROM saved) + (SELECT count(*) FROM blocks"
    "  WHERE blocker_id = $1 AND blocked_id = $2) AS there FROM people";

static enum cc_code block(struct user_choices *choices, const char *blocker_id,
                          const char *blocked_id, const struct user_fact *fact,
                          struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *rows = NULL;
    char at[NUMBER_BYTES], most[NUMBER_BYTES];
    snprintf(at, sizeof at, "%lld", (long long)fact->occurred_at_ms);
    snprintf(most, sizeof most, "%d", USER_BLOCKS_MAX);
    const char *params[] = {blocker_id, blocked_id, fact->event_id, fact->change, at, most};
    CC_TRY(cc_pg_query(pool_of(choices), block_sql, params, 6, &rows, err));
    if (cc_pg_int(rows, 0, "people") < 2)
        return cc_fail(err, CC_NOT_FOUND, NULL, "there is no such person");
    if (cc_pg_int(rows, 0, "there") == 0)
        return cc_fail(err, CC_CONFLICT, NULL, "at most %d people can be blocked", USER_BLOCKS_MAX);
    return CC_OK;
}

static const char unblock_sql[] =
    "WITH gone AS ("
    " DELETE FROM blocks WHERE blocker_id = $1 AND blocked_id = $2 RETURNING blocker_id"
    "), told AS ("
    " SELECT user_id, handle, display_name, 0 AS change_version, $3::uuid AS event_id,"
    "  $4::text AS change, $5::bigint AS at_ms FROM users JOIN gone ON user_id = blocker_id"
    ")" USER_TELL_SQL " SELECT count(*) FROM gone";

static enum cc_code unblock(struct user_choices *choices, const char *blocker_id,
                            const char *blocked_id, const struct user_fact *fact,
                            struct cc_error *err)
{
    char at[NUMBER_BYTES];
    snprintf(at, sizeof at, "%lld", (long long)fact->occurred_at_ms);
    const char *params[] = {blocker_id, blocked_id, fact->event_id, fact->change, at};
    return cc_pg_query(pool_of(choices), unblock_sql, params, 5, NULL, err);
}

static enum cc_code list_blocks(struct user_choices *choices, const char *blocker_id,
                                const char *after_id, size_t limit, struct cc_arena *arena,
                                const struct user_block **out, size_t *out_count,
                                struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *rows = NULL;
    const char *params[] = {blocker_id, after_id[0] == '\0' ? NULL : after_id,
                            cc_arena_printf(arena, "%zu", limit)};
    CC_TRY(cc_pg_query(pool_of(choices),
                       "SELECT " USER_COLUMNS ", blocks.created_at_ms AS blocked_at_ms"
                       " FROM blocks JOIN users ON users.user_id = blocks.blocked_id"
                       " WHERE blocker_id = $1 AND ($2::uuid IS NULL OR blocked_id > $2)"
                       " ORDER BY blocked_id LIMIT $3",
                       params, 3, &rows, err));
    size_t count = (size_t)PQntuples(rows);
    struct user_block *blocks = cc_arena_calloc(arena, count + 1, sizeof *blocks);
    for (size_t i = 0; i < count; i++) {
        user_row_read(rows, (int)i, arena, &blocks[i].user);
        blocks[i].blocked_at_ms = cc_pg_int(rows, (int)i, "blocked_at_ms");
    }
    *out = blocks;
    *out_count = count;
    return CC_OK;
}

/* Of a row that has none: the defaults. Without `client`. */
static struct user_preferences read_preferences(const PGresult *rows, int row)
{
    struct user_preferences preferences = user_preferences_default();
    const char *audience = cc_pg_text(rows, row, "presence_audience");
    for (int i = 0; user_audience_names[i] != NULL; i++) {
        if (strcmp(user_audience_names[i], audience) == 0)
            preferences.presence_audience = (enum user_audience)i;
    }
    preferences.version = cc_pg_int(rows, row, "settings_version");
    preferences.invisible = cc_pg_int(rows, row, "invisible") != 0;
    preferences.do_not_disturb = cc_pg_int(rows, row, "do_not_disturb") != 0;
    preferences.do_not_disturb_until_ms = cc_pg_int(rows, row, "do_not_disturb_until_ms");
    return preferences;
}

static const char bonds_sql[] =
    "SELECT theirs.blocker_id IS NOT NULL AS blocked, own.blocker_id IS NOT NULL AS blocks,"
    " coalesce(users.deleted_at_ms, 0) AS deleted_at_ms, " PREFERENCE_COLUMNS
    " FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS pair (actor_id, user_id, place)"
    " LEFT JOIN blocks AS theirs"
    "  ON theirs.blocker_id = pair.user_id AND theirs.blocked_id = pair.actor_id"
    " LEFT JOIN blocks AS own"
    "  ON own.blocker_id = pair.actor_id AND own.blocked_id = pair.user_id"
    " LEFT JOIN settings ON settings.user_id = pair.user_id"
    " LEFT JOIN users ON users.user_id = pair.user_id"
    " ORDER BY place";

static enum cc_code query_bonds(struct user_choices *choices, const struct user_bond *bonds,
                                size_t count, struct cc_arena *arena, PGresult **out,
                                struct cc_error *err)
{
    const char **actors = cc_arena_calloc(arena, count + 1, sizeof *actors);
    const char **users = cc_arena_calloc(arena, count + 1, sizeof *users);
    const char *params[2];
    for (size_t i = 0; i < count; i++) {
        actors[i] = bonds[i].actor_id;
        users[i] = bonds[i].user_id;
    }
    CC_TRY(user_array_text(actors, count, arena, &params[0], err));
    CC_TRY(user_array_text(users, count, arena, &params[1], err));
    return cc_pg_query(pool_of(choices), bonds_sql, params, 2, out, err);
}

static enum cc_code find_bonds(struct user_choices *choices, struct user_bond *bonds, size_t count,
                               struct cc_arena *arena, struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *rows = NULL;
    CC_TRY(query_bonds(choices, bonds, count, arena, &rows, err));
    for (size_t i = 0; i < count; i++) {
        int row = (int)i;
        bonds[i].blocked = cc_pg_int(rows, row, "blocked") != 0;
        bonds[i].blocks = cc_pg_int(rows, row, "blocks") != 0;
        bonds[i].gone = cc_pg_int(rows, row, "deleted_at_ms") != 0;
        bonds[i].preferences = read_preferences(rows, row);
    }
    return CC_OK;
}

static enum cc_code find_preferences(struct user_choices *choices, const char *user_id,
                                     struct cc_arena *arena, struct user_preferences *out,
                                     struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *rows = NULL;
    CC_TRY(cc_pg_query(pool_of(choices),
                       "SELECT " PREFERENCE_COLUMNS ", client FROM settings WHERE user_id = $1",
                       &user_id, 1, &rows, err));
    *out = user_preferences_default();
    if (PQntuples(rows) == 0)
        return CC_OK;
    *out = read_preferences(rows, 0);
    out->client = user_row_text(rows, 0, "client", arena);
    return CC_OK;
}

/* $2: the version that is replaced; 0 = there is none yet. */
static const char save_preferences_sql[] =
    "WITH people AS ("
    " SELECT user_id FROM users WHERE user_id = $1 AND deleted_at_ms = 0"
    "), saved AS ("
    " INSERT INTO settings (user_id, version, presence_audience, invisible, do_not_disturb,"
    "  do_not_disturb_until_ms, client)"
    " SELECT user_id, 1, $3, $4::boolean, $5::boolean, $6::bigint, $7::json FROM people"
    " WHERE $2::bigint = 0 OR EXISTS (SELECT 1 FROM settings WHERE settings.user_id = $1)"
    " ON CONFLICT (user_id) DO UPDATE SET version = settings.version + 1,"
    "  presence_audience = excluded.presence_audience, invisible = excluded.invisible,"
    "  do_not_disturb = excluded.do_not_disturb,"
    "  do_not_disturb_until_ms = excluded.do_not_disturb_until_ms, client = excluded.client"
    " WHERE settings.version = $2::bigint"
    " RETURNING user_id AS owner_id, version AS settings_version"
    "), told AS ("
    " SELECT user_id, handle, display_name, settings_version AS change_version, $8::uuid AS "
    "event_id,"
    "  $9::text AS change, $10::bigint AS at_ms FROM users JOIN saved ON user_id = owner_id"
    ")" USER_TELL_SQL
    " SELECT (SELECT count(*) FROM people) AS people, (SELECT count(*) FROM saved) AS saved";

static enum cc_code save_preferences(struct user_choices *choices, const char *user_id,
                                     const struct user_preferences *preferences,
                                     const struct user_fact *fact, struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *rows = NULL;
    char version[NUMBER_BYTES], until[NUMBER_BYTES], at[NUMBER_BYTES];
    snprintf(version, sizeof version, "%lld", (long long)preferences->version);
    snprintf(until, sizeof until, "%lld", (long long)preferences->do_not_disturb_until_ms);
    snprintf(at, sizeof at, "%lld", (long long)fact->occurred_at_ms);
    const char *params[] = {user_id,
                            version,
                            user_audience_names[preferences->presence_audience],
                            preferences->invisible ? "t" : "f",
                            preferences->do_not_disturb ? "t" : "f",
                            until,
                            preferences->client,
                            fact->event_id,
                            fact->change,
                            at};
    CC_TRY(cc_pg_query(pool_of(choices), save_preferences_sql, params, 10, &rows, err));
    if (cc_pg_int(rows, 0, "people") == 0)
        return cc_fail(err, CC_NOT_FOUND, NULL, "there is no such person");
    if (cc_pg_int(rows, 0, "saved") == 0)
        return cc_fail(err, CC_VERSION_MISMATCH, NULL, "the settings have changed meanwhile");
    return CC_OK;
}

static void destroy(struct user_choices *choices)
{
    cc_free(choices);
}

static const struct user_choices_ops ops = {
    .destroy = destroy,
    .block = block,
    .unblock = unblock,
    .list_blocks = list_blocks,
    .find_bonds = find_bonds,
    .find_preferences = find_preferences,
    .save_preferences = save_preferences,
};

struct user_choices *user_choices_pg_create(struct cc_pg_pool *pool)
{
    struct user_choices_pg *choices = cc_calloc(1, sizeof *choices);
    choices->base.ops = &ops;
    choices->pool = pool;
    return &choices->base;
}
