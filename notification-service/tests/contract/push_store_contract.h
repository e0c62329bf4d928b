#ifndef PUSH_STORE_CONTRACT_H
#define PUSH_STORE_CONTRACT_H

#include "storage/push_store.h"

/* Runs every promise of push_store.h against this store; the result of cmocka's group. */
int push_store_contract_run(const char *name, struct push_store *store);

#endif
