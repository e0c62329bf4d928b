#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

/* Latency histogram in microseconds with log-linear buckets: 1,024 per power of two, so every
 * figure is exact to 0.1 %. Range 0 to about 19 hours; larger values count as the largest. Not
 * thread-safe. */

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 10
#define HISTOGRAM_BUCKETS  ((1 << HISTOGRAM_SUB_BITS) * 27)

struct histogram {
    uint64_t buckets[HISTOGRAM_BUCKETS];
    uint64_t count;
    int64_t max_us;
};

void histogram_record(struct histogram *histogram, int64_t microseconds); /* negative counts as 0 */
/* Smallest recorded bound that at least `share` (0..1) of the values do not exceed; 0 when empty.
 */
int64_t histogram_quantile_us(const struct histogram *histogram, double share);

/* On stdout: "name":{"count":...,"p50_ms":...,"p99_ms":...,"p999_ms":...,"max_ms":...} */
void histogram_print(const char *name, const struct histogram *histogram);

#endif
