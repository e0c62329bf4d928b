/* The contract, kept by the memory store. */

#include "chat_store_contract.h"

int main(void)
{
    struct chat_store *store = chat_store_memory_create();
    int failed = chat_store_contract_run("chat store in memory", store);

    chat_store_destroy(store);
    return failed;
}
