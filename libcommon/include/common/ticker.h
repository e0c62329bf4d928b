#ifndef COMMON_TICKER_H
#define COMMON_TICKER_H

/*
 * Work that comes back: a thread of its own calls a function, waits, and calls it again. The time
 * between two calls is measured from the end of one to the beginning of the next, on the monotonic
 * clock.
 */

struct cc_ticker;

/* Calls tick(arg) at once, then every interval_ms (> 0). */
struct cc_ticker *cc_ticker_start(int interval_ms, void (*tick)(void *arg), void *arg);
/* Waits for a running call; none begins after it. Accepts NULL. */
void cc_ticker_stop(struct cc_ticker *ticker);

#endif
