/* The contract, kept by the store in memory, alone and behind the failing one. */

#include "media_store_contract.h"
#include "message_store_contract.h"
#include "storage/message_store_failing.h"
#include "testing.h"

int main(void)
{
    struct message_store *store = message_store_memory_create();
    int failed = message_store_contract_run("message store in memory", store);
    struct message_store *failing = message_store_failing_create(store);

    failed += message_store_contract_run("failing store without a plan", failing);
    message_store_destroy(failing);
    struct media_store *media = media_store_memory_create();
    failed += media_store_contract_run("media store in memory", media);
    media_store_destroy(media);
    return failed;
}
