#ifndef USER_USER_ROWS_H
#define USER_USER_ROWS_H

/* Profiles as rows of PostgreSQL, and the pieces of SQL that several stores need. Private to
 * storage. Thread-safe. */

#include "common/arena.h"
#include "common/pg_pool.h"
#include "domain/user.h"

#define USER_COLUMNS                                                                               \
    "users.user_id, users.handle, users.display_name, users.email, users.bio, users.locale, "      \
    "users.time_zone, users.avatar_media_id, users.metadata, users.version, "                      \
    "users.created_at_ms, users.handle_changed_at_ms, users.deleted_at_ms"

/* The common table expression that puts what `told` says into the outbox; told: an expression
 * before it with the columns named here. */
#define USER_TELL_SQL                                                                              \
    ", fact AS (INSERT INTO outbox (event_id, user_id, change, handle, display_name,"              \
    " occurred_at_ms, change_version) SELECT event_id, user_id, change, handle, display_name,"     \
    " at_ms, change_version FROM told)"

/* The text of a cell, copied. */
const char *user_row_text(const PGresult *rows, int row, const char *column,
                          struct cc_arena *arena);
void user_row_read(const PGresult *rows, int row, struct cc_arena *arena, struct user *out);
void user_rows_read(const PGresult *rows, struct cc_arena *arena, const struct user **out,
                    size_t *out_count);
/* PostgreSQL's text form of an array of any texts. Errors: CC_INTERNAL when it is too long. */
CC_MUST_CHECK enum cc_code user_array_text(const char *const *values, size_t count,
                                           struct cc_arena *arena, const char **out,
                                           struct cc_error *err);

#endif
