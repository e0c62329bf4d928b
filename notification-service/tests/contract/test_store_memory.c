/* The contract, kept by the store in memory. */

#include "notification_store_contract.h"

int main(void)
{
    struct notification_store *store = notification_store_memory_create();
    int failed = notification_store_contract_run("notification store in memory", store);

    notification_store_destroy(store);
    return failed;
}
