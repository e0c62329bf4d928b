/* Region allocator: a list of growing blocks, newest first. Runs on whichever thread owns the
 * arena; takes no locks. Individual objects are never freed. */

#include "common/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

#define FIRST_BLOCK_BYTES 4096
#define BLOCK_MAX_BYTES   (1024 * 1024)

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(memory, size)   ((void)(memory), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(memory, size) ((void)(memory), (void)(size))
#endif

struct block {
    struct block *older;
    size_t size, used;
    alignas(max_align_t) unsigned char bytes[];
};

struct cc_arena {
    struct block *newest;
    size_t next_block_bytes, used_bytes, first_block_bytes;
};

static struct block *block_create(size_t size, struct block *older)
{
    struct block *block = cc_alloc(sizeof *block + size);
    block->older = older;
    block->size = size;
    block->used = 0;
    ASAN_POISON_MEMORY_REGION(block->bytes, size);
    return block;
}

static void block_destroy(struct block *block)
{
    ASAN_UNPOISON_MEMORY_REGION(block->bytes, block->size);
    cc_free(block);
}

struct cc_arena *cc_arena_create(size_t first_block_bytes)
{
    struct cc_arena *arena = cc_alloc(sizeof *arena);
    size_t size = first_block_bytes > 0 ? first_block_bytes : FIRST_BLOCK_BYTES;
    *arena = (struct cc_arena){.newest = block_create(size, NULL),
                               .next_block_bytes = size * 2,
                               .first_block_bytes = size};
    return arena;
}

void cc_arena_destroy(struct cc_arena *arena)
{
    if (arena == NULL)
        return;
    for (struct block *block = arena->newest; block != NULL;) {
        struct block *older = block->older;
        block_destroy(block);
        block = older;
    }
    cc_free(arena);
}

void cc_arena_reset(struct cc_arena *arena)
{
    struct block *block = arena->newest;
    while (block->older != NULL) {
        struct block *older = block->older;
        block_destroy(block);
        block = older;
    }
    ASAN_POISON_MEMORY_REGION(block->bytes, block->size);
    block->used = 0;
    arena->newest = block;
    arena->next_block_bytes = arena->first_block_bytes * 2;
    arena->used_bytes = 0;
}

size_t cc_arena_used_bytes(const struct cc_arena *arena)
{
    return arena->used_bytes;
}

static size_t round_up(size_t size)
{
    return (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

/* An object bigger than the next block would be gets a block of its own size. */
static void add_block(struct cc_arena *arena, size_t needed)
{
    size_t size = arena->next_block_bytes;
    if (size > BLOCK_MAX_BYTES)
        size = BLOCK_MAX_BYTES;
    arena->next_block_bytes = size * 2;
    arena->newest = block_create(needed > size ? needed : size, arena->newest);
}

void *cc_arena_alloc(struct cc_arena *arena, size_t size)
{
    size_t rounded = round_up(size > 0 ? size : 1);
    if (size > PTRDIFF_MAX / 2)
        abort(); /* no such object can exist: a length was computed wrongly */
    if (arena->newest->size - arena->newest->used < rounded)
        add_block(arena, rounded);
    struct block *block = arena->newest;
    void *memory = block->bytes + block->used;
    block->used += rounded;
    arena->used_bytes += rounded;
    ASAN_UNPOISON_MEMORY_REGION(memory, size);
    return memory;
}

void *cc_arena_calloc(struct cc_arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        total = SIZE_MAX;
    void *memory = cc_arena_alloc(arena, total);
    memset(memory, 0, total);
    return memory;
}

char *cc_arena_strdup(struct cc_arena *arena, const char *text)
{
    return text == NULL ? NULL : cc_arena_strndup(arena, text, strlen(text));
}

char *cc_arena_strndup(struct cc_arena *arena, const char *text, size_t length)
{
    char *copy = cc_arena_alloc(arena, length + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *cc_arena_printf(struct cc_arena *arena, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    size_t size = length < 0 ? 1 : (size_t)length + 1;
    char *text = cc_arena_alloc(arena, size);
    text[0] = '\0';
    vsnprintf(text, size, format, again);
    va_end(again);
    return text;
}
