#ifndef DOMAIN_NETWORK_ADDRESS_H
#define DOMAIN_NETWORK_ADDRESS_H

/* Numeric network addresses, IPv4 and IPv6, and networks ("10.0.0.0/8"). Pure, any thread. */

#include <stdbool.h>

#define NETWORK_ADDRESS_BYTES 46 /* INET6_ADDRSTRLEN */

/* Writes the address in its one canonical form; an IPv4 address mapped into IPv6 becomes IPv4.
 * False, with `out` untouched, when it is none. */
bool network_address_read(const char *text, char out[NETWORK_ADDRESS_BYTES]);
/* What is counted as one place: an IPv4 address, or the /64 of an IPv6 one (RFC 6177: that is what
 * one subscriber gets). `address` is canonical. */
void network_address_scope(const char *address, char out[NETWORK_ADDRESS_BYTES]);

/* "<address>/<bits>", or an address alone. */
bool network_valid(const char *network);
bool network_contains(const char *network, const char *address);

#endif
