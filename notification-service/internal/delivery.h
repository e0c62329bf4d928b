#ifndef NOTIFICATION_DELIVERY_H
#define NOTIFICATION_DELIVERY_H

/* Telling people, by every channel there is. */

#include "storage/notification_store.h"

/* Sends each notification by each channel, then logs what was done. Channels are idempotent by
 * notification_id, so a batch that comes again tells nobody twice. */
CC_MUST_CHECK enum cc_code notification_deliver(struct notification_store *store,
                                                const struct notification *notifications,
                                                size_t count, int64_t now_ms,
                                                struct cc_arena *arena, struct cc_error *err);

/* Logs that it came too late, for every channel. */
CC_MUST_CHECK enum cc_code notification_cancel(struct notification_store *store,
                                               const struct notification *notifications,
                                               size_t count, int64_t now_ms, struct cc_arena *arena,
                                               struct cc_error *err);

#endif
