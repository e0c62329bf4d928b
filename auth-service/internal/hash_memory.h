#ifndef HASH_MEMORY_H
#define HASH_MEMORY_H

/*
 * Memory of password hashes, in huge pages where the system has them: with pages of 4 KiB the
 * kernel's work on 4,864 faults costs a quarter of a hash of 19 MiB, and in fresh huge ones the
 * zeroes still cost a twentieth (docs/performance.md). So blocks stay between hashes, for a moment.
 * Whoever gives one back has wiped it (libargon2 does). Thread-safe.
 */

#include <stddef.h>
#include <stdint.h>

#define HASH_MEMORY_KEPT_MS 2000 /* unused for so long, a block goes back to the system */

struct hash_memory;

struct hash_memory *hash_memory_create(void);
void hash_memory_destroy(struct hash_memory *memory); /* accepts NULL; all blocks are back */
/* NULL: the system has no memory. */
uint8_t *hash_memory_take(struct hash_memory *memory, size_t bytes);
void hash_memory_give_back(struct hash_memory *memory, uint8_t *block, size_t bytes);
/* Of blocks that wait for the next hash. */
size_t hash_memory_kept_bytes(struct hash_memory *memory);

#endif
