/* See mongo_database.h. */

#include "mongo_database.h"

#include <stdio.h>

#include "testing.h"

struct cc_mongo *test_mongo_open(const char *service, const char *name)
{
    const char *uri = test_env("CHAT_TEST_MONGO_URI"), *database = test_unique_name(name);
    struct cc_mongo *mongo = NULL;
    struct cc_error err = {0};
    char migrations[512];

    snprintf(migrations, sizeof migrations, "%s/%s/migrations", test_env("CHAT_SOURCE_DIR"),
             service);
    if (cc_mongo_migrate(uri, database, migrations, &err) != CC_OK ||
        cc_mongo_create(uri, database, false, &mongo, &err) != CC_OK)
        fail_msg("no database of %s: %s %s", service, err.public_text, err.detail);
    return mongo;
}

void test_mongo_drop(struct cc_mongo *mongo)
{
    mongoc_client_t *client = cc_mongo_borrow(mongo);
    mongoc_database_t *database = mongoc_client_get_database(client, cc_mongo_database(mongo));

    mongoc_database_drop(database, NULL);
    mongoc_database_destroy(database);
    cc_mongo_return(mongo, client);
}

void test_mongo_close(struct cc_mongo *mongo)
{
    test_mongo_drop(mongo);
    cc_mongo_destroy(mongo);
}
