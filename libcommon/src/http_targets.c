/*
 * Choice of an instance: state of each under one lock, held for the scan of at most sixteen. Any
 * thread. Speaks to nobody: callers report what happened.
 */
#include "common/http_targets.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "common/alloc.h"
#include "common/metrics.h"

#define RETRY_SHARE_PERCENT 10

struct target {
    char *url;
    struct cc_breaker breaker;
    int64_t outstanding;
    int64_t left_out_until_ms;
    bool not_ready;
    struct cc_gauge *open_gauge;
};

struct cc_targets {
    const struct cc_clock *clock;
    _Atomic int references;
    pthread_mutex_t lock; /* everything below */
    struct target all[CC_TARGETS_MAX];
    size_t count, next;
    int budget_percent; /* hundredths of a retry */
    struct cc_counter *opened_counter, *refused_counter, *retries_counter, *denied_counter;
};

struct cc_targets *cc_targets_create(const char *name, const struct cc_setting_list *urls,
                                     const struct cc_clock *clock)
{
    struct cc_targets *targets = cc_calloc(1, sizeof(*targets));

    targets->clock = clock;
    atomic_init(&targets->references, 1);
    targets->budget_percent = CC_RETRY_RESERVE * 100;
    pthread_mutex_init(&targets->lock, NULL);
    for (size_t i = 0; i < urls->count && i < CC_TARGETS_MAX; i++) {
        targets->all[i].url = cc_strdup(urls->items[i]);
        targets->all[i].open_gauge =
            cc_gauge_get("http_client_breaker_open", "1 while an instance is not asked", "peer",
                         name, "instance", urls->items[i], NULL);
        targets->count++;
    }
    targets->opened_counter = cc_counter_get("http_client_breaker_opened_total",
                                             "Circuit breakers opened", "peer", name, NULL);
    targets->refused_counter =
        cc_counter_get("http_client_refused_total",
                       "Calls refused because no instance may be asked", "peer", name, NULL);
    targets->retries_counter = cc_counter_get("http_client_retries_total",
                                              "Calls repeated after a failure", "peer", name, NULL);
    targets->denied_counter =
        cc_counter_get("http_client_retries_denied_total",
                       "Calls not repeated because the budget was spent", "peer", name, NULL);
    return targets;
}

struct cc_targets *cc_targets_ref(struct cc_targets *targets)
{
    atomic_fetch_add(&targets->references, 1);
    return targets;
}

void cc_targets_destroy(struct cc_targets *targets)
{
    if (targets == NULL || atomic_fetch_sub(&targets->references, 1) > 1)
        return;
    for (size_t i = 0; i < targets->count; i++) {
        cc_gauge_set(targets->all[i].open_gauge, 0);
        cc_free(targets->all[i].url);
    }
    pthread_mutex_destroy(&targets->lock);
    cc_free(targets);
}

size_t cc_targets_count(const struct cc_targets *targets)
{
    return targets->count;
}

const char *cc_targets_url(const struct cc_targets *targets, size_t index)
{
    return targets->all[index].url;
}

/* ---- choosing ---- */

/* FNV-1a over key and URL, mixed at the end. */
static uint64_t score(const char *key, const char *url)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (const char *p = key; *p != '\0'; p++)
        hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
    for (const char *p = url; *p != '\0'; p++)
        hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
    hash ^= hash >> 33;
    hash *= UINT64_C(0xff51afd7ed558ccd);
    return hash ^ hash >> 33;
}

/* 0 is best: ready and reachable, as far as is known. */
static int rank(const struct target *target, int64_t now_ms)
{
    return (target->not_ready ? 2 : 0) + (target->left_out_until_ms > now_ms ? 1 : 0);
}

static bool is_better(const struct target *one, const struct target *best, const char *key,
                      int64_t now_ms)
{
    int one_rank = rank(one, now_ms), best_rank = rank(best, now_ms);

    if (one_rank != best_rank)
        return one_rank < best_rank;
    if (key != NULL)
        return score(key, one->url) > score(key, best->url);
    return one->outstanding < best->outstanding;
}

/* The lock is held. */
static struct target *choose(struct cc_targets *targets, const char *key, uint32_t tried,
                             int64_t now_ms)
{
    struct target *best = NULL;

    for (size_t i = 0; i < targets->count; i++) {
        size_t index = (targets->next + i) % targets->count; /* takes turns among equals */
        struct target *one = &targets->all[index];

        if ((tried & UINT32_C(1) << index) != 0 || !cc_breaker_would_admit(&one->breaker, now_ms))
            continue;
        if (best == NULL || is_better(one, best, key, now_ms))
            best = one;
    }
    return best;
}

