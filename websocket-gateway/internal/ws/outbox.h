#ifndef WS_OUTBOX_H
#define WS_OUTBOX_H

/* What one connection has still to be sent: references to shared frames, bounded in number and
 * bytes. Typing, presence and receipts give way before anything else does. Loop thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ws/buffer.h"

struct ws_outbox_entry;
struct ws_outbox {
    struct ws_outbox_entry *first, *last;
    uint32_t frames, bytes;
};
struct ws_outbox_limits {
    uint32_t frames, bytes;
};
enum ws_weight { WS_MUST_ARRIVE, WS_MAY_BE_DROPPED };
enum ws_outbox_result {
    WS_OUTBOX_TAKEN,
    WS_OUTBOX_DROPPED, /* a frame that may be dropped was */
    WS_OUTBOX_FULL,    /* too slow a reader: nothing was taken */
};

/* Takes a reference of its own. */
enum ws_outbox_result ws_outbox_push(struct ws_outbox *outbox,
                                     const struct ws_outbox_limits *limits,
                                     struct ws_buffer *buffer, enum ws_weight weight);
/* The oldest frame, with its reference; NULL when there is none. */
struct ws_buffer *ws_outbox_pop(struct ws_outbox *outbox);
/* Moves everything of `from` behind `to`, whatever the limits. */
void ws_outbox_join(struct ws_outbox *to, struct ws_outbox *from);
void ws_outbox_clear(struct ws_outbox *outbox);

#endif
