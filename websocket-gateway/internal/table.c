/* Hash table with chained elements that carry their own links (FNV-1a, doubled at three quarters).
 * Runs on the loop thread. It does not know what its elements are. */

#include "table.h"

#include <string.h>

#include "common/alloc.h"

#define FIRST_BUCKETS 64

static uint32_t hash_of(const char *key)
{
    uint32_t hash = 2166136261u;

    for (; *key != '\0'; key++)
        hash = (hash ^ (unsigned char)*key) * 16777619u;
    return hash;
}

static struct ws_node **bucket_of(const struct ws_table *table, uint32_t hash)
{
    return &table->buckets[hash & (table->bucket_count - 1)];
}

void ws_table_init(struct ws_table *table)
{
    table->bucket_count = FIRST_BUCKETS;
    table->buckets = cc_calloc(table->bucket_count, sizeof(struct ws_node *));
    table->count = 0;
}

void ws_table_finish(struct ws_table *table)
{
    cc_free(table->buckets);
    *table = (struct ws_table){0};
}

struct ws_node *ws_table_find(const struct ws_table *table, const char *key)
{
    uint32_t hash = hash_of(key);

    for (struct ws_node *node = *bucket_of(table, hash); node != NULL; node = node->next) {
        if (node->hash == hash && strcmp(node->key, key) == 0)
            return node;
    }
    return NULL;
}

static void grow(struct ws_table *table)
{
    struct ws_node **old = table->buckets;
    size_t old_count = table->bucket_count;

    table->bucket_count = old_count * 2;
    table->buckets = cc_calloc(table->bucket_count, sizeof(struct ws_node *));
    for (size_t i = 0; i < old_count; i++) {
        for (struct ws_node *node = old[i], *next; node != NULL; node = next) {
            struct ws_node **bucket = bucket_of(table, node->hash);

            next = node->next;
            node->next = *bucket;
            *bucket = node;
        }
    }
    cc_free(old);
}

void ws_table_add(struct ws_table *table, struct ws_node *node, const char *key)
{
    struct ws_node **bucket;

    if (table->count >= table->bucket_count / 4 * 3)
        grow(table);
    node->key = key;
    node->hash = hash_of(key);
    bucket = bucket_of(table, node->hash);
    node->next = *bucket;
    *bucket = node;
    table->count++;
}

void ws_table_remove(struct ws_table *table, struct ws_node *node)
{
    struct ws_node **at = bucket_of(table, node->hash);

    while (*at != NULL && *at != node)
        at = &(*at)->next;
    if (*at == NULL)
        return;
    *at = node->next;
    table->count--;
}

void ws_table_each(const struct ws_table *table, void (*each)(struct ws_node *node, void *arg),
                   void *arg)
{
    for (size_t i = 0; i < table->bucket_count; i++) {
        for (struct ws_node *node = table->buckets[i], *next; node != NULL; node = next) {
            next = node->next;
            each(node, arg);
        }
    }
}
