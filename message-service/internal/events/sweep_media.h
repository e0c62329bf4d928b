#ifndef MESSAGE_EVENTS_SWEEP_MEDIA_H
#define MESSAGE_EVENTS_SWEEP_MEDIA_H

/* The thread that sweeps media. */

#include "media_sweeper.h"

struct media_ticker { /* filled by the app */
    struct media_sweeper sweeper;
    struct cc_ticker *ticker;
};
void media_ticker_start(struct media_ticker *ticker, int interval_ms);
/* Waits for a running sweep. Does nothing when it never started. */
void media_ticker_stop(struct media_ticker *ticker);

#endif
