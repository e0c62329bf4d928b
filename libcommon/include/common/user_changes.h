#ifndef COMMON_USER_CHANGES_H
#define COMMON_USER_CHANGES_H

/*
 * What people changed, as a service hears of it: the records of user.updated of one kind of change.
 * On the consumer's thread.
 * Source: docs/contracts.md "Topics".
 */

#include "common/kafka_consumer.h"

/* What follows for that person; repeatable. The arena is the batch's. */
typedef enum cc_code (*cc_user_change_apply)(void *app, const char *user_id, struct cc_arena *arena,
                                             struct cc_error *err);

/* For cc_consumer_row's apply. change: as in user.updated; others are passed over, and so is what
 * the service `self` tells itself. Errors: those of apply; the batch comes again. */
CC_MUST_CHECK enum cc_code cc_user_changes_apply(struct cc_batch *batch, const char *change,
                                                 const char *self, cc_user_change_apply apply,
                                                 void *app, struct cc_error *err);

#endif
