#ifndef WS_BACKLOG_H
#define WS_BACKLOG_H

/* Order of one chat's events: which rev has been delivered, which comes next, and the events that
 * wait until a hole is filled. Pure: no socket, no store. Loop thread. */

#include <stdbool.h>
#include <stdint.h>

#include "common/bus.h"

#include "loop_queue.h"
#include "ws/buffer.h"

#define WS_BACKLOG_MAX 512

struct ws_bus_event { /* as it came through Redis */
    struct ws_item item;
    struct ws_app *app;
    struct ws_bus_event *next; /* in a backlog */
    char channel[64];
    struct cc_bus_message message; /* frame not set: see buffer */
    struct ws_buffer *frame;
};
void ws_bus_event_free(struct ws_bus_event *event);

enum ws_verdict {
    WS_DELIVER, /* the next rev, or an event without one */
    WS_OLD,     /* delivered before, or below the baseline */
    WS_HOLE,    /* something before it is missing */
};
struct ws_backlog {
    int64_t last_rev;
    struct ws_bus_event *first, **end;
    unsigned count;
};
void ws_backlog_init(struct ws_backlog *backlog);
void ws_backlog_finish(struct ws_backlog *backlog);
/* rev 0: no order to keep. Changes nothing. */
enum ws_verdict ws_backlog_judge(const struct ws_backlog *backlog, int64_t rev);
/* Takes the event; the newest is dropped when too many wait (the next comparison of heads finds it
 * missing). */
void ws_backlog_wait(struct ws_backlog *backlog, struct ws_bus_event *event);
void ws_backlog_put_back(struct ws_backlog *backlog, struct ws_bus_event *event); /* to the front */
struct ws_bus_event *ws_backlog_next(struct ws_backlog *backlog); /* NULL = none waits */

#endif
