/* A map from address keys to counts under one lock; an entry lives while its count is above zero.
 */

#include "proxy/address_counts.h"

#include <pthread.h>
#include <string.h>

#include "common/alloc.h"
#include "common/hash_map.h"
#include "proxy/client_address.h"

struct gateway_address {
    char key[GATEWAY_ADDRESS_KEY_BYTES];
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

/* The lock is held in these two. */
static struct gateway_address *find_or_add(struct gateway_addresses *addresses, const char *text)
{
    char key[GATEWAY_ADDRESS_KEY_BYTES];
    struct gateway_address *address;

    gateway_address_key_write(text, key);
    address = cc_hash_map_get(addresses->map, key);
    if (address == NULL) {
        address = cc_calloc(1, sizeof(*address));
        memcpy(address->key, key, sizeof(address->key));
        cc_hash_map_put(addresses->map, address->key, address);
    }
    return address;
}

static void count_down(struct gateway_addresses *addresses, struct gateway_address *address)
{
    if (--address->count > 0)
        return;
    cc_hash_map_remove(addresses->map, address->key);
    cc_free(address);
}

struct gateway_address *gateway_address_take(struct gateway_addresses *addresses,
                                             const char *address)
{
    struct gateway_address *entry;

    pthread_mutex_lock(&addresses->lock);
    entry = find_or_add(addresses, address);
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
    count_down(addresses, address);
    pthread_mutex_unlock(&addresses->lock);
}

bool gateway_address_came(struct gateway_addresses *addresses, const char *address)
{
    bool has_room;

    pthread_mutex_lock(&addresses->lock);
    has_room = ++find_or_add(addresses, address)->count <= addresses->max_per_address;
    pthread_mutex_unlock(&addresses->lock);
    return has_room;
}

void gateway_address_left(struct gateway_addresses *addresses, const char *address)
{
    pthread_mutex_lock(&addresses->lock);
    count_down(addresses, find_or_add(addresses, address));
    pthread_mutex_unlock(&addresses->lock);
}
