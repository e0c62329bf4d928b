#ifndef TESTING_BUS_LISTENER_H
#define TESTING_BUS_LISTENER_H

/* Hears what is published on channels of a real Redis (common/bus.h), and keeps it in the order in
 * which it came. */

#include <stddef.h>

#include "common/bus.h"
#include "common/topics.h"

#define HEARD_FRAME_BYTES 1024

struct heard {
    char channel[CC_REDIS_NAME_BYTES];
    enum cc_bus_kind kind;
    int64_t rev, seq, member_version;
    char frame[HEARD_FRAME_BYTES]; /* NUL-terminated, cut off where it is longer */
};
struct bus_listener;

/* Returns when the server has confirmed every channel; the test fails when it does not. At most
 * 256 messages are kept. */
struct bus_listener *bus_listener_start(const char *redis_url, const char *const *channels,
                                        size_t count);
void bus_listener_stop(struct bus_listener *listener); /* accepts NULL */

/* How many of a kind came so far by one channel (NULL = by any) whose frame holds a text. */
size_t bus_listener_count(struct bus_listener *listener, enum cc_bus_kind kind, const char *channel,
                          const char *text);
/* Waits for the n-th of them (from 1) and copies it; the test fails after 10 s. */
struct heard bus_listener_expect(struct bus_listener *listener, size_t n, enum cc_bus_kind kind,
                                 const char *channel, const char *text);

#endif
