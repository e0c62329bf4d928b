/* The suite; see store_contract.h. Every test has empty stores of its own. */

#include "store_contract.h"

#include "store_fixture.h"

int store_contract_run(const char *name, struct store_under_test (*make)(void),
                       void (*unmake)(struct store_under_test))
{
    store_fixture_use(make, unmake);
    return accounts_contract_run(name) + sessions_contract_run(name) + outbox_contract_run(name) +
           keys_contract_run(name);
}
