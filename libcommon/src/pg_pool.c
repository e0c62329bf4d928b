/*
 * Pool of PostgreSQL connections; see common/pg_pool.h. Runs on the borrowers' threads. What a
 * connection can do is in pg_connection.c, who gets one in lender.c.
 */

#include "common/pg_pool.h"

#include "common/alloc.h"
#include "lender.h"
#include "pg_connection.h"

#define STATEMENT_TIMEOUT_MS 2000

struct cc_pg_pool {
    struct cc_lender lender;
    char *uri;
    char *schema;
};

static void *open_connection(void *pool, struct cc_error *err)
{
    struct cc_pg_pool *self = pool;
    struct cc_pg *pg = cc_pg_open(self->uri, self->schema, STATEMENT_TIMEOUT_MS, err);
    if (pg != NULL)
        pg->pool = self;
    return pg;
}

static bool connection_alive(void *connection)
{
    return cc_pg_alive(connection);
}

static void close_connection(void *connection)
{
    cc_pg_close(connection);
}

static const struct cc_lender_ops lender_ops = {open_connection, connection_alive,
                                                close_connection};

struct cc_pg_pool *cc_pg_pool_create(const char *uri, const char *schema, int size)
{
    struct cc_pg_pool *pool = cc_calloc(1, sizeof *pool);
    pool->uri = cc_strdup(uri);
    pool->schema = cc_strdup(schema);
    cc_lender_init(&pool->lender, "postgres", size, &lender_ops, pool);
    return pool;
}

void cc_pg_pool_destroy(struct cc_pg_pool *pool)
{
    if (pool == NULL)
        return;
    cc_lender_finish(&pool->lender);
    cc_free(pool->uri);
    cc_free(pool->schema);
    cc_free(pool);
}

enum cc_code cc_pg_pool_probe(void *pool, struct cc_error *err)
{
    return cc_pg_query(pool, "SELECT 1", NULL, 0, NULL, err);
}

enum cc_code cc_pg_borrow(struct cc_pg_pool *pool, struct cc_pg **out, struct cc_error *err)
{
    void *connection;
    CC_TRY(cc_lender_take(&pool->lender, &connection, err));
    *out = connection;
    return CC_OK;
}

void cc_pg_return(struct cc_pg *pg)
{
    if (pg == NULL)
        return;
    cc_pg_settle(pg);
    struct cc_lender *lender = &pg->pool->lender;
    if (pg->unanswered)
        cc_lender_give_unanswered(lender, pg, pg->asked_at_mono_ms);
    else
        cc_lender_give(lender, pg, !pg->broken);
}

enum cc_code cc_pg_query(struct cc_pg_pool *pool, const char *sql, const char *const *params,
                         int count, PGresult **out, struct cc_error *err)
{
    CC_AUTO(pg) struct cc_pg *pg = NULL;
    CC_TRY(cc_pg_borrow(pool, &pg, err));
    return cc_pg_exec(pg, sql, params, count, out, err);
}
