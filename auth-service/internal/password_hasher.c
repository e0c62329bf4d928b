/* Argon2id with a bounded number of places; see password_hasher.h. Computes on the callers'
 * threads. Knows nothing of which passwords are good: domain/password.h does. */

#include "password_hasher.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <argon2.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/metrics.h"

#define SALT_BYTES     16
#define HASH_BYTES     32
#define QUEUE_MAX      64
#define WAIT_S         5
#define RETRY_AFTER_MS 2000

static const struct password_cost minima[] = {
    {47104, 1}, {19456, 2}, {12288, 3}, {9216, 4}, {7168, 5}};

struct password_hasher {
    struct password_cost cost;
    const struct cc_random *random;
    char nobodys_hash[ACCOUNT_HASH_BYTES];
    char cost_prefix[64]; /* how a PHC string with today's costs begins */
    pthread_mutex_t lock;
    pthread_cond_t free_place;
    int places, running, waiting;
    struct cc_histogram *seconds;
    struct cc_counter *refused;
};

bool password_cost_suffices(struct password_cost cost)
{
    for (size_t i = 0; i < sizeof minima / sizeof *minima; i++)
        if (cost.memory_kib >= minima[i].memory_kib && cost.iterations >= minima[i].iterations)
            return true;
    return false;
}

static enum cc_code refuse(struct password_hasher *hasher, struct cc_error *err)
{
    cc_counter_add(hasher->refused, 1);
    (void)cc_fail(err, CC_UNAVAILABLE, NULL, "Too many log-ins at the moment.");
    return cc_fail_retry_after(err, RETRY_AFTER_MS);
}

static enum cc_code take_place(struct password_hasher *hasher, struct cc_error *err)
{
    struct timespec deadline;
    int waited = 0;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += WAIT_S;
    pthread_mutex_lock(&hasher->lock);
    bool allowed = hasher->running < hasher->places || hasher->waiting < QUEUE_MAX;
    hasher->waiting++;
    while (allowed && hasher->running >= hasher->places && waited == 0)
        waited = pthread_cond_timedwait(&hasher->free_place, &hasher->lock, &deadline);
    hasher->waiting--;
    allowed = allowed && hasher->running < hasher->places;
    if (allowed)
        hasher->running++;
    pthread_mutex_unlock(&hasher->lock);
    return allowed ? CC_OK : refuse(hasher, err);
}

static void leave_place(struct password_hasher *hasher)
{
    pthread_mutex_lock(&hasher->lock);
    hasher->running--;
    pthread_cond_signal(&hasher->free_place);
    pthread_mutex_unlock(&hasher->lock);
}

enum cc_code password_hash(struct password_hasher *hasher, const char *password,
                           char out[ACCOUNT_HASH_BYTES], struct cc_error *err)
{
    unsigned char salt[SALT_BYTES];
    int64_t began_us = cc_mono_us(cc_clock_system());
    hasher->random->fill(hasher->random, salt, sizeof salt);
    CC_TRY(take_place(hasher, err));
    int result = argon2id_hash_encoded(hasher->cost.iterations, hasher->cost.memory_kib, 1,
                                       password, strlen(password), salt, sizeof salt, HASH_BYTES,
                                       out, ACCOUNT_HASH_BYTES);
    leave_place(hasher);
    cc_histogram_observe_us(hasher->seconds, cc_mono_us(cc_clock_system()) - began_us);
    if (result != ARGON2_OK)
        return cc_fail_detail(err, CC_INTERNAL, "argon2: %s", argon2_error_message(result));
    return CC_OK;
}

enum cc_code password_matches(struct password_hasher *hasher, const char *hash,
                              const char *password, bool *out, struct cc_error *err)
{
    int64_t began_us = cc_mono_us(cc_clock_system());
    CC_TRY(take_place(hasher, err));
    int result =
        argon2id_verify(hash != NULL ? hash : hasher->nobodys_hash, password, strlen(password));
    leave_place(hasher);
    cc_histogram_observe_us(hasher->seconds, cc_mono_us(cc_clock_system()) - began_us);
    if (result != ARGON2_OK && result != ARGON2_VERIFY_MISMATCH)
        return cc_fail_detail(err, CC_INTERNAL, "argon2: %s", argon2_error_message(result));
    *out = result == ARGON2_OK && hash != NULL;
    return CC_OK;
}

bool password_is_outdated(const struct password_hasher *hasher, const char *hash)
{
    return strncmp(hash, hasher->cost_prefix, strlen(hasher->cost_prefix)) != 0;
}

static void init_lock(struct password_hasher *hasher)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&hasher->free_place, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&hasher->lock, NULL);
}

enum cc_code password_hasher_create(struct password_cost cost, int places,
                                    const struct cc_random *random, struct password_hasher **out,
                                    struct cc_error *err)
{
    struct password_hasher *hasher = cc_calloc(1, sizeof *hasher);
    char nobodys_password[44];
    hasher->cost = cost;
    hasher->random = random;
    hasher->places = places > 0 ? places : (int)sysconf(_SC_NPROCESSORS_ONLN);
    hasher->seconds = cc_histogram_get("auth_password_hash_seconds",
                                       "Argon2id, waiting for a place included.", NULL);
    hasher->refused = cc_counter_get("auth_password_hash_refused_total",
                                     "Log-ins and registrations refused: queue full.", NULL);
    (void)snprintf(hasher->cost_prefix, sizeof hasher->cost_prefix, "$argon2id$v=%d$m=%u,t=%u,p=1$",
                   ARGON2_VERSION_NUMBER, cost.memory_kib, cost.iterations);
    init_lock(hasher);
    cc_secret_token(random, nobodys_password);
    enum cc_code code = password_hash(hasher, nobodys_password, hasher->nobodys_hash, err);
    if (code != CC_OK) {
        password_hasher_destroy(hasher);
        return code;
    }
    *out = hasher;
    return CC_OK;
}

void password_hasher_destroy(struct password_hasher *hasher)
{
    if (hasher == NULL)
        return;
    pthread_cond_destroy(&hasher->free_place);
    pthread_mutex_destroy(&hasher->lock);
    cc_free(hasher);
}
