/* A hash map for look-ups, and a queue in the order of arrival for what goes. */
#include "ttl_map.h"

#include "common/alloc.h"
#include "common/hash_map.h"

struct cc_ttl_map {
    struct cc_hash_map *by_key;
    struct cc_ttl_entry *oldest, *newest;
    size_t count, max;
};

struct cc_ttl_map *cc_ttl_map_create(size_t max)
{
    struct cc_ttl_map *map = cc_calloc(1, sizeof(*map));

    map->by_key = cc_hash_map_create();
    map->max = max;
    return map;
}

static void drop_oldest(struct cc_ttl_map *map)
{
    struct cc_ttl_entry *oldest = map->oldest;

    if (oldest == NULL)
        return;
    map->oldest = oldest->next;
    if (map->oldest == NULL)
        map->newest = NULL;
    if (cc_hash_map_get(map->by_key, oldest->key) == oldest)
        cc_hash_map_remove(map->by_key, oldest->key);
    map->count--;
    cc_free(oldest);
}

void cc_ttl_map_clear(struct cc_ttl_map *map)
{
    while (map->oldest != NULL)
        drop_oldest(map);
}

void cc_ttl_map_destroy(struct cc_ttl_map *map)
{
    if (map == NULL)
        return;
    cc_ttl_map_clear(map);
    cc_hash_map_destroy(map->by_key);
    cc_free(map);
}

void *cc_ttl_map_get(const struct cc_ttl_map *map, const char *key)
{
    return cc_hash_map_get(map->by_key, key);
}

static bool make_room(struct cc_ttl_map *map, int64_t now_ms)
{
    while (map->oldest != NULL && map->oldest->until_ms <= now_ms)
        drop_oldest(map);
    if (map->count < map->max)
        return false;
    drop_oldest(map);
    return true;
}

bool cc_ttl_map_add(struct cc_ttl_map *map, struct cc_ttl_entry *entry, int64_t now_ms)
{
    bool forgotten = make_room(map, now_ms);

    entry->next = NULL;
    cc_hash_map_put(map->by_key, entry->key, entry);
    if (map->newest != NULL)
        map->newest->next = entry;
    else
        map->oldest = entry;
    map->newest = entry;
    map->count++;
    return forgotten;
}
