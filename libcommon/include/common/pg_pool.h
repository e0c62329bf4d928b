#ifndef COMMON_PG_POOL_H
#define COMMON_PG_POOL_H

/*
 * Pool of PostgreSQL connections, made on demand (connect 2 s, statement_timeout 2 s), dropped on
 * any protocol error, replaced with back-off. A server that leaves a statement unanswered for 2.2 s
 * is given up; until a connection can be made again, borrowers are refused at once. A lent
 * connection belongs to one thread. Values travel as text parameters only: never by concatenation.
 */

#include <stdint.h>

#include <libpq-fe.h>

#include "common/cleanup.h"
#include "common/error.h"

struct cc_pg_pool;
struct cc_pg; /* one lent connection */
CC_DEFINE_AUTO(pg_result, PGresult, PQclear);

/* schema: search_path of every connection. size 1..32. Never fails because the server is away. */
struct cc_pg_pool *cc_pg_pool_create(const char *uri, const char *schema, int size);
void cc_pg_pool_destroy(struct cc_pg_pool *pool);
enum cc_code cc_pg_pool_probe(void *pool, struct cc_error *err);

/* Waits up to 1 s for a connection. Errors: CC_UNAVAILABLE. */
CC_MUST_CHECK enum cc_code cc_pg_borrow(struct cc_pg_pool *pool, struct cc_pg **out,
                                        struct cc_error *err);
void cc_pg_return(struct cc_pg *pg); /* rolls back an open transaction; accepts NULL */
CC_DEFINE_AUTO(pg, struct cc_pg, cc_pg_return);

/* One prepared-on-first-use statement with text parameters (NULL = SQL NULL). out NULL = the result
 * is dropped. Errors by SQLSTATE: unique_violation CC_CONFLICT with the constraint name in
 * err->field; serialization, deadlock CC_UNAVAILABLE; statement_timeout CC_TIMEOUT; else
 * CC_INTERNAL. When the connection is lost or the server silent: CC_OUTCOME_UNKNOWN for COMMIT and
 * for what changes something outside of a transaction, CC_UNAVAILABLE (nothing was done) before
 * sending, within a transaction, and for what begins with SELECT, which therefore has to change
 * nothing. */
CC_MUST_CHECK enum cc_code cc_pg_exec(struct cc_pg *pg, const char *sql, const char *const *params,
                                      int count, PGresult **out, struct cc_error *err);
CC_MUST_CHECK enum cc_code cc_pg_begin(struct cc_pg *pg, struct cc_error *err);
CC_MUST_CHECK enum cc_code cc_pg_commit(struct cc_pg *pg, struct cc_error *err);
/* Borrow, exec, return. */
CC_MUST_CHECK enum cc_code cc_pg_query(struct cc_pg_pool *pool, const char *sql,
                                       const char *const *params, int count, PGresult **out,
                                       struct cc_error *err);

/* Value of a cell: "" for NULL; a boolean reads as 0 or 1. */
const char *cc_pg_text(const PGresult *result, int row, const char *column);
int64_t cc_pg_int(const PGresult *result, int row, const char *column);
bool cc_pg_is_null(const PGresult *result, int row, const char *column);

/* Applies <directory>/NNNN_*.sql in order, each in a transaction, under an advisory lock, recorded
 * with a checksum in <schema>.schema_migrations (the schema is created). Waits for a late server
 * with back-off. A changed checksum is an error. */
CC_MUST_CHECK enum cc_code cc_pg_migrate(const char *uri, const char *schema, const char *directory,
                                         struct cc_error *err);

#endif
