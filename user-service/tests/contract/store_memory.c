/* The contracts, kept by the stores in memory. */

#include "contract_fixture.h"

int main(void)
{
    contract_subject = (struct contract_subject){user_store_memory_create,
                                                 user_choices_memory_create, user_store_destroy};
    return user_store_contract_run("user_store in memory") +
           user_choices_contract_run("user_choices in memory");
}
