#ifndef CHAT_STORE_CONTRACT_H
#define CHAT_STORE_CONTRACT_H

#include "storage/chat_store.h"

/* Runs every promise of chat_store.h against this store; the result of cmocka's group. */
int chat_store_contract_run(const char *name, struct chat_store *store);

#endif
