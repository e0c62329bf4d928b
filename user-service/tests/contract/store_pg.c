/* The contracts, kept by the stores in PostgreSQL: a schema for each test. */

#include "contract_fixture.h"

#include <stdio.h>
#include <string.h>

#include "common/pg_pool.h"

static struct {
    struct cc_pg_pool *pool;
    const char *schema;
} server;

static struct user_store *make(void)
{
    const char *uri = test_env("CHAT_TEST_POSTGRES_URI");
    char directory[1024];
    struct cc_error err = {0};
    server.schema = test_unique_name("users");
    snprintf(directory, sizeof directory, "%s/user-service/migrations",
             test_env("CHAT_SOURCE_DIR"));
    if (cc_pg_migrate(uri, server.schema, directory, &err) != CC_OK)
        fail_msg("%s %s", err.public_text, err.detail);
    server.pool = cc_pg_pool_create(uri, server.schema, 8);
    return user_store_pg_create(server.pool);
}

static void unmake(struct user_store *store)
{
    char sql[128];
    struct cc_error err = {0};
    snprintf(sql, sizeof sql, "DROP SCHEMA %s CASCADE", server.schema);
    assert_int_equal(cc_pg_query(server.pool, sql, NULL, 0, NULL, &err), CC_OK);
    user_store_destroy(store);
    cc_pg_pool_destroy(server.pool);
}

static struct user_choices *make_choices(struct user_store *store)
{
    (void)store; /* they meet in the schema */
    return user_choices_pg_create(server.pool);
}

int main(void)
{
    contract_subject = (struct contract_subject){make, make_choices, unmake};
    return user_store_contract_run("user_store in PostgreSQL") +
           user_choices_contract_run("user_choices in PostgreSQL");
}
