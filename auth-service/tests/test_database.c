/* See test_database.h. */

#include "testing.h"

#include "test_database.h"

#include <stdio.h>
#include <string.h>

#include "common/pg_pool.h"

static char name[64], uri[512];

static void run(const char *verb, const char *suffix)
{
    char sql[160];
    PGconn *connection = PQconnectdb(test_env("CHAT_TEST_POSTGRES_URI"));
    (void)snprintf(sql, sizeof sql, "%s DATABASE %s%s", verb, name, suffix);
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(connection));
    PQclear(result);
    PQfinish(connection);
}

const char *test_database_create(void)
{
    const char *server = test_env("CHAT_TEST_POSTGRES_URI"), *slash = strrchr(server, '/');
    (void)snprintf(name, sizeof name, "%s", test_unique_name("auth_test"));
    (void)snprintf(uri, sizeof uri, "%.*s/%s", (int)(slash - server), server, name);
    run("CREATE", "");
    return uri;
}

void test_database_migrate(void)
{
    struct cc_error err = {0};
    char directory[512];
    (void)snprintf(directory, sizeof directory, "%s/auth-service/migrations",
                   test_env("CHAT_SOURCE_DIR"));
    if (cc_pg_migrate(uri, "auth", directory, &err) != CC_OK)
        fail_msg("migration: %s %s", err.public_text, err.detail);
}

void test_database_drop(void)
{
    run("DROP", " WITH (FORCE)");
}
