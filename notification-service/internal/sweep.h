#ifndef NOTIFICATION_SWEEP_H
#define NOTIFICATION_SWEEP_H

/* Throws away the weeks that are past NOTIFICATION_WEEKS_KEPT: at start, then every hour. Harmless
 * when several replicas do it. One thread. */

#include "common/clock.h"
#include "storage/notification_store.h"

struct notification_sweeper;
struct notification_sweeper *
notification_sweeper_start(struct notification_store *store,
                           const struct cc_clock *clock);             /* borrowed */
void notification_sweeper_stop(struct notification_sweeper *sweeper); /* accepts NULL; joins */

/* One round, on the caller's thread. */
enum cc_code notification_sweep(struct notification_store *store, int64_t now_ms,
                                struct cc_error *err);

#endif
