/* Finding people in PostgreSQL; see user_search_pg.h. Runs on the callers' threads. Both statements
 * walk an index in the order of the page and stop at its end. */

#include "storage/user_search_pg.h"

#include "storage/user_rows.h"

#define FIRST_ID "00000000-0000-0000-0000-000000000000"
/* Neither deleted nor one who has blocked the asker. */
#define FINDABLE(asker)                                                                            \
    " users.deleted_at_ms = 0 AND NOT EXISTS (SELECT 1 FROM blocks"                                \
    "  WHERE blocker_id = users.user_id AND blocked_id = " asker ")"

/* "{" is the character behind "z": the handles with a prefix are those up to prefix + "{". */
const char user_search_handle_sql[] =
    "SELECT " USER_COLUMNS " FROM users"
    " WHERE handle >= $1 AND handle < $1 || '{' AND handle > $2 AND" FINDABLE(
        "$4") " ORDER BY handle LIMIT $3";

/* Nothing is behind the last code point. Who has several keys with the prefix is found by the least
 * of them alone. */
const char user_search_name_sql[] =
    "SELECT " USER_COLUMNS ", found.key FROM name_keys AS found JOIN users USING (user_id)"
    " WHERE found.key >= $1 AND found.key < $1 || chr(1114111)"
    " AND (found.key, found.user_id) > ($2, $3::uuid)"
    " AND NOT EXISTS (SELECT 1 FROM name_keys AS lesser WHERE lesser.user_id = found.user_id"
    "  AND lesser.key >= $1 AND lesser.key < found.key)"
    " AND ($6::text IS NULL OR users.handle < $6 OR users.handle >= $6 || '{') AND" FINDABLE(
        "$5") " ORDER BY found.key, found.user_id LIMIT $4";

enum cc_code user_search_by_prefix(struct cc_pg_pool *pool, const char *asker_id,
                                   const char *prefix, const char *after, size_t limit,
                                   struct cc_arena *arena, const struct user **out,
                                   size_t *out_count, struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *rows = NULL;
    const char *params[] = {prefix, after, cc_arena_printf(arena, "%zu", limit), asker_id};
    CC_TRY(cc_pg_query(pool, user_search_handle_sql, params, 4, &rows, err));
    user_rows_read(rows, arena, out, out_count);
    return CC_OK;
}

enum cc_code user_search_by_name(struct cc_pg_pool *pool, const struct user_name_query *query,
                                 struct cc_arena *arena, const struct user_found **out,
                                 size_t *out_count, struct cc_error *err)
{
    CC_AUTO(pg_result) PGresult *rows = NULL;
    const char *params[] = {query->prefix,
                            query->after_key,
                            query->after_id[0] == '\0' ? FIRST_ID : query->after_id,
                            cc_arena_printf(arena, "%zu", query->limit),
                            query->asker_id,
                            query->but_handles[0] == '\0' ? NULL : query->but_handles};
    CC_TRY(cc_pg_query(pool, user_search_name_sql, params, 6, &rows, err));
    size_t count = (size_t)PQntuples(rows);
    struct user_found *found = cc_arena_calloc(arena, count + 1, sizeof *found);
    for (size_t i = 0; i < count; i++) {
        user_row_read(rows, (int)i, arena, &found[i].user);
        found[i].key = user_row_text(rows, (int)i, "key", arena);
    }
    *out = found;
    *out_count = count;
    return CC_OK;
}
