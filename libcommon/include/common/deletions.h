#ifndef COMMON_DELETIONS_H
#define COMMON_DELETIONS_H

/*
 * Accounts that are deleted, as a service hears of them: records of user.updated whose change is
 * `deleted`. On the consumer's thread.
 * Source: docs/contracts.md "Deleting an account".
 */

#include "common/user_changes.h"

/* Erases what the service keeps of that person; repeatable. The arena is the batch's. */
typedef cc_user_change_apply cc_bury;

/* For cc_consumer_row's apply. self: the service's name; what it tells itself is passed over.
 * Errors: those of bury; the batch comes again. */
CC_MUST_CHECK enum cc_code cc_deletions_apply(struct cc_batch *batch, const char *self,
                                              cc_bury bury, void *app, struct cc_error *err);

#endif
