#ifndef USER_CONSUME_DELETED_H
#define USER_CONSUME_DELETED_H

/* user.updated: an account that auth-service has deleted leaves a tombstone here. What this service
 * itself tells on that topic is passed over. */

#include "common/kafka_consumer.h"

extern const struct cc_consumer_row user_deleted_row;

/* Idempotent: who is buried stays so, and is told of once. app: struct user_app. */
enum cc_code user_consume_deleted(void *app, struct cc_batch *batch, struct cc_error *err);

#endif
