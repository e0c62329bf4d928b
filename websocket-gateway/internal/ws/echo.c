/* A message is kept until it is complete and goes back in pieces, each a fragment, so that one of
 * 16 MiB doesn't stand in the way of other connections. Runs on the loop thread. */

#include "ws/echo.h"

#include <libwebsockets.h>

#include "common/alloc.h"
#include "common/strbuf.h"

#include "ws/buffer.h"

#define MESSAGE_MAX_BYTES ((size_t)16 * 1024 * 1024) /* the largest of the cases */
#define FRAGMENT_BYTES    65536

struct ws_echo {
    struct cc_strbuf message; /* WS_BUFFER_ROOM, then what came */
    size_t written;
    bool complete, binary;
};

static void forget(struct ws_echo *echo)
{
    static const char room[WS_BUFFER_ROOM];

    cc_strbuf_finish(&echo->message);
    cc_strbuf_init(&echo->message, WS_BUFFER_ROOM + MESSAGE_MAX_BYTES);
    cc_strbuf_append(&echo->message, room, sizeof room);
    echo->written = 0;
    echo->complete = false;
}

struct ws_echo *ws_echo_open(void)
{
    struct ws_echo *echo = cc_calloc(1, sizeof *echo);

    forget(echo);
    return echo;
}

void ws_echo_close(struct ws_echo *echo)
{
    if (echo == NULL)
        return;
    cc_strbuf_finish(&echo->message);
    cc_free(echo);
}

int ws_echo_receive(struct ws_echo *echo, struct lws *wsi, const void *bytes, size_t count)
{
    echo->binary = lws_frame_is_binary(wsi) != 0;
    cc_strbuf_append(&echo->message, bytes, count);
    if (echo->message.overflowed) {
        lws_close_reason(wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, NULL, 0);
        return -1;
    }
    if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) != 0)
        return 0;
    echo->complete = true;
    lws_rx_flow_control(wsi, 0);
    lws_callback_on_writable(wsi);
    return 0;
}

static bool write_fragment(struct ws_echo *echo, struct lws *wsi)
{
    size_t left = echo->message.length - WS_BUFFER_ROOM - echo->written;
    size_t count = left < FRAGMENT_BYTES ? left : FRAGMENT_BYTES;
    enum lws_write_protocol kind = echo->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
    unsigned char *at = (unsigned char *)echo->message.data + WS_BUFFER_ROOM + echo->written;

    if (echo->written > 0)
        kind = LWS_WRITE_CONTINUATION;
    if (count < left)
        kind |= LWS_WRITE_NO_FIN;
    echo->written += count;
    return lws_write(wsi, at, count, kind) >= 0;
}

int ws_echo_write(struct ws_echo *echo, struct lws *wsi)
{
    if (!echo->complete)
        return 0;
    if (!write_fragment(echo, wsi))
        return -1;
    if (WS_BUFFER_ROOM + echo->written < echo->message.length) {
        lws_callback_on_writable(wsi);
        return 0;
    }
    forget(echo);
    lws_rx_flow_control(wsi, 1);
    return 0;
}
