/* Both migration runners against real servers, on folders made for each test. */

#include "testing.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/mongo_pool.h"
#include "common/pg_pool.h"
#include "tcp_proxy.h"

struct fixture {
    const char *directory;
    const char *name; /* schema and database */
    struct tcp_proxy *proxy;
};

static const char *pg_uri(void)
{
    return test_env("CHAT_TEST_POSTGRES_URI");
}

static const char *mongo_uri(void)
{
    return test_env("CHAT_TEST_MONGO_URI");
}

static void must(enum cc_code code, const struct cc_error *err)
{
    if (code != CC_OK)
        fail_msg("%s: %s %s", cc_code_name(code), err->public_text, err->detail);
}

static void write_migration(struct fixture *f, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", f->directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int setup(void **state)
{
    struct fixture *f = cc_calloc(1, sizeof *f);
    f->directory = test_folder();
    f->name = test_unique_name("migrate");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    struct cc_mongo *mongo = NULL;
    char sql[128];
    snprintf(sql, sizeof sql, "DROP SCHEMA IF EXISTS %s CASCADE", f->name);
    struct cc_pg_pool *pool = cc_pg_pool_create(pg_uri(), "public", 1);
    must(cc_pg_query(pool, sql, NULL, 0, NULL, &err), &err);
    cc_pg_pool_destroy(pool);
    must(cc_mongo_create(mongo_uri(), f->name, false, &mongo, &err), &err);
    mongoc_client_t *client = cc_mongo_borrow(mongo);
    CC_AUTO(bson) bson_t *drop = BCON_NEW("dropDatabase", BCON_INT32(1));
    mongoc_client_write_command_with_opts(client, f->name, drop, NULL, NULL, NULL);
    cc_mongo_return(mongo, client);
    cc_mongo_destroy(mongo);
    tcp_proxy_stop(f->proxy);
    cc_free(f);
    return 0;
}

static int64_t must_count(struct fixture *f, const char *sql)
{
    struct cc_error err = {0};
    CC_AUTO(pg_result) PGresult *result = NULL;
    struct cc_pg_pool *pool = cc_pg_pool_create(pg_uri(), f->name, 1);
    must(cc_pg_query(pool, sql, NULL, 0, &result, &err), &err);
    cc_pg_pool_destroy(pool);
    return cc_pg_int(result, 0, "n");
}

static void sql_files_are_applied_in_order_and_once(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    write_migration(f, "0002_more.sql",
                    "INSERT INTO things VALUES (1); INSERT INTO things VALUES (2)");
    write_migration(f, "0001_things.sql", "CREATE TABLE things (n bigint);");
    write_migration(f, "README.md", "not SQL");

    must(cc_pg_migrate(pg_uri(), f->name, f->directory, &err), &err);
    must(cc_pg_migrate(pg_uri(), f->name, f->directory, &err), &err);

    assert_int_equal(must_count(f, "SELECT count(*) AS n FROM things"), 2);
    assert_int_equal(must_count(f, "SELECT count(*) AS n FROM schema_migrations"), 2);
}

static void a_changed_sql_file_is_an_error_that_names_it(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    write_migration(f, "0001_things.sql", "CREATE TABLE things (n bigint)");
    must(cc_pg_migrate(pg_uri(), f->name, f->directory, &err), &err);

    write_migration(f, "0001_things.sql", "CREATE TABLE things (n int)");

    assert_int_equal(cc_pg_migrate(pg_uri(), f->name, f->directory, &err), CC_CONFLICT);
    assert_non_null(strstr(err.public_text, "0001_things.sql"));
}

static void a_failing_sql_file_leaves_nothing_behind_and_may_be_mended(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    write_migration(f, "0001_things.sql", "CREATE TABLE things (n bigint); SELECT nonsense");
    assert_int_equal(cc_pg_migrate(pg_uri(), f->name, f->directory, &err), CC_INTERNAL);

    write_migration(f, "0001_things.sql", "CREATE TABLE things (n bigint)");

    must(cc_pg_migrate(pg_uri(), f->name, f->directory, &err), &err);
    assert_int_equal(must_count(f, "SELECT count(*) AS n FROM things"), 0);
}

static void two_files_of_one_number_are_refused(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    write_migration(f, "0001_a.sql", "SELECT 1");
    write_migration(f, "0001_b.sql", "SELECT 1");

    assert_int_equal(cc_pg_migrate(pg_uri(), f->name, f->directory, &err), CC_INVALID);
}

static void a_missing_folder_is_refused(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};

    assert_int_equal(cc_pg_migrate(pg_uri(), f->name, "/nowhere", &err), CC_INVALID);
    assert_int_equal(cc_mongo_migrate(mongo_uri(), f->name, "/nowhere", &err), CC_INVALID);
}

static void *migrate_pg(void *arg)
{
    struct fixture *f = arg;
    struct cc_error err = {0};
    return cc_pg_migrate(pg_uri(), f->name, f->directory, &err) == CC_OK ? NULL : f;
}

