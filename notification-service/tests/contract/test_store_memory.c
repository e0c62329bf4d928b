/* The contracts, kept by the stores in memory. */

#include "notification_store_contract.h"
#include "push_store_contract.h"

int main(void)
{
    struct notification_store *store = notification_store_memory_create();
    int failed = notification_store_contract_run("notification store in memory", store);

    notification_store_destroy(store);
    struct push_store *pushes = push_store_memory_create();
    failed += push_store_contract_run("push store in memory", pushes);
    push_store_destroy(pushes);
    return failed;
}
