/* The contract, kept by the store in MongoDB (FerretDB in development), in a database of its own.
 */

#include <stdio.h>
#include <stdlib.h>

#include "chat_store_contract.h"
#include "common/mongo_pool.h"
#include "personal_store_contract.h"
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
    const char *database = test_unique_name("chat_store");
    char migrations[512];
    struct cc_mongo *mongo = NULL;
    struct cc_error err;

    snprintf(migrations, sizeof(migrations), "%s/chat-service/migrations",
             test_env("CHAT_SOURCE_DIR"));
    if (cc_mongo_migrate(uri, database, migrations, &err) != CC_OK ||
        cc_mongo_create(uri, database, false, &mongo, &err) != CC_OK) {
        fprintf(stderr, "no store: %s %s\n", err.public_text, err.detail);
        return EXIT_FAILURE;
    }
    struct chat_store *store = chat_store_mongo_create(mongo);
    int failed = chat_store_contract_run("chat store in MongoDB", store);

    struct personal_store *personals = personal_store_mongo_create(mongo);

    failed += personal_store_contract_run("states in MongoDB", personals);
    personal_store_destroy(personals);
    chat_store_destroy(store);
    drop(mongo);
    cc_mongo_destroy(mongo);
    return failed;
}
