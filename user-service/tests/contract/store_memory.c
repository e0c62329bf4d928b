/* The contract of user_store, kept by the store in memory. */

#include "user_store_contract.h"

int main(void)
{
    return user_store_contract_run("user_store in memory", user_store_memory_create,
                                   user_store_destroy);
}
