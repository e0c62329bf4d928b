#ifndef COMMON_WRITE_BEHIND_H
#define COMMON_WRITE_BEHIND_H

/*
 * What a consumer knows and stores later: one entry for each key of the partitions that it owns,
 * changed in memory by each batch and written to the store when the runner asks (`save` in
 * common/kafka_consumer.h), one write for each entry however often it changed. What is unsaved when
 * a partition goes is forgotten with it: its offsets were not committed, and the next owner applies
 * the records again. For the consumer's thread alone.
 * Source: docs/ARCHITECTURE.md "What is stored later".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"

/* The beginning of every entry, which is the caller's struct. */
struct cc_pending {
    const char *key; /* a member of the entry: lives as long as it */
    int32_t partition;
    bool unsaved; /* set by whoever changes the entry */
};
struct cc_write_behind;

/* free_entry: of entries that are forgotten. */
struct cc_write_behind *cc_write_behind_create(void (*free_entry)(struct cc_pending *entry));
void cc_write_behind_destroy(
    struct cc_write_behind *table); /* accepts NULL; unsaved ones are lost */

struct cc_pending *cc_write_behind_get(const struct cc_write_behind *table,
                                       const char *key); /* NULL when it is not known */
/* Takes the entry, whose key must not be there yet. */
void cc_write_behind_add(struct cc_write_behind *table, struct cc_pending *entry);
void cc_write_behind_forget_partition(struct cc_write_behind *table, int32_t partition);
/* Forgets what is saved when there are more than `most` entries. */
void cc_write_behind_trim(struct cc_write_behind *table, size_t most);

/* The unsaved entries, in the arena, in no order. */
struct cc_pending **cc_write_behind_unsaved(const struct cc_write_behind *table,
                                            struct cc_arena *arena, size_t *out_count);
/* Every entry is stored as it is now. */
void cc_write_behind_saved(struct cc_write_behind *table);

#endif
