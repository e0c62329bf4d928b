#ifndef PERSONAL_STORE_CONTRACT_H
#define PERSONAL_STORE_CONTRACT_H

#include "storage/personal_store.h"

/* Returns how many of its tests failed. */
int personal_store_contract_run(const char *name, struct personal_store *store);

#endif
