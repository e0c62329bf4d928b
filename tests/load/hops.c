/* Runs the bare hops one after another, each open loop at the rate of the fleet's run: a probe's
 * time counts from when it was due. There is one probe at a time, so a hop that takes longer than
 * the rate allows waits for itself: how late probes began is printed beside it, and a hop that is
 * behind is no reference. One thread. */

#include "hops.h"

#include <stdio.h>
#include <time.h>

#include "histogram.h"
#include "load.h"
#include "pace.h"

static const struct hop *const hops[] = {&hop_kafka, &hop_insert_change, &hop_insert_message,
                                         &hop_redis};
enum { HOP_COUNT = sizeof hops / sizeof hops[0] };

static void sleep_until(int64_t at_us)
{
    const struct timespec when = {.tv_sec = at_us / 1000000, .tv_nsec = at_us % 1000000 * 1000};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) != 0)
        ;
}

struct hop_series {
    struct histogram took, late; /* both from when the probe was due */
};

/* False when one failed. */
static bool probe_for(const struct hop *hop, void *probe, int64_t seconds, int64_t rate_per_s,
                      struct hop_series *out)
{
    struct pace pace = {.start_us = monotonic_us() + 1000, .rate_per_s = rate_per_s};

    for (size_t i = 0; i < (size_t)(seconds * rate_per_s); i++) {
        int64_t due_us = pace_due_us(&pace, i);
        sleep_until(due_us);
        histogram_record(&out->late, monotonic_us() - due_us);
        if (!hop->once(probe))
            return false;
        histogram_record(&out->took, monotonic_us() - due_us);
    }
    return true;
}

static bool measure(const struct hop *hop, const struct load_options *options,
                    struct hop_series *out)
{
    static struct hop_series dropped;
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
    static struct hop_series series[HOP_COUNT];
    bool good = true;
    char late[64];

    (void)people;
    puts("MEASURE BEGIN");
    fflush(stdout);
    for (size_t i = 0; i < HOP_COUNT; i++)
        good = measure(hops[i], options, &series[i]) && good;
    puts("MEASURE END");
    fflush(stdout);
    putchar('{');
    for (size_t i = 0; i < HOP_COUNT; i++) {
        histogram_print(hops[i]->name, &series[i].took);
        putchar(',');
        snprintf(late, sizeof late, "%s_late", hops[i]->name);
        histogram_print(late, &series[i].late);
        putchar(i + 1 < HOP_COUNT ? ',' : '}');
    }
    putchar('\n');
    return good ? 0 : 1;
}

int run_batches(const struct load_options *options, const struct people *people)
{
    double seconds = 0;

    puts("MEASURE BEGIN");
    fflush(stdout);
    size_t done = hop_insert_batches(&options->servers, (size_t)options->batch,
                                     (size_t)options->wanted, &seconds);
    puts("MEASURE END");
    fflush(stdout);

    (void)people;
    printf("{\"messages\":%zu,\"seconds\":%.3f}\n", done, seconds);
    return done > 0 ? 0 : 1;
}
