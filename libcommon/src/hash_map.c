/*
 * Texts to pointers; see common/hash_map.h. Runs on whichever thread owns the map. It never copies
 * or frees keys and values.
 */

#include "common/hash_map.h"

#include <stdint.h>
#include <string.h>

#include "common/alloc.h"
#include "common/id.h"

#define FIRST_CAPACITY 16 /* a power of two, as every capacity */
#define FNV_PRIME      UINT64_C(1099511628211)

struct slot {
    const char *key; /* NULL = free */
    void *value;
    uint64_t hash;
};

struct cc_hash_map {
    struct slot *slots;
    size_t capacity, count;
    uint64_t seed;
};

/* FNV-1a from a random start, mixed at the end because only the low bits choose the slot. */
static uint64_t hash_of(const struct cc_hash_map *map, const char *key)
{
    uint64_t hash = map->seed;
    for (const unsigned char *at = (const unsigned char *)key; *at != '\0'; at++)
        hash = (hash ^ *at) * FNV_PRIME;
    return hash ^ hash >> 32;
}

static size_t home_of(const struct cc_hash_map *map, uint64_t hash)
{
    return (size_t)hash & (map->capacity - 1);
}

/* The slot that holds the key, or the free one where it belongs. */
static struct slot *find(const struct cc_hash_map *map, const char *key, uint64_t hash)
{
    size_t at = home_of(map, hash);
    while (map->slots[at].key != NULL &&
           (map->slots[at].hash != hash || strcmp(map->slots[at].key, key) != 0))
        at = (at + 1) & (map->capacity - 1);
    return &map->slots[at];
}

struct cc_hash_map *cc_hash_map_create(void)
{
    struct cc_hash_map *map = cc_calloc(1, sizeof *map);
    const struct cc_random *random = cc_random_system();
    map->capacity = FIRST_CAPACITY;
    map->slots = cc_calloc(map->capacity, sizeof *map->slots);
    random->fill(random, &map->seed, sizeof map->seed);
    return map;
}

void cc_hash_map_destroy(struct cc_hash_map *map)
{
    if (map == NULL)
        return;
    cc_free(map->slots);
    cc_free(map);
}

size_t cc_hash_map_count(const struct cc_hash_map *map)
{
    return map->count;
}

void *cc_hash_map_get(const struct cc_hash_map *map, const char *key)
{
    return find(map, key, hash_of(map, key))->value;
}

static void grow(struct cc_hash_map *map)
{
    struct slot *old = map->slots;
    size_t old_capacity = map->capacity;
    map->capacity *= 2;
    map->slots = cc_calloc(map->capacity, sizeof *map->slots);
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].key != NULL)
            *find(map, old[i].key, old[i].hash) = old[i];
    }
    cc_free(old);
}

void *cc_hash_map_put(struct cc_hash_map *map, const char *key, void *value)
{
    if ((map->count + 1) * 4 > map->capacity * 3)
        grow(map);
    uint64_t hash = hash_of(map, key);
    struct slot *slot = find(map, key, hash);
    void *previous = slot->value;
    map->count += slot->key == NULL;
    *slot = (struct slot){key, value, hash};
    return previous;
}

/* Closes the gap at `hole`: an entry behind it moves up unless that would put it before its home,
 * so that no look-up meets a free slot too early. */
static void close_gap(struct cc_hash_map *map, size_t hole)
{
    size_t mask = map->capacity - 1;
    for (size_t at = (hole + 1) & mask; map->slots[at].key != NULL; at = (at + 1) & mask) {
        size_t home = home_of(map, map->slots[at].hash);
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->slots[hole] = (struct slot){0};
}

void *cc_hash_map_remove(struct cc_hash_map *map, const char *key)
{
    struct slot *slot = find(map, key, hash_of(map, key));
    void *value = slot->value;
    if (slot->key != NULL) {
        map->count--;
        close_gap(map, (size_t)(slot - map->slots));
    }
    return value;
}

bool cc_hash_map_next(const struct cc_hash_map *map, size_t *position, void **out_value)
{
    for (; *position < map->capacity; (*position)++) {
        if (map->slots[*position].key != NULL) {
            *out_value = map->slots[(*position)++].value;
            return true;
        }
    }
    return false;
}
