#ifndef MESSAGE_STORE_CONTRACT_H
#define MESSAGE_STORE_CONTRACT_H

#include "storage/message_store.h"

/* Runs every promise of message_store.h against this store; the result of cmocka's group. */
int message_store_contract_run(const char *name, struct message_store *store);

/* Its parts, against the store that the fixture uses. */
int message_log_contract_run(const char *name);
int message_timeline_contract_run(const char *name);
int message_own_contract_run(const char *name);
int message_positions_contract_run(const char *name);
int message_erasure_contract_run(const char *name);
int message_purge_contract_run(const char *name);

#endif
