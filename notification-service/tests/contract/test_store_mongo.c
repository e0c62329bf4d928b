/* The contracts, kept by the stores in MongoDB (FerretDB in development), in a database of its own.
 */

#include "mongo_database.h"
#include "notification_store_contract.h"
#include "push_store_contract.h"

int main(void)
{
    struct cc_mongo *mongo = test_mongo_open("notification-service", "notification_store");
    struct notification_store *store = notification_store_mongo_create(mongo);
    int failed = notification_store_contract_run("notification store in MongoDB", store);

    notification_store_destroy(store);
    struct push_store *pushes = push_store_mongo_create(mongo);
    failed += push_store_contract_run("push store in MongoDB", pushes);
    push_store_destroy(pushes);
    test_mongo_close(mongo);
    return failed;
}
