#ifndef TTL_MAP_H
#define TTL_MAP_H

/*
 * What is remembered by a text until a time, so many entries (at least one) at most. It is as large
 * as what it holds: what has expired goes when something comes, the oldest gives way when there is
 * no room. Times are whatever clock the caller uses, in ms. Not thread-safe.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cc_ttl_map;

struct cc_ttl_entry { /* first member of what is remembered, which cc_free must be able to free */
    const char *key;  /* in the entry itself, usually */
    int64_t until_ms; /* may be moved later while it is remembered */
    struct cc_ttl_entry *next;
};

struct cc_ttl_map *cc_ttl_map_create(size_t max);
void cc_ttl_map_destroy(struct cc_ttl_map *map); /* with its entries; accepts NULL */
void cc_ttl_map_clear(struct cc_ttl_map *map);
/* The entry, its time over or not; NULL when absent. Lives until the next add or clear. */
void *cc_ttl_map_get(const struct cc_ttl_map *map, const char *key);
/* Takes the entry over; it hides a former one of the same key. true: one was forgotten before its
 * time, as there were too many. */
bool cc_ttl_map_add(struct cc_ttl_map *map, struct cc_ttl_entry *entry, int64_t now_ms);

#endif
