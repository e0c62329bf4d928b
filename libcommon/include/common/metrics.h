#ifndef COMMON_METRICS_H
#define COMMON_METRICS_H

/*
 * Prometheus metrics (text format 0.0.4). A metric is registered once, by name and a fixed list of
 * label names; a series is looked up once and kept; updates are lock-free atomics. Names: base
 * units, _total / _seconds / _bytes. Registration and look-up abort on a programming error (same
 * name, other type). Thread-safe.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/strbuf.h"

struct cc_counter;
struct cc_gauge;
struct cc_histogram;

/* labels: "name=value" pairs as alternating key, value, ended by NULL. Same arguments give the same
 * series. */
struct cc_counter *cc_counter_get(const char *name, const char *help, ...)
    __attribute__((sentinel));
struct cc_gauge *cc_gauge_get(const char *name, const char *help, ...) __attribute__((sentinel));
/* Buckets in seconds: 0.5 ms to 10 s, about 1-2.5-5 a decade. */
struct cc_histogram *cc_histogram_get(const char *name, const char *help, ...)
    __attribute__((sentinel));

void cc_counter_add(struct cc_counter *counter, uint64_t amount);
void cc_gauge_set(struct cc_gauge *gauge, int64_t value);
void cc_gauge_add(struct cc_gauge *gauge, int64_t delta);
void cc_histogram_observe_us(struct cc_histogram *histogram, int64_t microseconds);
uint64_t cc_counter_value(const struct cc_counter *counter);
int64_t cc_gauge_value(const struct cc_gauge *gauge);

/* All metrics of the process, process_* and build_info included. */
void cc_metrics_render(struct cc_strbuf *out);

#endif
