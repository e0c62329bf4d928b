/* The contract, kept by the store in MongoDB (FerretDB in development), in a database of its own.
 */

#include "media_store_contract.h"
#include "message_store_contract.h"
#include "mongo_database.h"

int main(void)
{
    struct cc_mongo *mongo = test_mongo_open("message-service", "message_store");
    struct message_store *store = message_store_mongo_create(mongo);
    int failed = message_store_contract_run("message store in MongoDB", store);

    message_store_destroy(store);
    struct media_store *media = media_store_mongo_create(mongo);
    failed += media_store_contract_run("media store in MongoDB", media);
    media_store_destroy(media);
    test_mongo_close(mongo);
    return failed;
}
