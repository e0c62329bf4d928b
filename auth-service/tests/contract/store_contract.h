#ifndef STORE_CONTRACT_H
#define STORE_CONTRACT_H

/* What account_store.h and outbox_store.h promise, as tests that run against every implementation.
 */

#include "storage/account_store.h"
#include "storage/key_store.h"
#include "storage/outbox_store.h"

struct store_under_test {
    struct account_store *accounts;
    struct outbox_store *outbox;
    struct key_store *keys;
};
/* Runs the suite; `make` gives empty stores, `unmake` gets them back. Returns the number of failed
 * tests. */
int store_contract_run(const char *name, struct store_under_test (*make)(void),
                       void (*unmake)(struct store_under_test));

/* Its parts, against the stores that the fixture uses. */
int accounts_contract_run(const char *name);
int sessions_contract_run(const char *name);
int outbox_contract_run(const char *name);
int keys_contract_run(const char *name);

#endif