bool cc_targets_take(struct cc_targets *targets, const char *key, struct cc_target_turn *turn)
{
    int64_t now_ms = cc_mono_ms(targets->clock);
    struct target *chosen;

    pthread_mutex_lock(&targets->lock);
    chosen = choose(targets, key, turn->tried, now_ms);
    if (chosen != NULL && cc_breaker_admit(&chosen->breaker, now_ms, &turn->ticket)) {
        turn->index = (size_t)(chosen - targets->all);
        turn->tried |= UINT32_C(1) << turn->index;
        turn->taken = true;
        turn->attempts++;
        chosen->outstanding++;
        targets->next = turn->index + 1;
    }
    pthread_mutex_unlock(&targets->lock);
    if (chosen == NULL && turn->attempts == 0)
        cc_counter_add(targets->refused_counter, 1);
    return chosen != NULL;
}

void cc_targets_report(struct cc_targets *targets, struct cc_target_turn *turn,
                       enum cc_outcome outcome, bool unreachable)
{
    struct target *target = &targets->all[turn->index];
    int64_t now_ms = cc_mono_ms(targets->clock);
    enum cc_breaker_state before, after;

    pthread_mutex_lock(&targets->lock);
    before = target->breaker.state;
    cc_breaker_report(&target->breaker, turn->ticket, outcome, now_ms, cc_random_system());
    after = target->breaker.state;
    if (unreachable)
        target->left_out_until_ms = now_ms + CC_TARGET_LEFT_OUT_MS;
    else if (outcome == CC_OUTCOME_GOOD)
        target->left_out_until_ms = 0;
    pthread_mutex_unlock(&targets->lock);
    if (after == CC_BREAKER_OPEN && before != CC_BREAKER_OPEN)
        cc_counter_add(targets->opened_counter, 1);
    if (after != before)
        cc_gauge_set(target->open_gauge, after == CC_BREAKER_CLOSED ? 0 : 1);
}

void cc_targets_release(struct cc_targets *targets, struct cc_target_turn *turn)
{
    if (!turn->taken)
        return;
    pthread_mutex_lock(&targets->lock);
    targets->all[turn->index].outstanding--;
    pthread_mutex_unlock(&targets->lock);
    turn->taken = false;
}

/* ---- what is known of them ---- */

void cc_targets_set_ready(struct cc_targets *targets, size_t index, bool ready)
{
    struct target *target = &targets->all[index];

    pthread_mutex_lock(&targets->lock);
    if (ready && target->not_ready) { /* it has come back: asked again without delay */
        target->left_out_until_ms = 0;
        cc_breaker_hint(&target->breaker, cc_mono_ms(targets->clock));
    }
    target->not_ready = !ready;
    pthread_mutex_unlock(&targets->lock);
}

int64_t cc_targets_outstanding(struct cc_targets *targets, size_t index)
{
    int64_t outstanding;

    pthread_mutex_lock(&targets->lock);
    outstanding = targets->all[index].outstanding;
    pthread_mutex_unlock(&targets->lock);
    return outstanding;
}

int64_t cc_targets_wait_ms(struct cc_targets *targets)
{
    int64_t now_ms = cc_mono_ms(targets->clock), shortest_ms = INT64_MAX;

    pthread_mutex_lock(&targets->lock);
    for (size_t i = 0; i < targets->count; i++) {
        int64_t wait_ms = cc_breaker_wait_ms(&targets->all[i].breaker, now_ms);

        if (wait_ms < shortest_ms)
            shortest_ms = wait_ms;
    }
    pthread_mutex_unlock(&targets->lock);
    return targets->count > 0 ? shortest_ms : 0;
}

/* ---- retries ---- */

void cc_targets_count_call(struct cc_targets *targets)
{
    pthread_mutex_lock(&targets->lock);
    if (targets->budget_percent < CC_RETRY_RESERVE * 100)
        targets->budget_percent += RETRY_SHARE_PERCENT;
    pthread_mutex_unlock(&targets->lock);
}

bool cc_targets_take_retry(struct cc_targets *targets)
{
    bool granted;

    pthread_mutex_lock(&targets->lock);
    granted = targets->budget_percent >= 100;
    if (granted)
        targets->budget_percent -= 100;
    pthread_mutex_unlock(&targets->lock);
    cc_counter_add(granted ? targets->retries_counter : targets->denied_counter, 1);
    return granted;
}

int cc_retry_delay_ms(int attempt, const struct cc_random *random)
{
    int64_t bound_ms = CC_RETRY_BASE_MS;

    for (int i = 2; i < attempt && bound_ms < CC_RETRY_DELAY_MAX_MS; i++)
        bound_ms *= 2;
    if (bound_ms > CC_RETRY_DELAY_MAX_MS)
        bound_ms = CC_RETRY_DELAY_MAX_MS;
    return (int)cc_random_below(random, (uint64_t)bound_ms + 1);
}

bool cc_method_is_idempotent(const char *method)
{
    static const char *const names[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(method, names[i]) == 0)
            return true;
    return false;
}
