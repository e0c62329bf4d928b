#ifndef OUTCOME_FRAME_H
#define OUTCOME_FRAME_H

/*
 * The frames that one connection (or a waiting REST request) gets as its answer, over node:{node}:
 * {"t":"persisted"|"rejected",...} for an operation, {"re":...,"ok":...} for a read. Written by the
 * owner and the message.read consumer, read by the waiters of this service; a websocket-gateway
 * passes them on as they are. Pure. Source: docs/asyncapi, protocol "persisted", "rejected".
 */

#include "common/bus.h"
#include "common/json_writer.h"
#include "domain/unread.h"
#include "operation.h"

#define OUTCOME_FRAME_MAX_BYTES 4096

void outcome_frame_operation(struct cc_strbuf *out, const struct operation *operation);

struct read_answer {
    const char *frame_id; /* the asker's frame id as text; "" = none */
    const char *chat_id;
    int64_t read_seq, head_seq;
    int64_t head_rev; /* as of which the rest is true; in no frame, gateways count on from there */
    struct unread unread;
};
void outcome_frame_read(struct cc_strbuf *out, const struct read_answer *answer);
/* The same counts for the person's other devices: {"t":"unread",...}. */
void outcome_frame_unread(struct cc_strbuf *out, const struct read_answer *counts);
void outcome_frame_read_error(struct cc_strbuf *out, const char *frame_id,
                              const struct cc_error *err);

/* What a waiter of this service needs of either frame. */
struct outcome_seen {
    bool refused;
    enum cc_code code; /* when refused */
    int64_t read_seq, head_seq, unread;
    bool capped;
    int64_t mentions;
};
/* False when it isn't such a frame. */
bool outcome_frame_parse(const char *frame, size_t count, struct outcome_seen *out);

#endif
