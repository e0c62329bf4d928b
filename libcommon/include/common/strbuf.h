#ifndef COMMON_STRBUF_H
#define COMMON_STRBUF_H

/*
 * Growable byte buffer with a maximum given at birth. Appending past the maximum keeps what is
 * there, drops the rest and sets `overflowed` for good: check it once, at the end. The content is
 * always NUL-terminated (the NUL is not counted). Not thread-safe.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

struct cc_strbuf {
    char *data; /* owned; NULL until the first append, read it through cc_strbuf_text() */
    size_t length;
    size_t capacity;
    size_t max_bytes;
    bool overflowed;
};

void cc_strbuf_init(struct cc_strbuf *buf, size_t max_bytes);
void cc_strbuf_finish(struct cc_strbuf *buf); /* frees; the buffer may be initialised again */
void cc_strbuf_reset(struct cc_strbuf *buf);  /* length 0, keeps the memory, clears `overflowed` */
void cc_strbuf_append(struct cc_strbuf *buf, const void *bytes, size_t count);
void cc_strbuf_append_text(struct cc_strbuf *buf, const char *text);
void cc_strbuf_append_char(struct cc_strbuf *buf, char character);
void cc_strbuf_printf(struct cc_strbuf *buf, const char *format, ...) CC_PRINTF(2, 3);
const char *
cc_strbuf_text(const struct cc_strbuf *buf); /* "" when empty; valid until the next append */
/* Hands the memory to the caller (cc_free) and leaves the buffer empty. */
char *cc_strbuf_take(struct cc_strbuf *buf, size_t *out_length);

#endif
