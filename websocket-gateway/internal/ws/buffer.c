/* Reference-counted frames. Made on any thread, shared on the loop thread only. It does not look
 * into a frame. */

#include "ws/buffer.h"

#include <string.h>

#include "common/alloc.h"

struct ws_buffer *ws_buffer_create(const void *frame, size_t count)
{
    struct ws_buffer *buffer = cc_alloc(sizeof *buffer + WS_BUFFER_ROOM + count);

    buffer->references = 1;
    buffer->count = (uint32_t)count;
    buffer->occurred_at_ms = 0;
    if (count > 0)
        memcpy(buffer->bytes + WS_BUFFER_ROOM, frame, count);
    return buffer;
}

struct ws_buffer *ws_buffer_from(const struct cc_strbuf *text)
{
    return ws_buffer_create(cc_strbuf_text(text), text->length);
}

struct ws_buffer *ws_buffer_ref(struct ws_buffer *buffer)
{
    buffer->references++;
    return buffer;
}

void ws_buffer_unref(struct ws_buffer *buffer)
{
    if (buffer != NULL && --buffer->references == 0)
        cc_free(buffer);
}
