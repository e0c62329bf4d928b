/* Growable byte buffer with a maximum. Runs on whichever thread owns the buffer. Knows nothing of
 * encodings. */

#include "common/strbuf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"

#define FIRST_CAPACITY 256

void cc_strbuf_init(struct cc_strbuf *buf, size_t max_bytes)
{
    *buf = (struct cc_strbuf){.max_bytes = max_bytes};
}

void cc_strbuf_finish(struct cc_strbuf *buf)
{
    cc_free(buf->data);
    *buf = (struct cc_strbuf){.max_bytes = buf->max_bytes};
}

void cc_strbuf_reset(struct cc_strbuf *buf)
{
    buf->length = 0;
    buf->overflowed = false;
    if (buf->data != NULL)
        buf->data[0] = '\0';
}

/* Makes room for `count` more bytes and the NUL; returns how many of them may be written. */
static size_t reserve(struct cc_strbuf *buf, size_t count)
{
    if (buf->overflowed)
        return 0;
    if (count > buf->max_bytes - buf->length) {
        buf->overflowed = true;
        count = buf->max_bytes - buf->length;
    }
    size_t needed = buf->length + count + 1;
    if (needed <= buf->capacity)
        return count;
    size_t capacity = buf->capacity > 0 ? buf->capacity : FIRST_CAPACITY;
    while (capacity < needed)
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    buf->data = cc_realloc(buf->data, capacity);
    buf->capacity = capacity;
    return count;
}

void cc_strbuf_append(struct cc_strbuf *buf, const void *bytes, size_t count)
{
    size_t room = reserve(buf, count);
    if (room == 0)
        return;
    memcpy(buf->data + buf->length, bytes, room);
    buf->length += room;
    buf->data[buf->length] = '\0';
}

void cc_strbuf_append_text(struct cc_strbuf *buf, const char *text)
{
    cc_strbuf_append(buf, text, strlen(text));
}

void cc_strbuf_append_char(struct cc_strbuf *buf, char character)
{
    if (buf->length + 1 < buf->capacity && buf->length < buf->max_bytes && !buf->overflowed) {
        buf->data[buf->length++] = character;
        buf->data[buf->length] = '\0';
        return;
    }
    cc_strbuf_append(buf, &character, 1);
}

void cc_strbuf_printf(struct cc_strbuf *buf, const char *format, ...)
{
    char small[256];
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(small, sizeof small, format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length < sizeof small) {
        cc_strbuf_append(buf, small, (size_t)length);
    } else if (length > 0) {
        char *large = cc_alloc((size_t)length + 1);
        vsnprintf(large, (size_t)length + 1, format, again);
        cc_strbuf_append(buf, large, (size_t)length);
        cc_free(large);
    }
    va_end(again);
}

const char *cc_strbuf_text(const struct cc_strbuf *buf)
{
    return buf->data == NULL ? "" : buf->data;
}

char *cc_strbuf_take(struct cc_strbuf *buf, size_t *out_length)
{
    char *data = buf->data == NULL ? cc_strdup("") : buf->data;
    if (out_length != NULL)
        *out_length = buf->length;
    *buf = (struct cc_strbuf){.max_bytes = buf->max_bytes};
    return data;
}
