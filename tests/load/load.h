#ifndef LOAD_H
#define LOAD_H

/* What the modes of the load tool share: the command line and the clock. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>

#include "hops.h"
#include "people.h"

#define GATEWAYS_MAX 8

struct load_options {
    const char *people_path, *bodies_path;
    const char *samples_path; /* delivery; NULL = none are written */
    const char *finds_path;   /* finds */
    struct sockaddr_in gateways[GATEWAYS_MAX];
    size_t gateway_count;
    int64_t rate_per_s, warmup_s, seconds, grace_s;
    int64_t sockets, connects_per_s; /* idle, fanout, storm */
    struct hop_servers servers;      /* hops, batches */
    int64_t batch, wanted;           /* batches */
    int64_t deaf, body_bytes;        /* fanout: how many do not read; at least, 0 = as found */
};

int64_t monotonic_us(void);

/* Each prints one line "MEASURE BEGIN", later "MEASURE END", then one JSON object; returns the exit
 * code. */
int run_delivery(const struct load_options *options, const struct people *people);
int run_edge(const struct load_options *options, const struct people *people);
int run_fanout(const struct load_options *options, const struct people *people);
int run_idle(const struct load_options *options, const struct people *people);
int run_storm(const struct load_options *options, const struct people *people);
/* These know no people. */
int run_finds(const struct load_options *options, const struct people *people);
int run_hops(const struct load_options *options, const struct people *people);
int run_batches(const struct load_options *options, const struct people *people);

#endif
