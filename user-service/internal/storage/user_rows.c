/* Rows of PostgreSQL; see user_rows.h. Runs on the callers' threads. */

#include "storage/user_rows.h"

#include "common/strbuf.h"

#define ARRAY_MAX_BYTES (64 * 1024)

const char *user_row_text(const PGresult *rows, int row, const char *column, struct cc_arena *arena)
{
    return cc_arena_strdup(arena, cc_pg_text(rows, row, column));
}

void user_row_read(const PGresult *rows, int row, struct cc_arena *arena, struct user *out)
{
    *out = (struct user){
        .user_id = user_row_text(rows, row, "user_id", arena),
        .handle = user_row_text(rows, row, "handle", arena),
        .display_name = user_row_text(rows, row, "display_name", arena),
        .email = user_row_text(rows, row, "email", arena),
        .bio = user_row_text(rows, row, "bio", arena),
        .locale = user_row_text(rows, row, "locale", arena),
        .time_zone = user_row_text(rows, row, "time_zone", arena),
        .avatar_media_id = user_row_text(rows, row, "avatar_media_id", arena),
        .metadata = user_row_text(rows, row, "metadata", arena),
        .version = cc_pg_int(rows, row, "version"),
        .created_at_ms = cc_pg_int(rows, row, "created_at_ms"),
        .handle_changed_at_ms = cc_pg_int(rows, row, "handle_changed_at_ms"),
        .deleted_at_ms = cc_pg_int(rows, row, "deleted_at_ms"),
    };
}

void user_rows_read(const PGresult *rows, struct cc_arena *arena, const struct user **out,
                    size_t *out_count)
{
    size_t count = (size_t)PQntuples(rows);
    struct user *users = cc_arena_calloc(arena, count + 1, sizeof *users);
    for (size_t i = 0; i < count; i++)
        user_row_read(rows, (int)i, arena, &users[i]);
    *out = users;
    *out_count = count;
}

static void append_quoted(struct cc_strbuf *text, const char *value)
{
    cc_strbuf_append_char(text, '"');
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\')
            cc_strbuf_append_char(text, '\\');
        cc_strbuf_append_char(text, *value);
    }
    cc_strbuf_append_char(text, '"');
}

enum cc_code user_array_text(const char *const *values, size_t count, struct cc_arena *arena,
                             const char **out, struct cc_error *err)
{
    struct cc_strbuf text;
    cc_strbuf_init(&text, ARRAY_MAX_BYTES);
    cc_strbuf_append_char(&text, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            cc_strbuf_append_char(&text, ',');
        append_quoted(&text, values[i]);
    }
    cc_strbuf_append_char(&text, '}');
    bool overflowed = text.overflowed;
    *out = cc_arena_strdup(arena, cc_strbuf_text(&text));
    cc_strbuf_finish(&text);
    return overflowed ? cc_fail_detail(err, CC_INTERNAL, "an array of %zu values", count) : CC_OK;
}
