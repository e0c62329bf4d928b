#ifndef COMMON_UNSENT_H
#define COMMON_UNSENT_H

/*
 * Bytes that a non-blocking socket could not take yet. Whoever carries bytes from one socket to
 * another keeps one of these for each direction and reads on when it is empty: what is kept is
 * bounded by one read. One thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cc_unsent { /* zeroed: nothing is kept */
    char *bytes;   /* owned; NULL = nothing */
    uint32_t first, count;
};

/* Whether errno says: not now. */
bool cc_would_block(void);

/* Copies them; nothing may be kept before, and count is at least 1. */
void cc_unsent_keep(struct cc_unsent *unsent, const char *bytes, size_t count);
/* The first `count` bytes are through. */
void cc_unsent_drop(struct cc_unsent *unsent, size_t count);
void cc_unsent_finish(struct cc_unsent *unsent); /* frees; nothing is kept */

/* Both send what the socket takes; the second keeps the rest. False: it will never take any more,
 * and nothing is kept. */
bool cc_unsent_flush(struct cc_unsent *unsent, int fd);
bool cc_unsent_send(struct cc_unsent *unsent, int fd, const char *bytes, size_t count);

#endif
