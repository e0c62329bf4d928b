/* The contracts, kept by the stores in MongoDB (FerretDB in development), in a database of its own.
 */

#include <stdio.h>
#include <stdlib.h>

#include "common/mongo_pool.h"
#include "notification_store_contract.h"
#include "push_store_contract.h"
#include "testing.h"

static void drop(struct cc_mongo *mongo)
{
    mongoc_client_t *client = cc_mongo_borrow(mongo);
    mongoc_database_t *database = mongoc_client_get_database(client, cc_mongo_database(mongo));

    mongoc_database_drop(database, NULL);
    mongoc_database_destroy(database);
    cc_mongo_return(mongo, client);
}

int main(void)
{
    const char *uri = test_env("CHAT_TEST_MONGO_URI");
    const char *database = test_unique_name("notification_store");
    char migrations[512];
    struct cc_mongo *mongo = NULL;
    struct cc_error err;

    snprintf(migrations, sizeof migrations, "%s/notification-service/migrations",
             test_env("CHAT_SOURCE_DIR"));
    if (cc_mongo_migrate(uri, database, migrations, &err) != CC_OK ||
        cc_mongo_create(uri, database, false, &mongo, &err) != CC_OK) {
        fprintf(stderr, "no store: %s %s\n", err.public_text, err.detail);
        return EXIT_FAILURE;
    }
    struct notification_store *store = notification_store_mongo_create(mongo);
    int failed = notification_store_contract_run("notification store in MongoDB", store);

    notification_store_destroy(store);
    struct push_store *pushes = push_store_mongo_create(mongo);
    failed += push_store_contract_run("push store in MongoDB", pushes);
    push_store_destroy(pushes);
    drop(mongo);
    cc_mongo_destroy(mongo);
    return failed;
}
