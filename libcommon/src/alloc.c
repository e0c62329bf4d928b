/* Heap allocation that aborts instead of returning NULL. Any thread. The only file that may call
 * malloc and free; arenas are in arena.c. */

#include "common/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Logging would allocate: one fixed line on stderr is all that can be promised here. */
static _Noreturn void out_of_memory(void)
{
    static const char line[] =
        "{\"log.level\":\"error\",\"message\":\"out of memory, process aborts\"}\n";
    ssize_t ignored = write(STDERR_FILENO, line, sizeof line - 1);
    (void)ignored;
    abort();
}

static void *must_have(void *memory)
{
    if (memory == NULL)
        out_of_memory();
    return memory;
}

void *cc_alloc(size_t size)
{
    return must_have(malloc(size > 0 ? size : 1));
}

void *cc_calloc(size_t count, size_t size)
{
    return must_have(count > 0 && size > 0 ? calloc(count, size) : calloc(1, 1));
}

void *cc_realloc(void *memory, size_t size)
{
    return must_have(realloc(memory, size > 0 ? size : 1));
}

char *cc_strdup(const char *text)
{
    return cc_strndup(text, strlen(text));
}

char *cc_strndup(const char *text, size_t length)
{
    size_t kept = strnlen(text, length);
    char *copy = cc_alloc(kept + 1);
    memcpy(copy, text, kept);
    copy[kept] = '\0';
    return copy;
}

void cc_free(void *memory)
{
    free(memory);
}
