#ifndef SWEEPER_H
#define SWEEPER_H

/*
 * Deletes what has expired: an ordinary operation (delete, by "system") for each such message,
 * whose op_id follows from the message, so that it is done once however many processes sweep. What
 * has become a tombstone is forgotten. Not thread-safe: one thread sweeps.
 */

#include "common/clock.h"
#include "common/hash_map.h"
#include "storage/message_store.h"

#define SWEEP_MAX 500 /* messages of one sweep */

struct sweeper { /* filled by the app (or a test); sweeper_init before, sweeper_finish after */
    struct message_store *store;
    const struct cc_clock *clock;
    /* Hands operations to the pipeline; all acknowledged, or none counts. Their envelope is the
     * port's to fill. */
    enum cc_code (*produce)(void *arg, struct ev_message_created *operations, size_t count,
                            struct cc_arena *arena, struct cc_error *err);
    void *arg;
    struct cc_hash_map *asked; /* message_id to when; not asked again for a while */
};
void sweeper_init(struct sweeper *sweeper);
void sweeper_finish(struct sweeper *sweeper);

/* One sweep. out_count: deletions asked for. Errors: those of the store and the port; the next
 * sweep does what this one left. */
CC_MUST_CHECK enum cc_code sweeper_sweep(struct sweeper *sweeper, size_t *out_count,
                                         struct cc_error *err);

#endif
