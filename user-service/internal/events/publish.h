#ifndef USER_PUBLISH_H
#define USER_PUBLISH_H

/*
 * Tells Kafka what the outbox holds (topic user.updated), on a thread of its own. At least once,
 * those of one person in order, with any number of replicas at work.
 */

#include "common/kafka_producer.h"
#include "storage/user_store.h"

struct user_publisher;

/* store and producer are borrowed. */
struct user_publisher *user_publisher_start(struct user_store *store, struct cc_producer *producer);
void user_publisher_stop(struct user_publisher *publisher); /* joins; accepts NULL */
/* There is something new in the outbox. Thread-safe; accepts NULL. */
void user_publisher_wake(struct user_publisher *publisher);

/* The event of a fact, as JSON in the arena. */
const char *user_event_encode(const struct user_fact *fact, struct cc_arena *arena,
                              size_t *out_count);

#endif
