/* Runs the bare hops one after another, each open loop at the rate of the fleet's run: a probe's
 * time counts from when it was due. One thread. */

#include "hops.h"

#include <stdio.h>
#include <time.h>

#include "histogram.h"
#include "load.h"

static const struct hop *const hops[] = {&hop_kafka, &hop_insert_change, &hop_insert_message,
                                         &hop_redis};
enum { HOP_COUNT = sizeof hops / sizeof hops[0] };

static void sleep_until(int64_t at_us)
{
    const struct timespec when = {.tv_sec = at_us / 1000000, .tv_nsec = at_us % 1000000 * 1000};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) != 0)
        ;
}

/* False when one failed. */
static bool probe_for(const struct hop *hop, void *probe, int64_t seconds, int64_t rate_per_s,
                      struct histogram *out)
{
    int64_t start_us = monotonic_us() + 1000;

    for (int64_t i = 0; i < seconds * rate_per_s; i++) {
        int64_t due_us = start_us + i * 1000000 / rate_per_s;
        sleep_until(due_us);
        if (!hop->once(probe))
            return false;
        histogram_record(out, monotonic_us() - due_us);
    }
    return true;
}

static bool measure(const struct hop *hop, const struct load_options *options,
                    struct histogram *out)
{
    static struct histogram dropped;
    void *probe = hop->open(&options->servers);
    bool good = probe != NULL &&
                probe_for(hop, probe, options->warmup_s, options->rate_per_s, &dropped) &&
                probe_for(hop, probe, options->seconds, options->rate_per_s, out);

    if (!good)
        fprintf(stderr, "chat-load: the bare hop %s failed\n", hop->name);
    if (probe != NULL)
        hop->close(probe);
    return good;
}

int run_hops(const struct load_options *options, const struct people *people)
{
    static struct histogram series[HOP_COUNT];
    bool good = true;

    (void)people;
    for (size_t i = 0; i < HOP_COUNT; i++)
        good = measure(hops[i], options, &series[i]) && good;
    putchar('{');
    for (size_t i = 0; i < HOP_COUNT; i++) {
        histogram_print(hops[i]->name, &series[i]);
        putchar(i + 1 < HOP_COUNT ? ',' : '}');
    }
    putchar('\n');
    return good ? 0 : 1;
}

int run_batches(const struct load_options *options, const struct people *people)
{
    double seconds = 0;
    size_t done = hop_insert_batches(&options->servers, (size_t)options->batch,
                                     (size_t)options->wanted, &seconds);

    (void)people;
    printf("{\"messages\":%zu,\"seconds\":%.3f}\n", done, seconds);
    return done > 0 ? 0 : 1;
}
