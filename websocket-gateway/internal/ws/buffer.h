#ifndef WS_BUFFER_H
#define WS_BUFFER_H

/*
 * One encoded frame, shared by all its receivers: server frames are unmasked, so the same bytes go
 * to everybody. The room in front is where libwebsockets writes its frame header. The count of
 * references belongs to the loop thread; whoever makes a buffer elsewhere hands it over whole.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/strbuf.h"

#define WS_BUFFER_ROOM 16 /* LWS_PRE; server.c asserts it */

struct ws_buffer {
    unsigned references;
    uint32_t count;
    int64_t occurred_at_ms; /* of a message: when it was stored; 0 = not measured */
    unsigned char bytes[];  /* WS_BUFFER_ROOM, then the frame */
};

struct ws_buffer *ws_buffer_create(const void *frame, size_t count); /* one reference */
struct ws_buffer *ws_buffer_from(const struct cc_strbuf *text);
struct ws_buffer *ws_buffer_ref(struct ws_buffer *buffer);
void ws_buffer_unref(struct ws_buffer *buffer); /* accepts NULL */
static inline const char *ws_buffer_text(const struct ws_buffer *buffer)
{
    return (const char *)buffer->bytes + WS_BUFFER_ROOM; /* not NUL-terminated */
}

#endif
