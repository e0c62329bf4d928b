/* Entries by key, with what is unsaved. On one consumer's thread. Knows no store. */

#include "common/write_behind.h"

#include "common/alloc.h"
#include "common/hash_map.h"

struct cc_write_behind {
    struct cc_hash_map *entries; /* key to struct cc_pending */
    void (*free_entry)(struct cc_pending *entry);
};

struct cc_write_behind *cc_write_behind_create(void (*free_entry)(struct cc_pending *entry))
{
    struct cc_write_behind *table = cc_calloc(1, sizeof *table);

    table->entries = cc_hash_map_create();
    table->free_entry = free_entry;
    return table;
}

/* Keeps those that `stays` names and frees the others. */
static void keep_where(struct cc_write_behind *table,
                       bool (*stays)(const struct cc_pending *entry, const void *arg),
                       const void *arg)
{
    struct cc_hash_map *kept = cc_hash_map_create();
    size_t at = 0;
    void *value;

    while (cc_hash_map_next(table->entries, &at, &value)) {
        struct cc_pending *entry = value;
        if (stays(entry, arg))
            cc_hash_map_put(kept, entry->key, entry);
        else
            table->free_entry(entry);
    }
    cc_hash_map_destroy(table->entries);
    table->entries = kept;
}

static bool is_never(const struct cc_pending *entry, const void *arg)
{
    (void)entry;
    (void)arg;
    return false;
}

static bool is_unsaved(const struct cc_pending *entry, const void *arg)
{
    (void)arg;
    return entry->unsaved;
}

static bool is_elsewhere(const struct cc_pending *entry, const void *partition)
{
    return entry->partition != *(const int32_t *)partition;
}

void cc_write_behind_destroy(struct cc_write_behind *table)
{
    if (table == NULL)
        return;
    keep_where(table, is_never, NULL);
    cc_hash_map_destroy(table->entries);
    cc_free(table);
}

struct cc_pending *cc_write_behind_get(const struct cc_write_behind *table, const char *key)
{
    return cc_hash_map_get(table->entries, key);
}

void cc_write_behind_add(struct cc_write_behind *table, struct cc_pending *entry)
{
    cc_hash_map_put(table->entries, entry->key, entry);
}

void cc_write_behind_forget_partition(struct cc_write_behind *table, int32_t partition)
{
    keep_where(table, is_elsewhere, &partition);
}

void cc_write_behind_trim(struct cc_write_behind *table, size_t most)
{
    if (cc_hash_map_count(table->entries) > most)
        keep_where(table, is_unsaved, NULL);
}

struct cc_pending **cc_write_behind_unsaved(const struct cc_write_behind *table,
                                            struct cc_arena *arena, size_t *out_count)
{
    size_t known = cc_hash_map_count(table->entries), count = 0, at = 0;
    struct cc_pending **unsaved = cc_arena_calloc(arena, known + 1, sizeof(*unsaved));
    void *value;

    while (cc_hash_map_next(table->entries, &at, &value))
        if (((struct cc_pending *)value)->unsaved)
            unsaved[count++] = value;
    *out_count = count;
    return unsaved;
}

void cc_write_behind_saved(struct cc_write_behind *table)
{
    size_t at = 0;
    void *value;

    while (cc_hash_map_next(table->entries, &at, &value))
        ((struct cc_pending *)value)->unsaved = false;
}
