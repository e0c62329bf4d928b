#ifndef MESSAGE_EVENTS_HOUSEKEEP_H
#define MESSAGE_EVENTS_HOUSEKEEP_H

/* The thread that takes out of the stores what is to be kept no longer. */

#include "eraser.h"

struct housekeeper { /* filled by the app */
    struct eraser eraser;
    const struct cc_clock *clock;
    int64_t retention_ms; /* of the log */
    struct cc_ticker *ticker;
};
void housekeeper_start(struct housekeeper *housekeeper, int interval_ms);
/* Waits for a running sweep. Does nothing when it never started. */
void housekeeper_stop(struct housekeeper *housekeeper);

#endif
