#ifndef MEDIA_SWEEPER_H
#define MEDIA_SWEEPER_H

/*
 * Takes away what nobody can need any more: uploads that were never completed, files that were
 * never sent, or whose last message was deleted. First the bytes, then what is known of them: who
 * dies in between, or finds the object store away, leaves the look for the next sweep. Any number
 * of processes may sweep.
 */

#include "common/clock.h"
#include "storage/media_store.h"
#include "storage/object_store.h"

#define MEDIA_SWEEP_MAX 200

struct media_sweeper { /* borrowed parts */
    struct media_store *media;
    struct object_store *objects;
    struct media_limits limits;
    const struct cc_clock *clock;
};

/* out_count: files taken away. */
CC_MUST_CHECK enum cc_code media_sweep(const struct media_sweeper *sweeper, size_t *out_count,
                                       struct cc_error *err);

#endif
