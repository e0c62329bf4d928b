#ifndef USER_STORE_CONTRACT_H
#define USER_STORE_CONTRACT_H

/* What every user_store must do. One suite, run against memory and against PostgreSQL. */

#include "storage/user_store.h"

/* Returns the number of failed tests. make gives a fresh, empty store for each test; unmake takes
 * it back. */
int user_store_contract_run(const char *name, struct user_store *(*make)(void),
                            void (*unmake)(struct user_store *store));

#endif
