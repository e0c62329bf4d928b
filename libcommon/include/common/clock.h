#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

/*
 * Time, injected so that tests can move it. Wall time is epoch milliseconds (UTC) and orders
 * nothing; durations and deadlines use the monotonic clock. RFC 3339 text exists only at the JSON
 * edge, and is made and read here.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cc_clock {
    int64_t (*wall_ms)(const struct cc_clock *clock);
    int64_t (*mono_us)(const struct cc_clock *clock);
};

const struct cc_clock *cc_clock_system(void); /* thread-safe */

static inline int64_t cc_wall_ms(const struct cc_clock *clock)
{
    return clock->wall_ms(clock);
}
static inline int64_t cc_mono_us(const struct cc_clock *clock)
{
    return clock->mono_us(clock);
}
static inline int64_t cc_mono_ms(const struct cc_clock *clock)
{
    return clock->mono_us(clock) / 1000;
}

#define CC_RFC3339_BYTES 25 /* "2026-11-24T23:39:34.123Z" and its NUL */

/* RFC 3339 UTC with milliseconds; years 1970-9999. */
void cc_time_format(int64_t epoch_ms, char out[CC_RFC3339_BYTES]);
/* Reads RFC 3339 with any offset and 0-9 fraction digits; false when malformed. Source: RFC 3339
 * section 5.6. */
bool cc_time_parse(const char *text, size_t length, int64_t *out_epoch_ms);

#endif
