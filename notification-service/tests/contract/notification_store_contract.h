#ifndef NOTIFICATION_STORE_CONTRACT_H
#define NOTIFICATION_STORE_CONTRACT_H

#include "storage/notification_store.h"

/* Runs every promise of notification_store.h against this store; the result of cmocka's group. */
int notification_store_contract_run(const char *name, struct notification_store *store);

#endif
