#ifndef COMMON_HASH_MAP_H
#define COMMON_HASH_MAP_H

/*
 * Hash map from texts to pointers: open addressing, linear probing, at most three quarters full.
 * Keys are borrowed: they must live as long as their entry (usually they are a member of the
 * value). The hash is seeded per map, so that nobody outside can choose colliding keys. Not
 * thread-safe.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/cleanup.h"

struct cc_hash_map;

struct cc_hash_map *cc_hash_map_create(void);
void cc_hash_map_destroy(struct cc_hash_map *map); /* not the values; accepts NULL */
CC_DEFINE_AUTO(hash_map, struct cc_hash_map, cc_hash_map_destroy);
size_t cc_hash_map_count(const struct cc_hash_map *map);
void *cc_hash_map_get(const struct cc_hash_map *map, const char *key); /* NULL when absent */
/* Inserts or replaces (key and value, which is not NULL); returns the value that was there or NULL.
 */
void *cc_hash_map_put(struct cc_hash_map *map, const char *key, void *value);
void *cc_hash_map_remove(struct cc_hash_map *map, const char *key); /* the value or NULL */
/* Visits every value in no order: size_t at = 0; while (cc_hash_map_next(map, &at, &value)). The
 * map must not change in between. */
bool cc_hash_map_next(const struct cc_hash_map *map, size_t *position, void **out_value);

#endif
