/* The contract suite against PostgreSQL: the real migrations, in a database of its own per test. */

#include "common/pg_pool.h"
#include "store_contract.h"
#include "test_database.h"

static struct cc_pg_pool *pool;

static struct store_under_test make(void)
{
    const char *uri = test_database_create();
    test_database_migrate();
    pool = cc_pg_pool_create(uri, "auth", 8);
    return (struct store_under_test){account_store_pg_create(pool), outbox_store_pg_create(pool),
                                     key_store_pg_create(pool)};
}

static void unmake(struct store_under_test stores)
{
    account_store_destroy(stores.accounts);
    outbox_store_destroy(stores.outbox);
    key_store_destroy(stores.keys);
    cc_pg_pool_destroy(pool);
    test_database_drop();
}

int main(void)
{
    return store_contract_run("stores in PostgreSQL", make, unmake);
}
