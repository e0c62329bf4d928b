#ifndef COMMON_EVENTS_CHANGE_FRAME_H
#define COMMON_EVENTS_CHANGE_FRAME_H

/*
 * The live frame of a change: what every socket in a chat is sent when its log has grown by one
 * rev, and what a page of the log is told in. Encoded once for all its receivers, by whoever
 * publishes it. Pure functions, any thread.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/bus.h"
#include "common/events/message_persisted.h"

struct cc_change {
    int64_t rev, seq; /* seq 0 = the change is about no message, or it is not known */
    enum cc_op op;
    const char *message_json;    /* the public message, compact; NULL = not for this person */
    struct cc_reaction reaction; /* what op react did */
};

/* occurred_at_ms is when it was stored, 0 = not known: receivers measure the delivery by it. */
void cc_change_frame_write(struct cc_strbuf *out, const struct cc_change *change,
                           const char *chat_id, int64_t occurred_at_ms);
/* `message` and `reaction` of the change, where they are, into the open object. */
void cc_change_write(struct cc_json_writer *json, const struct cc_change *change);
/* Reads back the time that cc_change_frame_write put at the frame's start; 0 = none. */
int64_t cc_change_frame_occurred_at(const char *frame, size_t count);

/* What goes out on the chat's channel for an event that was not rejected. The frame is appended to
 * `frame` and borrowed from there. */
struct cc_bus_message cc_change_publication(const struct ev_message_persisted *event,
                                            struct cc_strbuf *frame);

#endif
