#ifndef GATEWAY_ADDRESS_COUNTS_H
#define GATEWAY_ADDRESS_COUNTS_H

/* How many connections each client address holds, up to a bound each. Thread-safe. */

#include <stdbool.h>
#include <stdint.h>

struct gateway_addresses;
struct gateway_address;

struct gateway_addresses *gateway_addresses_create(int64_t max_per_address);
void gateway_addresses_destroy(struct gateway_addresses *addresses); /* accepts NULL */
/* Counts one more for the address (its /64 for IPv6), or NULL when it holds its share already. */
struct gateway_address *gateway_address_take(struct gateway_addresses *addresses,
                                             const char *address);
void gateway_address_release(struct gateway_addresses *addresses, struct gateway_address *address);
/* Counts one more in any case; false when that is above its share. Each is taken back by address.
 */
bool gateway_address_came(struct gateway_addresses *addresses, const char *address);
void gateway_address_left(struct gateway_addresses *addresses, const char *address);

#endif
