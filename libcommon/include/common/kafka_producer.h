#ifndef COMMON_KAFKA_PRODUCER_H
#define COMMON_KAFKA_PRODUCER_H

/*
 * Idempotent producer (acks=all, linger 0, settings and reasons in docs/ARCHITECTURE.md "Kafka").
 * An acknowledgement comes only from the delivery report. After a fatal error the producer is
 * re-created and what was in flight fails as CC_OUTCOME_UNKNOWN.
 */

#include <stdint.h>

#include "common/error.h"
#include "common/trace.h"

struct cc_producer;

struct cc_produce {
    const char *topic;
    const char *key;
    const void *payload; /* copied */
    size_t payload_count;
    const char *type;             /* record header "type"; NULL = none */
    int version;                  /* record header "version" */
    const struct cc_trace *trace; /* header traceparent; NULL = none */
    const char *reason;           /* header "reason", for dead letters; NULL = none */
};
/* code: CC_OK stored by the broker; CC_UNAVAILABLE / CC_TIMEOUT / CC_OUTCOME_UNKNOWN otherwise. On
 * the producer's poll thread; must not block. */
typedef void (*cc_produced)(void *arg, enum cc_code code, const struct cc_error *err);

CC_MUST_CHECK enum cc_code cc_producer_create(const char *brokers, const char *client_id,
                                              struct cc_producer **out, struct cc_error *err);
/* Flushes up to timeout_ms, then fails the rest. */
void cc_producer_destroy(struct cc_producer *producer, int timeout_ms);
enum cc_code cc_producer_probe(void *producer, struct cc_error *err);

/* Enqueues; done (may be NULL) runs exactly once when this returned CC_OK, never otherwise.
 * Errors: CC_UNAVAILABLE with retry_after_ms when the queue is full. Thread-safe. */
CC_MUST_CHECK enum cc_code cc_produce(struct cc_producer *producer, const struct cc_produce *record,
                                      cc_produced done, void *arg, struct cc_error *err);
/* Produces all and waits for every report; the first failure is returned. For consumer threads. */
CC_MUST_CHECK enum cc_code cc_produce_all(struct cc_producer *producer,
                                          const struct cc_produce *records, size_t count,
                                          struct cc_error *err);
/* Share of the queue in use, 0..100: at 80 a gateway stops reading its sockets. */
int cc_producer_queue_percent(const struct cc_producer *producer);

/* Creates missing topics (idempotent; used by --migrate). retention_ms <= 0 = broker default. Waits
 * for a late broker. */
struct cc_topic {
    const char *name;
    int partitions;
    int64_t retention_ms;
};
CC_MUST_CHECK enum cc_code cc_topics_create(const char *brokers, const struct cc_topic *topics,
                                            size_t count, int replication, struct cc_error *err);

#endif
