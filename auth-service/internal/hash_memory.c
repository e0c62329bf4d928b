/* A list of blocks that nobody uses, and a thread that returns them to the system when nobody has
 * for a while. Knows nothing of hashes. */

#include "hash_memory.h"

#include <pthread.h>
#include <sys/mman.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/ticker.h"

#define HUGE_PAGE_BYTES ((size_t)2 << 20)
#define TICK_MS         (HASH_MEMORY_KEPT_MS / 2)

struct kept { /* at the beginning of a block that waits */
    struct kept *next;
    size_t bytes;
    int64_t since_ms;
};
struct hash_memory {
    pthread_mutex_t lock;
    struct kept *first; /* the last one that was used; older ones behind it */
    struct cc_ticker *ticker;
};

static int64_t now_ms(void)
{
    return cc_mono_ms(cc_clock_system());
}

static size_t whole_pages(size_t bytes)
{
    return (bytes + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
}

/* ---- the system's ---- */

static uint8_t *map(size_t bytes)
{
    size_t mapped = bytes + HUGE_PAGE_BYTES;
    uint8_t *start = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (start == MAP_FAILED)
        return NULL;
    size_t before = whole_pages((size_t)start) - (size_t)start;
    uint8_t *block = start + before;
    (void)madvise(block, bytes, MADV_HUGEPAGE); /* where there are none: small ones */
    munmap(block + bytes, mapped - before - bytes);
    if (before > 0)
        munmap(start, before);
    return block;
}

static void unmap_all(struct kept *kept)
{
    while (kept != NULL) {
        struct kept *next = kept->next;

        munmap(kept, kept->bytes);
        kept = next;
    }
}

/* ---- keeping ---- */

static void return_unused(void *arg)
{
    struct hash_memory *memory = arg;
    int64_t limit_ms = now_ms() - HASH_MEMORY_KEPT_MS;

    pthread_mutex_lock(&memory->lock);
    struct kept **at = &memory->first;
    while (*at != NULL && (*at)->since_ms > limit_ms)
        at = &(*at)->next;
    struct kept *unused = *at;
    *at = NULL;
    pthread_mutex_unlock(&memory->lock);
    unmap_all(unused);
}

static struct kept *find_kept(struct hash_memory *memory, size_t bytes)
{
    pthread_mutex_lock(&memory->lock);
    struct kept **at = &memory->first, *found;
    while (*at != NULL && (*at)->bytes != bytes)
        at = &(*at)->next;
    found = *at;
    if (found != NULL)
        *at = found->next;
    pthread_mutex_unlock(&memory->lock);
    return found;
}

uint8_t *hash_memory_take(struct hash_memory *memory, size_t bytes)
{
    struct kept *kept = find_kept(memory, whole_pages(bytes));

    return kept != NULL ? (uint8_t *)kept : map(whole_pages(bytes));
}

void hash_memory_give_back(struct hash_memory *memory, uint8_t *block, size_t bytes)
{
    struct kept *kept = (struct kept *)(void *)block;

    pthread_mutex_lock(&memory->lock);
    *kept = (struct kept){memory->first, whole_pages(bytes), now_ms()};
    memory->first = kept;
    pthread_mutex_unlock(&memory->lock);
}

size_t hash_memory_kept_bytes(struct hash_memory *memory)
{
    size_t bytes = 0;

    pthread_mutex_lock(&memory->lock);
    for (const struct kept *kept = memory->first; kept != NULL; kept = kept->next)
        bytes += kept->bytes;
    pthread_mutex_unlock(&memory->lock);
    return bytes;
}

struct hash_memory *hash_memory_create(void)
{
    struct hash_memory *memory = cc_calloc(1, sizeof *memory);

    pthread_mutex_init(&memory->lock, NULL);
    memory->ticker = cc_ticker_start(TICK_MS, return_unused, memory);
    return memory;
}

void hash_memory_destroy(struct hash_memory *memory)
{
    if (memory == NULL)
        return;
    cc_ticker_stop(memory->ticker);
    unmap_all(memory->first);
    pthread_mutex_destroy(&memory->lock);
    cc_free(memory);
}
