#ifndef COMMON_BREAKER_H
#define COMMON_BREAKER_H

/*
 * Circuit breaker of one instance of a service. Closed: everything passes. After
 * CC_BREAKER_FAILURES failures in a row it opens: nothing passes, for CC_BREAKER_OPEN_MS, doubled
 * at each failed probe up to CC_BREAKER_OPEN_MAX_MS, with jitter in the upper half. Then one probe
 * passes at a time: its success closes the breaker, its failure opens it again. Outcomes of calls
 * that began before the last change of state are ignored. Plain data, not thread-safe: its owner
 * holds a lock. Source: docs/ARCHITECTURE.md "When a service is slow or away".
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/id.h"

#define CC_BREAKER_FAILURES    5
#define CC_BREAKER_OPEN_MS     500
#define CC_BREAKER_OPEN_MAX_MS 2000
#define CC_BREAKER_PROBE_MS    5000 /* a probe whose end nobody told of is given up */

enum cc_breaker_state { CC_BREAKER_CLOSED, CC_BREAKER_OPEN, CC_BREAKER_HALF_OPEN };
enum cc_outcome {
    CC_OUTCOME_GOOD,
    CC_OUTCOME_FAILED, /* says something about the instance */
    CC_OUTCOME_NEUTRAL /* says nothing: cancelled, or the caller had too little time */
};

struct cc_breaker { /* zeroed = closed */
    enum cc_breaker_state state;
    int failures;
    unsigned generation; /* grows with each change of state */
    int64_t open_ms, until_ms;
    bool probing;
};

/* May a call pass now? out_ticket goes back with its outcome. */
bool cc_breaker_admit(struct cc_breaker *breaker, int64_t now_ms, unsigned *out_ticket);
/* The same question, without taking the probe's place. */
bool cc_breaker_would_admit(const struct cc_breaker *breaker, int64_t now_ms);
/* Exactly once for each admitted call. */
void cc_breaker_report(struct cc_breaker *breaker, unsigned ticket, enum cc_outcome outcome,
                       int64_t now_ms, const struct cc_random *random);
/* The instance says that it is well again: an open breaker lets its probe pass at once. */
void cc_breaker_hint(struct cc_breaker *breaker, int64_t now_ms);
/* 0 unless open; how long until a probe may pass. */
int64_t cc_breaker_wait_ms(const struct cc_breaker *breaker, int64_t now_ms);

#endif
