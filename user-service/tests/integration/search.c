/* Finding people among many in PostgreSQL: what the statements read, and names from before they
 * were indexed. */

#include "testing.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/pg_pool.h"
#include "storage/user_search_pg.h"

#define MANY_SQL "10000"

struct fixture {
    struct cc_pg_pool *pool;
    struct user_store *store;
    struct cc_arena *arena;
    const char *schema, *directory;
    struct cc_error err;
};

static void must(struct fixture *f, enum cc_code code)
{
    if (code != CC_OK)
        fail_msg("%s %s", cc_code_name(code), f->err.detail);
}

static void run(struct fixture *f, const char *sql)
{
    must(f, cc_pg_query(f->pool, sql, NULL, 0, NULL, &f->err));
}

static int setup(void **state)
{
    struct fixture *f = cc_calloc(1, sizeof *f);
    const char *uri = test_env("CHAT_TEST_POSTGRES_URI");
    f->arena = cc_arena_create(0);
    f->schema = test_unique_name("users");
    f->directory =
        cc_arena_printf(f->arena, "%s/user-service/migrations", test_env("CHAT_SOURCE_DIR"));
    must(f, cc_pg_migrate(uri, f->schema, f->directory, &f->err));
    f->pool = cc_pg_pool_create(uri, f->schema, 2);
    f->store = user_store_pg_create(f->pool);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    run(f, cc_arena_printf(f->arena, "DROP SCHEMA %s CASCADE", f->schema));
    user_store_destroy(f->store);
    cc_pg_pool_destroy(f->pool);
    cc_arena_destroy(f->arena);
    cc_free(f);
    return 0;
}

/* Many people, of whom a tenth have names that begin alike. */
static void fill(struct fixture *f)
{
    static const char *const statements[] = {
        "SET statement_timeout = 0",
        "INSERT INTO users (user_id, handle, display_name, email, created_at_ms)"
        " SELECT gen_random_uuid(), 'user_' || n, 'Person', n || '@example.org', 0"
        " FROM generate_series(1, " MANY_SQL ") AS n",
        "INSERT INTO name_keys (user_id, key)"
        " SELECT user_id, CASE WHEN right(handle, 1) = '7' THEN 'ada ' ELSE '' END || md5(handle)"
        " FROM users",
        "INSERT INTO name_keys (user_id, key) SELECT user_id, 'x' || md5(handle) FROM users",
        "ANALYZE users, name_keys, blocks",
    };
    CC_AUTO(pg) struct cc_pg *pg = NULL;
    must(f, cc_pg_borrow(f->pool, &pg, &f->err));
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
        must(f, cc_pg_exec(pg, statements[i], NULL, 0, NULL, &f->err));
}

/* Fails when the plan reads a whole table, for given values and for any. */
static void assert_indexed(struct fixture *f, const char *sql, const char *const *params, int count)
{
    static const char *const modes[] = {"SET plan_cache_mode = force_custom_plan",
                                        "SET plan_cache_mode = force_generic_plan"};
    const char *explain = cc_arena_printf(f->arena, "EXPLAIN %s", sql);
    for (int mode = 0; mode < 2; mode++) {
        CC_AUTO(pg) struct cc_pg *pg = NULL;
        CC_AUTO(pg_result) PGresult *plan = NULL;
        const char *text = "";
        must(f, cc_pg_borrow(f->pool, &pg, &f->err));
        must(f, cc_pg_exec(pg, modes[mode], NULL, 0, NULL, &f->err));
        must(f, cc_pg_exec(pg, explain, params, count, &plan, &f->err));
        for (int row = 0; row < PQntuples(plan); row++)
            text = cc_arena_printf(f->arena, "%s%s\n", text, PQgetvalue(plan, row, 0));
        if (strstr(text, "Seq Scan on users") != NULL ||
            strstr(text, "Seq Scan on name_keys") != NULL || strstr(text, "Sort") != NULL)
            fail_msg("%s:\n%s", modes[mode], text);
    }
}

static void searches_walk_an_index_and_sort_nothing(void **state)
{
    struct fixture *f = *state;
    const char *nobody = "00000000-0000-7000-8000-000000000000";
    const char *by_handle[] = {"user_1", "", "21", nobody};
    const char *by_name[] = {"ada", "", nobody, "21", nobody, "ada"};
    const char *by_rare_name[] = {"zz", "", nobody, "21", nobody, NULL};
    fill(f);

    assert_indexed(f, user_search_handle_sql, by_handle, 4);
    assert_indexed(f, user_search_name_sql, by_name, 6);
    assert_indexed(f, user_search_name_sql, by_rare_name, 6);
}

static void names_from_before_are_found(void **state)
{
    struct fixture *f = *state;
    const struct user_found *found;
    size_t count;
    struct user_name_query query = {.asker_id = "00000000-0000-7000-8000-000000000000",
                                    .but_handles = "",
                                    .after_key = "",
                                    .after_id = "",
                                    .limit = 10};
    run(f, "INSERT INTO users (user_id, handle, display_name, email, created_at_ms) VALUES"
           " (gen_random_uuid(), 'ada', 'Ada-Zo\303\253  (Lovelace)', 'a@example.org', 0),"
           " (gen_random_uuid(), 'dots', '...', 'b@example.org', 0)");
    run(f, "DROP TABLE name_keys");
    run(f, "ALTER TABLE users DROP COLUMN handle_changed_at_ms, DROP COLUMN deleted_at_ms");
    run(f, "DROP TABLE handle_holds");
    run(f, "DELETE FROM schema_migrations WHERE name >= '0004'");

    must(f, cc_pg_migrate(test_env("CHAT_TEST_POSTGRES_URI"), f->schema, f->directory, &f->err));

    static const char *const prefixes[] = {"ada zoe lov", "zoe", "lovelace"};
    for (size_t i = 0; i < 3; i++) {
        query.prefix = prefixes[i];
        must(f, user_store_find_by_name(f->store, &query, f->arena, &found, &count, &f->err));
        assert_int_equal(count, 1);
        assert_string_equal(found[0].user.handle, "ada");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(searches_walk_an_index_and_sort_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(names_from_before_are_found, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
