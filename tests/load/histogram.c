/* See histogram.h. Values below 2^10 have a bucket each; above, the top ten bits choose one. */

#include "histogram.h"

#include <stdio.h>

enum { SUB_COUNT = 1 << HISTOGRAM_SUB_BITS };

static unsigned bucket_of(uint64_t value)
{
    if (value < SUB_COUNT)
        return (unsigned)value;
    unsigned exponent = 63U - (unsigned)__builtin_clzll(value) - (HISTOGRAM_SUB_BITS - 1);
    unsigned bucket = exponent * (SUB_COUNT / 2) + (unsigned)(value >> exponent);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static uint64_t upper_bound_of(unsigned bucket)
{
    if (bucket < SUB_COUNT)
        return bucket;
    unsigned exponent = (bucket - SUB_COUNT / 2) / (SUB_COUNT / 2);
    uint64_t top = bucket - exponent * (SUB_COUNT / 2);
    return ((top + 1) << exponent) - 1;
}

void histogram_record(struct histogram *histogram, int64_t microseconds)
{
    uint64_t value = microseconds > 0 ? (uint64_t)microseconds : 0;
    histogram->buckets[bucket_of(value)]++;
    histogram->count++;
    if (microseconds > histogram->max_us)
        histogram->max_us = microseconds;
}

int64_t histogram_quantile_us(const struct histogram *histogram, double share)
{
    uint64_t needed = (uint64_t)(share * (double)histogram->count + 0.999999);
    uint64_t seen = 0;
    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        seen += histogram->buckets[bucket];
        if (seen >= needed && seen > 0) {
            int64_t bound = (int64_t)upper_bound_of(bucket);
            return bound < histogram->max_us ? bound : histogram->max_us;
        }
    }
    return 0;
}

static double quantile_ms(const struct histogram *histogram, double share)
{
    return (double)histogram_quantile_us(histogram, share) / 1000;
}

void histogram_print(const char *name, const struct histogram *histogram)
{
    printf("\"%s\":{\"count\":%llu,\"p50_ms\":%.3f,\"p95_ms\":%.3f,\"p99_ms\":%.3f,"
           "\"p999_ms\":%.3f,\"max_ms\":%.3f}",
           name, (unsigned long long)histogram->count, quantile_ms(histogram, 0.5),
           quantile_ms(histogram, 0.95), quantile_ms(histogram, 0.99),
           quantile_ms(histogram, 0.999), (double)histogram->max_us / 1000);
}
