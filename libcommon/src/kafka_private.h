#ifndef KAFKA_PRIVATE_H
#define KAFKA_PRIVATE_H

/* Shared by the Kafka files and their tests: configuration, error translation, the raw handle. */

#include <librdkafka/rdkafka.h>

#include "common/error.h"
#include "common/kafka_producer.h"
#include "common/log.h"

struct kafka_setting { /* name NULL ends a table */
    const char *name, *value;
};

/* A configuration with what producer, consumer and admin client have in common, then `settings`.
 * NULL with *err filled for an unknown name or a bad value (brokers included). */
rd_kafka_conf_t *kafka_conf_create(const char *brokers, const char *client_id,
                                   const struct kafka_setting *settings, struct cc_error *err);

/* rd_kafka_new; owns conf in either case. */
enum cc_code kafka_open(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **out,
                        struct cc_error *err);

/* The library's error as ours; `what` says what was tried. */
enum cc_code kafka_fail(rd_kafka_resp_err_t error, const char *what, struct cc_error *err);

/* How loud an error callback is: what the library has logged by itself is not said twice. */
enum cc_log_level kafka_error_level(int error);

/* Tests only: the handle in use now, to provoke a fatal error. */
rd_kafka_t *cc_producer_handle(struct cc_producer *producer);

#endif
