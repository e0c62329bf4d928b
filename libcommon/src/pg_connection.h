#ifndef COMMON_SRC_PG_CONNECTION_H
#define COMMON_SRC_PG_CONNECTION_H

/*
 * One PostgreSQL connection: opening it with our settings, running statements with a deadline on
 * this side too, and the one translation of SQLSTATEs. Used by the pool and by the migrations. A
 * connection belongs to one thread at a time.
 */

#include "common/metrics.h"
#include "common/pg_pool.h"

struct cc_hash_map;

struct cc_pg {
    PGconn *conn;
    struct cc_hash_map *statements; /* SQL text -> struct statement prepared on this connection */
    int answer_timeout_ms;          /* -1 = wait for ever */
    int64_t asked_at_mono_ms;       /* when the last statement was begun */
    bool broken;                    /* of no further use */
    bool unanswered;                /* broken because the server said nothing in time */
    bool in_transaction;            /* without COMMIT all that was asked is undone */
    bool harmless;                  /* nothing is changed when the answer is lost */
    struct cc_pg_pool *pool;        /* whose it is; NULL for the migrations */
    struct cc_histogram *durations; /* of statements */
};

/* statement_timeout_ms: 0 = none. NULL with *err CC_UNAVAILABLE when it can't be opened. */
struct cc_pg *cc_pg_open(const char *uri, const char *search_path, int statement_timeout_ms,
                         struct cc_error *err);
void cc_pg_close(struct cc_pg *pg);
/* SQL as it is, several statements allowed; never with values in it. Errors as cc_pg_exec. */
CC_MUST_CHECK enum cc_code cc_pg_run(struct cc_pg *pg, const char *sql, struct cc_error *err);
/* Rolls back what is open, so that the next borrower starts clean; may set `broken`. */
void cc_pg_settle(struct cc_pg *pg);
/* Has the server closed an idle connection? Does not block. */
bool cc_pg_alive(struct cc_pg *pg);

#endif
