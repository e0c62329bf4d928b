#ifndef COMMON_ALLOC_H
#define COMMON_ALLOC_H

/*
 * Heap allocation that never returns NULL: when the system is out of memory the process logs one
 * line and aborts, because a daemon that cannot allocate a few bytes cannot keep its promises
 * either. Sizes that come from outside are bounded by the caller before they get here. Thread-safe.
 */

#include <stddef.h>

void *cc_alloc(size_t size) __attribute__((malloc, alloc_size(1), returns_nonnull));
void *cc_calloc(size_t count, size_t size)
    __attribute__((malloc, alloc_size(1, 2), returns_nonnull));
void *cc_realloc(void *memory, size_t size) __attribute__((alloc_size(2), returns_nonnull));
char *cc_strdup(const char *text) __attribute__((malloc, returns_nonnull));
char *cc_strndup(const char *text, size_t length) __attribute__((malloc, returns_nonnull));
void cc_free(void *memory); /* accepts NULL */

#endif
