/* The contract, kept by the store in MongoDB (FerretDB in development), in a database of its own.
 */

#include "chat_store_contract.h"
#include "mongo_database.h"
#include "personal_store_contract.h"

int main(void)
{
    struct cc_mongo *mongo = test_mongo_open("chat-service", "chat_store");
    struct chat_store *store = chat_store_mongo_create(mongo);
    int failed = chat_store_contract_run("chat store in MongoDB", store);

    struct personal_store *personals = personal_store_mongo_create(mongo);

    failed += personal_store_contract_run("states in MongoDB", personals);
    personal_store_destroy(personals);
    chat_store_destroy(store);
    test_mongo_close(mongo);
    return failed;
}