static void *migrate_mongo(void *arg)
{
    struct fixture *f = arg;
    struct cc_error err = {0};
    enum cc_code code = cc_mongo_migrate(mongo_uri(), f->name, f->directory, &err);
    if (code != CC_OK)
        print_message("%s %s\n", err.public_text, err.detail);
    return code == CC_OK ? NULL : f;
}

static void four_at_once(struct fixture *f, void *(*migrate)(void *))
{
    pthread_t threads[4];
    void *failed;
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, migrate, f);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
}

static void several_may_migrate_postgres_at_once(void **state)
{
    struct fixture *f = *state;
    write_migration(f, "0001_things.sql", "CREATE TABLE things (n bigint)");
    write_migration(f, "0002_more.sql", "INSERT INTO things VALUES (1)");

    four_at_once(f, migrate_pg);

    assert_int_equal(must_count(f, "SELECT count(*) AS n FROM things"), 1);
}

static void *resume_soon(void *proxy)
{
    nanosleep(&(struct timespec){.tv_nsec = 700000000}, NULL);
    tcp_proxy_resume(proxy);
    return NULL;
}

static void a_server_that_comes_late_is_waited_for(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    pthread_t thread;
    f->proxy = tcp_proxy_start(pg_uri());
    tcp_proxy_cut(f->proxy);
    write_migration(f, "0001_things.sql", "CREATE TABLE things (n bigint)");
    pthread_create(&thread, NULL, resume_soon, f->proxy);

    must(cc_pg_migrate(tcp_proxy_uri(f->proxy), f->name, f->directory, &err), &err);

    pthread_join(thread, NULL);
}

static const char collections[] =
    "{\"collections\":[{\"name\":\"changes\",\"indexes\":["
    "{\"name\":\"op\",\"keys\":{\"chat_id\":1,\"op_id\":1},\"unique\":true},"
    "{\"name\":\"newest\",\"keys\":{\"rev\":-1}}],\"equality\":[\"_id\"]},{\"name\":\"plain\"}]}";

static enum cc_code insert_change(struct cc_mongo *mongo, const char *id, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = cc_mongo_loan(mongo, "changes");
    bson_error_t error;
    CC_AUTO(bson)
    bson_t *row = BCON_NEW("_id", BCON_UTF8(id), "chat_id", "c", "op_id", "o");
    return mongoc_collection_insert_one(loan.collection, row, NULL, NULL, &error)
               ? CC_OK
               : cc_mongo_fail(&error, err);
}

static void collections_and_unique_indexes_are_there_afterwards(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    struct cc_mongo *mongo = NULL;
    write_migration(f, "0001_changes.json", collections);

    must(cc_mongo_migrate(mongo_uri(), f->name, f->directory, &err), &err);
    must(cc_mongo_migrate(mongo_uri(), f->name, f->directory, &err), &err);

    must(cc_mongo_create(mongo_uri(), f->name, false, &mongo, &err), &err);
    must(insert_change(mongo, "1", &err), &err);
    assert_int_equal(insert_change(mongo, "2", &err), CC_CONFLICT);
    cc_mongo_destroy(mongo);
}

static void a_changed_collection_file_is_an_error_that_names_it(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    write_migration(f, "0001_changes.json", collections);
    must(cc_mongo_migrate(mongo_uri(), f->name, f->directory, &err), &err);

    write_migration(f, "0001_changes.json", "{\"collections\":[]}");

    assert_int_equal(cc_mongo_migrate(mongo_uri(), f->name, f->directory, &err), CC_CONFLICT);
    assert_non_null(strstr(err.public_text, "0001_changes.json"));
}

static void a_faulty_collection_file_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const faulty[] = {
        "not json",
        "{}",
        "{\"collections\":[1]}",
        "{\"collections\":[{\"indexes\":[]}]}",
        "{\"collections\":[{\"name\":\"a\",\"indexes\":[{\"name\":\"i\"}]}]}",
        "{\"collections\":[{\"name\":\"a\",\"indexes\":[{\"name\":\"i\",\"keys\":{\"b\":1},"
        "\"uniqe\":true}]}]}",
    };
    for (size_t i = 0; i < sizeof faulty / sizeof faulty[0]; i++) {
        struct cc_error err = {0};
        write_migration(f, "0001_a.json", faulty[i]);
        if (cc_mongo_migrate(mongo_uri(), f->name, f->directory, &err) != CC_INVALID)
            fail_msg("accepted %s", faulty[i]);
    }
}

static void several_may_migrate_mongo_at_once(void **state)
{
    struct fixture *f = *state;
    write_migration(f, "0001_changes.json", collections);

    four_at_once(f, migrate_mongo);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sql_files_are_applied_in_order_and_once),
        TEST(a_changed_sql_file_is_an_error_that_names_it),
        TEST(a_failing_sql_file_leaves_nothing_behind_and_may_be_mended),
        TEST(two_files_of_one_number_are_refused),
        TEST(a_missing_folder_is_refused),
        TEST(several_may_migrate_postgres_at_once),
        TEST(a_server_that_comes_late_is_waited_for),
        TEST(collections_and_unique_indexes_are_there_afterwards),
        TEST(a_changed_collection_file_is_an_error_that_names_it),
        TEST(a_faulty_collection_file_is_refused),
        TEST(several_may_migrate_mongo_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
