#ifndef COMMON_HTTP_TARGETS_H
#define COMMON_HTTP_TARGETS_H

/*
 * The instances of one service as its callers see them: which to ask next, and whether to ask at
 * all. Preferred is the ready instance with the fewest calls under way; one that could not be
 * reached is left out for a second, one whose circuit breaker is open is not asked. A budget keeps
 * retries below a tenth of the calls. Thread-safe; nothing here blocks or does I/O.
 */

#include "common/breaker.h"
#include "common/clock.h"
#include "common/config.h"

#define CC_TARGETS_MAX        16
#define CC_RETRY_ATTEMPTS     3  /* the first one included */
#define CC_RETRY_BASE_MS      25 /* full jitter: a random wait below 25, 50, ... ms */
#define CC_RETRY_DELAY_MAX_MS 250
#define CC_RETRY_RESERVE      10 /* retries that a quiet service may have at once */
#define CC_TARGET_LEFT_OUT_MS 1000

struct cc_targets;
/* name: "peer" of the metrics. URLs, name and clock: the first two are copied, the clock is
 * borrowed. More than CC_TARGETS_MAX URLs: the rest is not used. */
struct cc_targets *cc_targets_create(const char *name, const struct cc_setting_list *urls,
                                     const struct cc_clock *clock);
/* Counted references: create gives the first one, destroy gives one back. Accepts NULL. */
struct cc_targets *cc_targets_ref(struct cc_targets *targets);
void cc_targets_destroy(struct cc_targets *targets);
size_t cc_targets_count(const struct cc_targets *targets);
const char *cc_targets_url(const struct cc_targets *targets, size_t index);

/* One call's way through the instances; zeroed at its begin. */
struct cc_target_turn {
    uint32_t tried;  /* bit set: asked already */
    size_t index;    /* the one to ask now */
    unsigned ticket; /* of its breaker */
    bool taken;
    int attempts; /* how many were asked */
};
/* Chooses the next instance not asked yet and counts a call under way on it. key: NULL, or a text
 * for which always the same instance is preferred (rendezvous). False when none is left that may be
 * asked. */
bool cc_targets_take(struct cc_targets *targets, const char *key, struct cc_target_turn *turn);
/* The outcome of the call on the taken instance; unreachable: leave it out for a second. The
 * instance stays counted until cc_targets_release. */
void cc_targets_report(struct cc_targets *targets, struct cc_target_turn *turn,
                       enum cc_outcome outcome, bool unreachable);
void cc_targets_release(struct cc_targets *targets, struct cc_target_turn *turn);

/* What /readyz of an instance says; an instance is ready until told otherwise. */
void cc_targets_set_ready(struct cc_targets *targets, size_t index, bool ready);
/* Calls under way on one instance. */
int64_t cc_targets_outstanding(struct cc_targets *targets, size_t index);
/* Until a breaker lets a probe pass; 0 when some instance may be asked now. */
int64_t cc_targets_wait_ms(struct cc_targets *targets);

/* A first attempt puts a tenth of a retry into the budget ... */
void cc_targets_count_call(struct cc_targets *targets);
/* ... and a retry takes a whole one; false when there is none left. */
bool cc_targets_take_retry(struct cc_targets *targets);
/* Wait before attempt number `attempt` (2 = first retry), random from 0 to its bound. */
int cc_retry_delay_ms(int attempt, const struct cc_random *random);
/* GET, HEAD, OPTIONS, PUT, DELETE. Source: RFC 9110 section 9.2.2. */
bool cc_method_is_idempotent(const char *method);

#endif
