/*
 * One call over the instances of a service. Begins on the caller's thread; every further attempt
 * and the end run on the HTTP client's. A call is on one thread at a time.
 */
#include <stdio.h>
#include <string.h>

#include "common/http_client.h"

#define URL_MAX_BYTES  (16 * 1024)
#define TIME_ENOUGH_MS 1000 /* who answers within this is not slow */
#define STATUS_BROKEN  500  /* and all above */
#define STATUS_BAD_GW  502
#define STATUS_AWAY    503

static void attempt(struct cc_balanced_call *call, int delay_ms);

/* ---- judging ---- */

static enum cc_outcome outcome_of(const struct cc_balanced_call *call, enum cc_code code,
                                  const struct cc_http_answer *answer)
{
    bool was_cut = call->attempt_ms < call->http.timeout_ms && call->attempt_ms < TIME_ENOUGH_MS;

    if (code == CC_OK)
        return answer->status >= STATUS_BROKEN ? CC_OUTCOME_FAILED : CC_OUTCOME_GOOD;
    return was_cut && (code == CC_TIMEOUT || code == CC_OUTCOME_UNKNOWN) ? CC_OUTCOME_NEUTRAL
                                                                         : CC_OUTCOME_FAILED;
}

static int64_t time_left_ms(const struct cc_balanced_call *call)
{
    return call->deadline_mono_ms - cc_mono_ms(call->clock);
}

static bool has_untried(const struct cc_balanced_call *call)
{
    return call->turn.tried != (UINT32_C(1) << cc_targets_count(call->targets)) - 1;
}

/* Not failover: the instance had the request. */
static bool is_worth_a_retry(const struct cc_balanced_call *call, enum cc_code code,
                             const struct cc_http_answer *answer)
{
    bool idempotent = cc_method_is_idempotent(call->http.method);

    if (code == CC_OK && answer->status == STATUS_AWAY) /* with Retry-After: not here again */
        return (idempotent || call->unavailable_is_undone) && has_untried(call);
    if (code == CC_OK)
        return idempotent && answer->status == STATUS_BAD_GW;
    return idempotent && (code == CC_OUTCOME_UNKNOWN || code == CC_UNAVAILABLE);
}

/* The last act: the call's memory may be gone behind it. That the last attempt did nothing says
 * nothing of the ones before. */
static void end(struct cc_balanced_call *call, enum cc_code code,
                const struct cc_http_answer *answer, const struct cc_error *err)
{
    struct cc_targets *targets = call->targets;
    struct cc_error unknown = {0};

    if (call->maybe_done && (code == CC_UNAVAILABLE || code == CC_TIMEOUT)) {
        code = cc_fail_detail(&unknown, CC_OUTCOME_UNKNOWN, "%s", err->detail);
        err = &unknown;
    }
    call->done(call->arg, code, answer, err);
    cc_targets_destroy(targets); /* the call's own reference */
}

static void refuse(struct cc_balanced_call *call, enum cc_code code, const char *reason)
{
    struct cc_error err = {0};
    int64_t wait_ms = cc_targets_wait_ms(call->targets);

    cc_fail_detail(&err, code, "%s %.120s: %s", call->http.method, call->path, reason);
    if (code == CC_UNAVAILABLE)
        cc_fail_retry_after(&err, wait_ms > 1000 ? (int)wait_ms : 1000);
    end(call, code, NULL, &err);
}

/* ---- attempts ---- */

/* True when another attempt is under way. */
static bool try_again(struct cc_balanced_call *call, enum cc_code code,
                      const struct cc_http_answer *answer)
{
    int delay_ms;

    if (code == CC_UNAVAILABLE && has_untried(call) &&
        cc_targets_take(call->targets, NULL, &call->turn)) {
        attempt(call, 0);
        return true;
    }
    delay_ms = cc_retry_delay_ms(call->turn.attempts + 1, cc_random_system());
    if (call->turn.attempts >= CC_RETRY_ATTEMPTS || !is_worth_a_retry(call, code, answer) ||
        time_left_ms(call) <= delay_ms || !cc_targets_take_retry(call->targets))
        return false;
    if (!has_untried(call))
        call->turn.tried = 0;
    if (!cc_targets_take(call->targets, NULL, &call->turn))
        return false;
    attempt(call, delay_ms);
    return true;
}

static void on_answer(void *arg, enum cc_code code, const struct cc_http_answer *answer,
                      const struct cc_error *err)
{
    struct cc_balanced_call *call = arg;

    cc_targets_report(call->targets, &call->turn, outcome_of(call, code, answer),
                      code == CC_UNAVAILABLE);
    cc_targets_release(call->targets, &call->turn);
    call->maybe_done = call->maybe_done || code == CC_OUTCOME_UNKNOWN;
    if (!try_again(call, code, answer))
        end(call, code, answer, err);
}

/* On the instance that the turn has taken. */
static void attempt(struct cc_balanced_call *call, int delay_ms)
{
    char url[URL_MAX_BYTES];
    struct cc_http_call http = call->http;
    int64_t left_ms = time_left_ms(call) - delay_ms;
    int length = snprintf(url, sizeof(url), "%s%s", cc_targets_url(call->targets, call->turn.index),
                          call->path);

    if (http.timeout_ms <= 0 || left_ms < http.timeout_ms)
        http.timeout_ms = (int)left_ms;
    if (left_ms <= 0 || length >= (int)sizeof(url)) {
        cc_targets_report(call->targets, &call->turn, CC_OUTCOME_NEUTRAL, false);
        cc_targets_release(call->targets, &call->turn);
        refuse(call, left_ms <= 0 ? CC_TIMEOUT : CC_INTERNAL, "no time or no room for it");
        return;
    }
    http.url = url;
    http.delay_ms = delay_ms;
    http.sends_deadline = true;
    call->attempt_ms = http.timeout_ms;
    cc_http_send(call->client, &http, on_answer, call);
}

void cc_balanced_start(struct cc_balanced_call *call)
{
    call->turn = (struct cc_target_turn){0};
    call->maybe_done = false;
    cc_targets_ref(call->targets); /* whoever made them may stop before this call has ended */
    cc_targets_count_call(call->targets);
    if (cc_targets_take(call->targets, NULL, &call->turn))
        attempt(call, 0);
    else
        refuse(call, CC_UNAVAILABLE, "no instance may be asked");
}
