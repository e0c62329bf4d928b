/* Argon2id with a bounded number of places; see password_hasher.h. Computes on the callers'
 * threads. Knows nothing of which passwords are good: domain/password.h does. */

#include "password_hasher.h"

#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <argon2.h>
#include <openssl/crypto.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/metrics.h"
#include "domain/password_phc.h"
#include "hash_memory.h"

#define SALT_BYTES     16
#define HASH_BYTES     32
#define LANES          1
#define QUEUE_MAX      64
#define WAIT_S         5
#define RETRY_AFTER_MS 2000

static const struct password_cost minima[] = {
    {47104, 1}, {19456, 2}, {12288, 3}, {9216, 4}, {7168, 5}};

struct password_hasher {
    struct password_cost cost;
    const struct cc_random *random;
    struct hash_memory *memory;
    char nobodys_hash[ACCOUNT_HASH_BYTES];
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

/* libargon2's callbacks have no argument of their own. */
static _Thread_local struct hash_memory *memory_of_call;

static int take_memory(uint8_t **out, size_t bytes)
{
    *out = hash_memory_take(memory_of_call, bytes);
    return *out == NULL ? ARGON2_MEMORY_ALLOCATION_ERROR : ARGON2_OK;
}

static void give_back_memory(uint8_t *memory, size_t bytes)
{
    hash_memory_give_back(memory_of_call, memory, bytes);
}

/* phc: the costs and the salt. */
static int compute(const char *password, const struct password_phc *phc, uint8_t *out)
{
    argon2_context context = {.out = out,
                              .outlen = (uint32_t)phc->hash_count,
                              .pwd = (uint8_t *)(uintptr_t)password, /* not written to */
                              .pwdlen = (uint32_t)strlen(password),
                              .salt = (uint8_t *)(uintptr_t)phc->salt,
                              .saltlen = (uint32_t)phc->salt_count,
                              .t_cost = phc->iterations,
                              .m_cost = phc->memory_kib,
                              .lanes = phc->lanes,
                              .threads = 1,
                              .version = ARGON2_VERSION_NUMBER,
                              .allocate_cbk = take_memory,
                              .free_cbk = give_back_memory,
                              .flags = ARGON2_DEFAULT_FLAGS};

    return argon2_ctx(&context, Argon2_id);
}

static enum cc_code compute_in_turn(struct password_hasher *hasher, const char *password,
                                    const struct password_phc *phc,
                                    uint8_t out[PASSWORD_PHC_MAX_BYTES], struct cc_error *err)
{
    int64_t began_us = cc_mono_us(cc_clock_system());

    CC_TRY(take_place(hasher, err));
    memory_of_call = hasher->memory;
    int result = compute(password, phc, out);
    leave_place(hasher);
    cc_histogram_observe_us(hasher->seconds, cc_mono_us(cc_clock_system()) - began_us);
    if (result != ARGON2_OK)
        return cc_fail_detail(err, CC_INTERNAL, "argon2: %s", argon2_error_message(result));
    return CC_OK;
}

enum cc_code password_hash(struct password_hasher *hasher, const char *password,
                           char out[ACCOUNT_HASH_BYTES], struct cc_error *err)
{
    struct password_phc phc = {.memory_kib = hasher->cost.memory_kib,
                               .iterations = hasher->cost.iterations,
                               .lanes = LANES,
                               .salt_count = SALT_BYTES,
                               .hash_count = HASH_BYTES};

    hasher->random->fill(hasher->random, phc.salt, SALT_BYTES);
    CC_TRY(compute_in_turn(hasher, password, &phc, phc.hash, err));
    if (!password_phc_write(&phc, out, ACCOUNT_HASH_BYTES))
        return cc_fail_detail(err, CC_INTERNAL, "the hash is longer than its place");
    return CC_OK;
}

enum cc_code password_matches(struct password_hasher *hasher, const char *hash,
                              const char *password, bool *out, struct cc_error *err)
{
    uint8_t computed[PASSWORD_PHC_MAX_BYTES];
    struct password_phc phc;

    if (!password_phc_parse(hash != NULL ? hash : hasher->nobodys_hash, &phc))
        return cc_fail_detail(err, CC_INTERNAL, "a stored hash is no Argon2id of version 19");
    CC_TRY(compute_in_turn(hasher, password, &phc, computed, err));
    *out = CRYPTO_memcmp(computed, phc.hash, phc.hash_count) == 0 && hash != NULL;
    return CC_OK;
}

bool password_is_outdated(const struct password_hasher *hasher, const char *hash)
{
    struct password_phc phc;

    return !password_phc_parse(hash, &phc) || phc.memory_kib != hasher->cost.memory_kib ||
           phc.iterations != hasher->cost.iterations || phc.lanes != LANES;
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
    init_lock(hasher);
    hasher->memory = hash_memory_create();
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
    hash_memory_destroy(hasher->memory);
    cc_free(hasher);
}
