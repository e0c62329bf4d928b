#ifndef MESSAGE_EVENTS_EXPIRE_H
#define MESSAGE_EVENTS_EXPIRE_H

/* The sweeper's thread, and its way into message.created. */

#include "common/id.h"
#include "common/kafka_producer.h"
#include "sweeper.h"

struct expirer {            /* filled by the app (or a test) */
    struct sweeper sweeper; /* store and clock are filled */
    struct cc_producer *producer;
    struct cc_ids *ids;
    const char *created_topic;
    struct cc_ticker *ticker;
};
void expirer_start(struct expirer *expirer, int interval_ms);
/* Waits for a running sweep. Does nothing when it never started. */
void expirer_stop(struct expirer *expirer);

#endif
