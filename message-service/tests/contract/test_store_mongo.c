/* The contract, kept by the store in MongoDB (FerretDB in development), in a database of its own.
 */

#include <stdio.h>
#include <stdlib.h>

#include "common/mongo_pool.h"
#include "media_store_contract.h"
#include "message_store_contract.h"
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
    const char *database = test_unique_name("message_store");
    char migrations[512];
    struct cc_mongo *mongo = NULL;
    struct cc_error err;

    snprintf(migrations, sizeof migrations, "%s/message-service/migrations",
             test_env("CHAT_SOURCE_DIR"));
    if (cc_mongo_migrate(uri, database, migrations, &err) != CC_OK ||
        cc_mongo_create(uri, database, false, &mongo, &err) != CC_OK) {
        fprintf(stderr, "no store: %s %s\n", err.public_text, err.detail);
        return EXIT_FAILURE;
    }
    struct message_store *store = message_store_mongo_create(mongo);
    int failed = message_store_contract_run("message store in MongoDB", store);

    message_store_destroy(store);
    struct media_store *media = media_store_mongo_create(mongo);
    failed += media_store_contract_run("media store in MongoDB", media);
    media_store_destroy(media);
    drop(mongo);
    cc_mongo_destroy(mongo);
    return failed;
}
