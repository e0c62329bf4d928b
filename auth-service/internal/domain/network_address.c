/* Addresses and networks; see network_address.h. Pure, any thread. */

#include "domain/network_address.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IPV4_BYTES  4
#define IPV6_BYTES  16
#define SCOPE_BYTES 8 /* a /64 */

struct network {
    int family;
    unsigned char bytes[IPV6_BYTES];
    size_t bits;
};

static bool read_bytes(const char *text, struct network *out)
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    *out = (struct network){.family = AF_INET, .bits = 8 * IPV4_BYTES};
    if (inet_pton(AF_INET, text, out->bytes) == 1)
        return true;
    if (inet_pton(AF_INET6, text, out->bytes) != 1)
        return false;
    if (memcmp(out->bytes, mapped, sizeof mapped) == 0) {
        memmove(out->bytes, out->bytes + sizeof mapped, IPV4_BYTES);
        return true;
    }
    out->family = AF_INET6;
    out->bits = 8 * IPV6_BYTES;
    return true;
}

static void write_bytes(const struct network *address, char out[NETWORK_ADDRESS_BYTES])
{
    (void)inet_ntop(address->family, address->bytes, out, NETWORK_ADDRESS_BYTES);
}

bool network_address_read(const char *text, char out[NETWORK_ADDRESS_BYTES])
{
    struct network address;
    if (!read_bytes(text, &address))
        return false;
    write_bytes(&address, out);
    return true;
}

void network_address_scope(const char *address, char out[NETWORK_ADDRESS_BYTES])
{
    struct network read;
    if (!read_bytes(address, &read)) {
        (void)snprintf(out, NETWORK_ADDRESS_BYTES, "%s", address);
        return;
    }
    if (read.family == AF_INET6)
        memset(read.bytes + SCOPE_BYTES, 0, IPV6_BYTES - SCOPE_BYTES);
    write_bytes(&read, out);
}

static bool read_network(const char *text, struct network *out)
{
    char address[NETWORK_ADDRESS_BYTES];
    size_t length = strcspn(text, "/");
    char *end = NULL;
    if (length >= sizeof address)
        return false;
    memcpy(address, text, length);
    address[length] = '\0';
    if (!read_bytes(address, out))
        return false;
    if (text[length] == '\0')
        return true;
    if (text[length + 1] < '0' || text[length + 1] > '9')
        return false;
    unsigned long bits = strtoul(text + length + 1, &end, 10);
    if (*end != '\0' || bits > out->bits)
        return false;
    out->bits = bits;
    return true;
}

bool network_valid(const char *network)
{
    struct network ignored;
    return read_network(network, &ignored);
}

bool network_contains(const char *network, const char *address)
{
    struct network wanted, given;
    if (!read_network(network, &wanted) || !read_bytes(address, &given) ||
        wanted.family != given.family)
        return false;
    size_t whole = wanted.bits / 8;
    unsigned char mask = (unsigned char)(0xFF00 >> wanted.bits % 8);
    return memcmp(wanted.bytes, given.bytes, whole) == 0 &&
           (wanted.bits % 8 == 0 || ((wanted.bytes[whole] ^ given.bytes[whole]) & mask) == 0);
}
