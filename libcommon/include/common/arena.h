#ifndef COMMON_ARENA_H
#define COMMON_ARENA_H

/*
 * Region allocator: everything decoded or built for one request or one batch of records comes from
 * one arena and is freed in one place. Not thread-safe: an arena belongs to one thread at a time.
 * Allocation never returns NULL (see alloc.h). Alignment is that of max_align_t.
 */

#include <stdarg.h>
#include <stddef.h>

#include "common/cleanup.h"
#include "common/error.h"

struct cc_arena;

/* first_block_bytes: size of the first block, 0 = 4 KiB. Later blocks double up to 1 MiB. */
struct cc_arena *cc_arena_create(size_t first_block_bytes);
void cc_arena_destroy(struct cc_arena *arena); /* accepts NULL */
CC_DEFINE_AUTO(arena, struct cc_arena, cc_arena_destroy);
/* Forgets everything allocated; keeps the first block for re-use. */
void cc_arena_reset(struct cc_arena *arena);
/* Bytes handed out since creation or the last reset. */
size_t cc_arena_used_bytes(const struct cc_arena *arena);

void *cc_arena_alloc(struct cc_arena *arena, size_t size)
    __attribute__((alloc_size(2), returns_nonnull));
void *cc_arena_calloc(struct cc_arena *arena, size_t count, size_t size)
    __attribute__((alloc_size(2, 3), returns_nonnull));
char *cc_arena_strdup(struct cc_arena *arena, const char *text); /* NULL gives NULL */
char *cc_arena_strndup(struct cc_arena *arena, const char *text, size_t length);
char *cc_arena_printf(struct cc_arena *arena, const char *format, ...) CC_PRINTF(2, 3);

/* One object of a type, zeroed. */
#define CC_ARENA_NEW(arena, type) ((type *)cc_arena_calloc((arena), 1, sizeof(type)))

#endif
