/* The promises of message_store.h, as tests: all parts of them. */

#include "message_store_contract.h"

#include "store_fixture.h"

int message_store_contract_run(const char *name, struct message_store *store)
{
    store_fixture_use(store);
    return message_log_contract_run(name) + message_timeline_contract_run(name) +
           message_own_contract_run(name) + message_positions_contract_run(name) +
           message_erasure_contract_run(name) + message_purge_contract_run(name);
}
