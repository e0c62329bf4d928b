#ifndef LOAD_PACE_H
#define LOAD_PACE_H

/*
 * The open loop's clock: message i is due at start + i / rate, whatever became of those before it.
 * Without drift: each due time is counted from the start, not from the one before. Pure.
 */

#include <stddef.h>
#include <stdint.h>

struct pace {
    int64_t start_us; /* monotonic */
    int64_t rate_per_s;
};

/* index < 2^40 */
int64_t pace_due_us(const struct pace *pace, size_t index);

#endif
