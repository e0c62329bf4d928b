#ifndef WAITERS_H
#define WAITERS_H

/*
 * Requests that wait for the outcome of what they produced. Each has an id, which travels as the
 * origin's conn_id; the answer comes as a frame on node:{this node}. A frame may be lost: a waiter
 * looks for itself at the times it likes. Thread-safe.
 */

#include "common/clock.h"
#include "common/id.h"
#include "outcome_frame.h"

struct waiters;
struct waiter;

struct waiters *waiters_create(const struct cc_clock *clock, struct cc_ids *ids);
void waiters_destroy(struct waiters *waiters); /* nobody waits any more; accepts NULL */

struct waiter *waiter_start(struct waiters *waiters);
void waiter_finish(struct waiters *waiters, struct waiter *waiter);
const char *waiter_id(const struct waiter *waiter);
/* Blocks until its answer is there or the time has come; false then. */
bool waiter_wait(struct waiters *waiters, struct waiter *waiter, int64_t until_mono_ms,
                 struct outcome_seen *out);

/* A payload from the node's channel. Does not block. */
void waiters_deliver(struct waiters *waiters, const char *payload, size_t length);

#endif
