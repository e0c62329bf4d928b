#ifndef GATEWAY_CLIENT_ADDRESS_H
#define GATEWAY_CLIENT_ADDRESS_H

/*
 * Who the client is when proxies stand in front. X-Forwarded-For is believed only as far as trusted
 * hops wrote it: from the right, the first address that is no trusted proxy's is the client's; what
 * stands left of it is whatever the client liked to write. Source: RFC 7239 section 8.1.
 */

#include "common/arena.h"
#include "common/config.h"
#include "common/http_route.h"

#define GATEWAY_HOPS_MAX 32

struct gateway_hop {
    unsigned char prefix[16]; /* IPv4 as ::ffff:a.b.c.d */
    int bits;
};
struct gateway_hops { /* plain data; zeroed trusts nobody */
    struct gateway_hop all[GATEWAY_HOPS_MAX];
    size_t count;
};
/* items: "10.0.0.0/8", "fd00::/8", "192.0.2.7". Errors: CC_INVALID, naming trusted_proxies. */
CC_MUST_CHECK enum cc_code gateway_hops_read(const struct cc_setting_list *items,
                                             struct gateway_hops *out, struct cc_error *err);

/* forwarded_for: all fields of that name, joined with commas; NULL = none. Pure. */
void gateway_client_address(const struct gateway_hops *hops, const char *tcp_peer,
                            const char *forwarded_for, char out[CC_ADDRESS_BYTES]);

/* Whether it is one of them. Pure. */
bool gateway_is_hop(const struct gateway_hops *hops, const char *address);

/* What limits count by: the address, of IPv6 its /64, because that is what one person has. */
#define GATEWAY_ADDRESS_KEY_BYTES 64
void gateway_address_key_write(const char *address, char out[GATEWAY_ADDRESS_KEY_BYTES]);
/* The same in the arena. */
const char *gateway_address_key(struct cc_arena *arena, const char *address);

#endif
