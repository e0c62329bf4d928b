#ifndef CHATS_CHANGES_H
#define CHATS_CHANGES_H

/* A page of a chat's log, as message-service's /internal/chats/{id}/changes gives it, and the
 * client frames that are made of it. Loop thread. */

#include <stdint.h>

#include "common/arena.h"
#include "common/error.h"
#include "common/events/message_created.h"

#include "jobs.h"
#include "ws/buffer.h"

#define WS_CHANGES_LIMIT 100

struct ws_change {
    int64_t rev, seq;
    enum cc_op op;
    const char *message_json; /* the public message, compact */
};
struct ws_changes {
    struct ws_change *items; /* rev ascending, contiguous */
    size_t count;
    int64_t head_rev;
    bool more;
};

/* Asks for the changes after a rev; `call` as for ws_call_send. */
void ws_changes_ask(struct ws_app *app, struct ws_call *call, const char *chat_id,
                    int64_t after_rev, int limit);
/* Everything read lives in the arena. CC_BAD_GATEWAY: unreadable. */
CC_MUST_CHECK enum cc_code ws_changes_read(struct cc_arena *arena, const char *body, size_t count,
                                           struct ws_changes *out, struct cc_error *err);

/* The live frame of a change, one encoding for all its receivers. occurred_at_ms is when it was
 * stored, 0 = not known: receivers measure the delivery by it. */
struct cc_strbuf;
void ws_message_frame_write(struct cc_strbuf *out, enum cc_op op, const char *chat_id, int64_t seq,
                            int64_t rev, int64_t occurred_at_ms, const char *message_json,
                            size_t message_count);
/* Reads back the time that ws_message_frame_write put at the frame's start; 0 = none. */
int64_t ws_message_frame_occurred_at(const char *frame, size_t count);
struct ws_buffer *ws_change_frame(const struct ws_change *change, const char *chat_id);

#endif
