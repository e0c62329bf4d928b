#ifndef MEDIA_STORE_CONTRACT_H
#define MEDIA_STORE_CONTRACT_H

#include "storage/media_store.h"

/* Runs every promise of media_store.h against this store; the result of cmocka's group. */
int media_store_contract_run(const char *name, struct media_store *store);

#endif
