#ifndef COMMON_MONGO_BULK_H
#define COMMON_MONGO_BULK_H

/* Many documents in few round trips. Any thread; each call may block as long as the driver's
 * timeouts. */

#include "common/mongo_pool.h"

/* Stores each row (with its `_id`) unless the document that is there has the same `counter`, an
 * integer member of every row, or a higher one. Each document has one writer at a time; may be
 * repeated. Errors: as cc_mongo_fail; some of the rows may be stored then. */
CC_MUST_CHECK enum cc_code cc_mongo_put_newer(struct cc_mongo_loan *loan, const char *counter,
                                              bson_t *const *rows, size_t count,
                                              struct cc_error *err);

/* Whether all that went wrong with an unordered write is that rows were there already; reply: the
 * driver's. */
bool cc_mongo_only_duplicates(const bson_t *reply);

#endif
