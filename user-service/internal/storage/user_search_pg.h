#ifndef USER_USER_SEARCH_PG_H
#define USER_USER_SEARCH_PG_H

/* Finding people in PostgreSQL; see user_store.h. Private to storage, and to the test that looks at
 * the plans of the statements. */

#include "storage/user_store.h"

/* $1 prefix, $2 after, $3 limit, $4 asker */
extern const char user_search_handle_sql[];
/* $1 prefix, $2 after_key, $3 after_id, $4 limit, $5 asker, $6 prefix of handles to leave out or
 * NULL */
extern const char user_search_name_sql[];

CC_MUST_CHECK enum cc_code user_search_by_prefix(struct cc_pg_pool *pool, const char *asker_id,
                                                 const char *prefix, const char *after,
                                                 size_t limit, struct cc_arena *arena,
                                                 const struct user **out, size_t *out_count,
                                                 struct cc_error *err);
CC_MUST_CHECK enum cc_code user_search_by_name(struct cc_pg_pool *pool,
                                               const struct user_name_query *query,
                                               struct cc_arena *arena,
                                               const struct user_found **out, size_t *out_count,
                                               struct cc_error *err);

#endif
