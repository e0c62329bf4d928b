/* The contract suite against the stores in memory. */

#include "store_contract.h"

static struct store_under_test make(void)
{
    struct outbox_store *outbox = outbox_store_memory_create();
    return (struct store_under_test){account_store_memory_create(outbox), outbox,
                                     key_store_memory_create()};
}

static void unmake(struct store_under_test stores)
{
    account_store_destroy(stores.accounts);
    outbox_store_destroy(stores.outbox);
    key_store_destroy(stores.keys);
}

int main(void)
{
    return store_contract_run("stores in memory", make, unmake);
}
