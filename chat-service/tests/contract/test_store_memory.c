/* The contracts, kept by the memory stores. */

#include "chat_store_contract.h"
#include "personal_store_contract.h"

int main(void)
{
    struct chat_store *store = chat_store_memory_create();
    int failed = chat_store_contract_run("chat store in memory", store);

    struct personal_store *personals = personal_store_memory_create();

    failed += personal_store_contract_run("states in memory", personals);
    personal_store_destroy(personals);
    chat_store_destroy(store);
    return failed;
}
