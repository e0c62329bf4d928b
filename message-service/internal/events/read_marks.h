#ifndef MESSAGE_EVENTS_READ_MARKS_H
#define MESSAGE_EVENTS_READ_MARKS_H

/* What a batch does to read positions: whoever sends has read up to it, and whoever joins begins
 * there. One mark per person and chat. Pure. */

#include "operation.h"

struct read_mark {
    const char *chat_id, *user_id, *device_id;
    int64_t read_seq;
    int64_t from_seq; /* -1 = not said */
    int64_t at_ms;
};
struct read_marks {
    struct read_mark *items; /* in the arena */
    size_t count;
};
struct read_marks read_marks_of(struct operation *const *operations, size_t count,
                                struct cc_arena *arena);

#endif
