/* The state machine of a circuit breaker. Pure; runs under its owner's lock. */

#include "common/breaker.h"

static void change_state(struct cc_breaker *breaker, enum cc_breaker_state state)
{
    breaker->state = state;
    breaker->generation++;
    breaker->failures = 0;
    breaker->probing = false;
}

static void trip(struct cc_breaker *breaker, int64_t now_ms, const struct cc_random *random)
{
    int64_t doubled = breaker->open_ms * 2;

    if (breaker->state == CC_BREAKER_CLOSED)
        breaker->open_ms = CC_BREAKER_OPEN_MS;
    else
        breaker->open_ms = doubled < CC_BREAKER_OPEN_MAX_MS ? doubled : CC_BREAKER_OPEN_MAX_MS;
    /* Many callers must not come back in the same moment. */
    breaker->until_ms = now_ms + breaker->open_ms / 2 +
                        (int64_t)cc_random_below(random, (uint64_t)breaker->open_ms / 2 + 1);
    change_state(breaker, CC_BREAKER_OPEN);
}

bool cc_breaker_would_admit(const struct cc_breaker *breaker, int64_t now_ms)
{
    switch (breaker->state) {
    case CC_BREAKER_OPEN:
        return now_ms >= breaker->until_ms;
    case CC_BREAKER_HALF_OPEN:
        return !breaker->probing || now_ms >= breaker->until_ms;
    case CC_BREAKER_CLOSED:
        break;
    }
    return true;
}

bool cc_breaker_admit(struct cc_breaker *breaker, int64_t now_ms, unsigned *out_ticket)
{
    if (!cc_breaker_would_admit(breaker, now_ms))
        return false;
    if (breaker->state != CC_BREAKER_CLOSED) {
        change_state(breaker, CC_BREAKER_HALF_OPEN);
        breaker->probing = true;
        breaker->until_ms = now_ms + CC_BREAKER_PROBE_MS;
    }
    *out_ticket = breaker->generation;
    return true;
}

void cc_breaker_report(struct cc_breaker *breaker, unsigned ticket, enum cc_outcome outcome,
                       int64_t now_ms, const struct cc_random *random)
{
    if (ticket != breaker->generation)
        return;
    switch (outcome) {
    case CC_OUTCOME_GOOD:
        breaker->failures = 0;
        if (breaker->state != CC_BREAKER_CLOSED)
            change_state(breaker, CC_BREAKER_CLOSED);
        break;
    case CC_OUTCOME_FAILED:
        breaker->failures++;
        if (breaker->state == CC_BREAKER_HALF_OPEN || breaker->failures >= CC_BREAKER_FAILURES)
            trip(breaker, now_ms, random);
        break;
    case CC_OUTCOME_NEUTRAL:
        breaker->probing = false;
        break;
    }
}

void cc_breaker_hint(struct cc_breaker *breaker, int64_t now_ms)
{
    if (breaker->state == CC_BREAKER_OPEN && breaker->until_ms > now_ms)
        breaker->until_ms = now_ms;
}

int64_t cc_breaker_wait_ms(const struct cc_breaker *breaker, int64_t now_ms)
{
    return breaker->state == CC_BREAKER_CLOSED || breaker->until_ms <= now_ms
               ? 0
               : breaker->until_ms - now_ms;
}
