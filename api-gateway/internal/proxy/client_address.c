/* Addresses as 16 bytes, prefixes of trusted proxies, the walk through X-Forwarded-For. Pure; any
 * thread. */

#include "proxy/client_address.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS_BITS 128
#define IPV4_OFFSET  96 /* bits in front of an IPv4 address */

/* IPv4 becomes ::ffff:a.b.c.d. False for anything that is not a plain numeric address. */
static bool read_address(const char *text, unsigned char out[16])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (inet_pton(AF_INET6, text, out) == 1)
        return true;
    memcpy(out, mapped, sizeof(mapped));
    return inet_pton(AF_INET, text, out + sizeof(mapped)) == 1;
}

static bool read_bits(const char *text, int max, int *out)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 3 || text[digits] != '\0' || strtol(text, NULL, 10) > max)
        return false;
    *out = (int)strtol(text, NULL, 10);
    return true;
}

static bool read_hop(const char *text, struct gateway_hop *out)
{
    char address[CC_ADDRESS_BYTES];
    size_t length = strcspn(text, "/");
    bool is_ipv6 = memchr(text, ':', length) != NULL;

    if (length >= sizeof(address))
        return false;
    memcpy(address, text, length);
    address[length] = '\0';
    if (!read_address(address, out->prefix))
        return false;
    out->bits = ADDRESS_BITS;
    if (text[length] == '/') {
        if (!read_bits(text + length + 1, is_ipv6 ? ADDRESS_BITS : ADDRESS_BITS - IPV4_OFFSET,
                       &out->bits))
            return false;
        out->bits += is_ipv6 ? 0 : IPV4_OFFSET;
    }
    return true;
}

enum cc_code gateway_hops_read(const struct cc_setting_list *items, struct gateway_hops *out,
                               struct cc_error *err)
{
    out->count = 0;
    if (items->count > GATEWAY_HOPS_MAX)
        return cc_fail(err, CC_INVALID, "trusted_proxies", "trusted_proxies: at most %d",
                       GATEWAY_HOPS_MAX);
    for (size_t i = 0; i < items->count; i++)
        if (!read_hop(items->items[i], &out->all[out->count++]))
            return cc_fail(err, CC_INVALID, "trusted_proxies",
                           "trusted_proxies: '%s' is no address or prefix", items->items[i]);
    return CC_OK;
}

static bool is_within(const unsigned char address[16], const struct gateway_hop *hop)
{
    size_t whole = (size_t)hop->bits / 8;
    int rest = hop->bits % 8;
    unsigned char mask = (unsigned char)(0xff00 >> rest);

    return memcmp(address, hop->prefix, whole) == 0 &&
           (rest == 0 || (address[whole] & mask) == (hop->prefix[whole] & mask));
}

bool gateway_is_hop(const struct gateway_hops *hops, const char *text)
{
    unsigned char address[16];

    if (!read_address(text, address))
        return false;
    for (size_t i = 0; i < hops->count; i++)
        if (is_within(address, &hops->all[i]))
            return true;
    return false;
}

/* The last element of a comma separated list that ends at *end; moves *end in front of it. False
 * when there is none left or it is no address. */
static bool take_last(const char *list, size_t *end, char out[CC_ADDRESS_BYTES])
{
    size_t stop = *end, first;
    unsigned char ignored[16];

    if (stop == 0)
        return false;
    for (first = stop; first > 0 && list[first - 1] != ',';)
        first--;
    *end = first > 0 ? first - 1 : 0;
    while (first < stop && (list[first] == ' ' || list[first] == '\t'))
        first++;
    while (stop > first && (list[stop - 1] == ' ' || list[stop - 1] == '\t'))
        stop--;
    if (stop - first >= CC_ADDRESS_BYTES)
        return false;
    memcpy(out, list + first, stop - first);
    out[stop - first] = '\0';
    return read_address(out, ignored);
}

void gateway_client_address(const struct gateway_hops *hops, const char *tcp_peer,
                            const char *forwarded_for, char out[CC_ADDRESS_BYTES])
{
    size_t end = forwarded_for != NULL ? strlen(forwarded_for) : 0;
    char next[CC_ADDRESS_BYTES];

    snprintf(out, CC_ADDRESS_BYTES, "%s", tcp_peer);
    while (gateway_is_hop(hops, out) && take_last(forwarded_for, &end, next))
        memcpy(out, next, sizeof(next));
}

void gateway_address_key_write(const char *address, char out[GATEWAY_ADDRESS_KEY_BYTES])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    unsigned char bytes[16];
    char text[CC_ADDRESS_BYTES] = "";

    snprintf(out, GATEWAY_ADDRESS_KEY_BYTES, "%s", address);
    if (strchr(address, ':') == NULL || !read_address(address, bytes))
        return;
    if (memcmp(bytes, mapped, sizeof(mapped)) == 0) {
        inet_ntop(AF_INET, bytes + sizeof(mapped), out, GATEWAY_ADDRESS_KEY_BYTES);
        return;
    }
    memset(bytes + 8, 0, 8);
    inet_ntop(AF_INET6, bytes, text, sizeof(text));
    snprintf(out, GATEWAY_ADDRESS_KEY_BYTES, "%s/64", text);
}

const char *gateway_address_key(struct cc_arena *arena, const char *address)
{
    char key[GATEWAY_ADDRESS_KEY_BYTES];

    gateway_address_key_write(address, key);
    return cc_arena_strdup(arena, key);
}
