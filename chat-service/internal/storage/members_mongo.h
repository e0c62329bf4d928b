#ifndef CHAT_STORAGE_MEMBERS_MONGO_H
#define CHAT_STORAGE_MEMBERS_MONGO_H

/* The memberships that a change makes, part of the store in MongoDB. loan: of their collection.
 * What is as new as the change stays; repeatable. */

#include "common/mongo_pool.h"
#include "domain/change.h"

/* The members that the change names, at least one. */
CC_MUST_CHECK enum cc_code chat_members_put(struct cc_mongo_loan *loan,
                                            const struct chat_change *change, struct cc_error *err);
/* As chat_store_ops.end_members. */
CC_MUST_CHECK enum cc_code chat_members_end(struct cc_mongo_loan *loan, const struct chat *chat,
                                            int64_t budget_ms, struct cc_error *err);

#endif
