/* A map from address keys to counts under one lock; an entry lives while its count is above zero.
 */

#include "proxy/address_counts.h"

#include <pthread.h>
#include <string.h>

#include "common/alloc.h"
#include "common/hash_map.h"
#include "proxy/client_address.h"

struct gateway_address {
    char key[64];
    int64_t count;
};
struct gateway_addresses {
    pthread_mutex_t lock;
    struct cc_hash_map *map;
    int64_t max_per_address;
};

struct gateway_addresses *gateway_addresses_create(int64_t max_per_address)
{
    struct gateway_addresses *addresses = cc_calloc(1, sizeof(*addresses));

    pthread_mutex_init(&addresses->lock, NULL);
    addresses->map = cc_hash_map_create();
    addresses->max_per_address = max_per_address;
    return addresses;
}

void gateway_addresses_destroy(struct gateway_addresses *addresses)
{
    void *address;

    if (addresses == NULL)
        return;
    for (size_t at = 0; cc_hash_map_next(addresses->map, &at, &address);)
        cc_free(address);
    cc_hash_map_destroy(addresses->map);
    pthread_mutex_destroy(&addresses->lock);
    cc_free(addresses);
}

static struct gateway_address *find_or_add(struct gateway_addresses *addresses, const char *key)
{
    struct gateway_address *address = cc_hash_map_get(addresses->map, key);

    if (address == NULL) {
        address = cc_calloc(1, sizeof(*address));
        strncpy(address->key, key, sizeof(address->key) - 1);
        cc_hash_map_put(addresses->map, address->key, address);
    }
    return address;
}

struct gateway_address *gateway_address_take(struct gateway_addresses *addresses,
                                             struct cc_arena *arena, const char *address)
{
    const char *key = gateway_address_key(arena, address);
    struct gateway_address *entry;

    pthread_mutex_lock(&addresses->lock);
    entry = find_or_add(addresses, key);
    if (entry->count < addresses->max_per_address)
        entry->count++;
    else
        entry = NULL;
    pthread_mutex_unlock(&addresses->lock);
    return entry;
}

void gateway_address_release(struct gateway_addresses *addresses, struct gateway_address *address)
{
    if (address == NULL)
        return;
    pthread_mutex_lock(&addresses->lock);
    if (--address->count == 0) {
        cc_hash_map_remove(addresses->map, address->key);
        cc_free(address);
    }
    pthread_mutex_unlock(&addresses->lock);
}
