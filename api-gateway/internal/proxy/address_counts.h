#ifndef GATEWAY_ADDRESS_COUNTS_H
#define GATEWAY_ADDRESS_COUNTS_H

/* How many connections each client address holds, up to a bound each. Thread-safe. */

#include <stdint.h>

#include "common/arena.h"

struct gateway_addresses;
struct gateway_address;

struct gateway_addresses *gateway_addresses_create(int64_t max_per_address);
void gateway_addresses_destroy(struct gateway_addresses *addresses); /* accepts NULL */
/* Counts one more for the address (its /64 for IPv6), or NULL when it holds its share already. The
 * arena is used during the call. */
struct gateway_address *gateway_address_take(struct gateway_addresses *addresses,
                                             struct cc_arena *arena, const char *address);
void gateway_address_release(struct gateway_addresses *addresses, struct gateway_address *address);

#endif
