#ifndef EVENTS_OUTBOX_PUBLISH_H
#define EVENTS_OUTBOX_PUBLISH_H

/* Takes events from the outbox to Kafka, at least once; a thread of its own, woken
 * at each revocation. A repeated event has the same event_id. Thread-safe. */

#include "common/kafka_producer.h"
#include "storage/outbox_store.h"

struct event_publisher;

/* Both borrowed. */
struct event_publisher *event_publisher_start(struct outbox_store *store,
                                              struct cc_producer *producer,
                                              const struct cc_clock *clock);
void event_publisher_wake(struct event_publisher *publisher); /* accepts NULL */
void event_publisher_stop(struct event_publisher *publisher); /* accepts NULL */

#endif
