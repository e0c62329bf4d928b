#ifndef COMMON_DEADLINE_H
#define COMMON_DEADLINE_H

/*
 * How much time a request has left, carried from hop to hop. The header names what is left, in
 * milliseconds, when it is sent: no clocks are compared. A server shortens a request's deadline by
 * it; the thread that runs the handler carries the deadline, and calls to peers made meanwhile
 * never last longer. Source: docs/contracts.md "Headers between daemons".
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"

#define CC_DEADLINE_HEADER    "X-Request-Timeout-Ms"
#define CC_DEADLINE_MAX_MS    600000
#define CC_DEADLINE_TEXT_SIZE 12

/* Digits alone, 1 to CC_DEADLINE_MAX_MS; false for anything else, NULL included. */
bool cc_deadline_parse(const char *text, int64_t *out_ms);

/* The calling thread works for a request that ends at `at_mono_ms`, until cc_deadline_leave. The
 * clock is borrowed until then. */
void cc_deadline_enter(const struct cc_clock *clock, int64_t at_mono_ms);
void cc_deadline_leave(void);
/* timeout_ms, or what the calling thread's request has left when that is less; 0 = its time is
 * over. */
int cc_deadline_cap_ms(int timeout_ms);

#endif
