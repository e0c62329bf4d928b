/* Argon2id behind places. */

#include "testing.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <argon2.h>

#include "settings.h"

#define THREADS 80 /* more than one place and a queue of 64 hold */

static const struct password_cost cheap = {.memory_kib = 8192, .iterations = 1};

static struct password_hasher *make_hasher(struct password_cost cost)
{
    struct password_hasher *hasher = NULL;
    struct cc_error err = {0};
    assert_int_equal(password_hasher_create(cost, 1, cc_random_system(), &hasher, &err), CC_OK);
    return hasher;
}

static long default_of(const char *key)
{
    for (const struct cc_setting *setting = auth_settings_table; setting->key != NULL; setting++)
        if (strcmp(setting->key, key) == 0)
            return strtol(setting->fallback, NULL, 10);
    fail_msg("no setting %s", key);
    return 0;
}

static void a_password_matches_its_own_hash_only(void **state)
{
    struct password_hasher *hasher = make_hasher(cheap);
    char hash[ACCOUNT_HASH_BYTES], again[ACCOUNT_HASH_BYTES];
    struct cc_error err = {0};
    bool matches;
    (void)state;

    assert_int_equal(password_hash(hasher, "engines of 1843", hash, &err), CC_OK);
    assert_int_equal(password_hash(hasher, "engines of 1843", again, &err), CC_OK);

    assert_string_not_equal(hash, again); /* salted */
    assert_int_equal(password_matches(hasher, hash, "engines of 1843", &matches, &err), CC_OK);
    assert_true(matches);
    assert_int_equal(password_matches(hasher, hash, "engines of 1844", &matches, &err), CC_OK);
    assert_false(matches);
    assert_int_equal(password_matches(hasher, NULL, "engines of 1843", &matches, &err), CC_OK);
    assert_false(matches);
    password_hasher_destroy(hasher);
}

static void a_hash_of_other_costs_is_outdated_and_still_matches(void **state)
{
    struct password_hasher *hasher = make_hasher(cheap),
                           *dearer = make_hasher((struct password_cost){9000, 2});
    char hash[ACCOUNT_HASH_BYTES];
    struct cc_error err = {0};
    bool matches;
    (void)state;
    assert_int_equal(password_hash(hasher, "engines of 1843", hash, &err), CC_OK);

    assert_false(password_is_outdated(hasher, hash));
    assert_true(password_is_outdated(dearer, hash));
    assert_int_equal(password_matches(dearer, hash, "engines of 1843", &matches, &err), CC_OK);
    assert_true(matches);
    password_hasher_destroy(hasher);
    password_hasher_destroy(dearer);
}

/* Made by libargon2 itself: argon2id_hash_encoded with one pass, 8 MiB, the salt "saltsaltsaltsalt"
 * and 32 bytes. */
static void hashes_of_other_programs_match(void **state)
{
    static const char foreign[] = "$argon2id$v=19$m=8192,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$H2i/HuJf/"
                                  "Oo6Fb+J2jb03YylDsyj2PU723aqFNpSncM";
    struct password_hasher *hasher = make_hasher(cheap);
    struct cc_error err = {0};
    bool matches;
    (void)state;

    assert_int_equal(password_matches(hasher, foreign, "engines of 1843", &matches, &err), CC_OK);
    assert_true(matches);
    assert_int_equal(password_matches(hasher, foreign, "engines of 1844", &matches, &err), CC_OK);
    assert_false(matches);
    password_hasher_destroy(hasher);
}

static void what_this_service_writes_libargon2_verifies(void **state)
{
    struct password_hasher *hasher = make_hasher(cheap);
    char hash[ACCOUNT_HASH_BYTES];
    struct cc_error err = {0};
    (void)state;

    assert_int_equal(password_hash(hasher, "engines of 1843", hash, &err), CC_OK);

    assert_int_equal(argon2id_verify(hash, "engines of 1843", 15), ARGON2_OK);
    assert_int_equal(argon2id_verify(hash, "engines of 1844", 15), ARGON2_VERIFY_MISMATCH);
    password_hasher_destroy(hasher);
}

static void a_stored_text_that_is_no_hash_is_an_error_and_no_match(void **state)
{
    static const char *const texts[] = {
        "",
        "$argon2i$v=19$m=8192,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        "$argon2id$v=16$m=8192,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        "$argon2id$v=19$m=+8192,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        "$argon2id$v=19$m=8192,t=01,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        "$argon2id$v=19$m=8192,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g=",
        "$argon2id$v=19$m=8192,t=1,p=1$c2FsdHNhbHQ$",
        "$argon2id$v=19$m=8192,t=1,p=1$c2FsdHNhbHQ",
        "$argon2id$v=19$m=8192,t=1,p=1$c$aGFzaGhhc2g",
    };
    struct password_hasher *hasher = make_hasher(cheap);
    (void)state;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct cc_error err = {0};
        bool matches = false;
        assert_int_equal(password_matches(hasher, texts[i], "engines of 1843", &matches, &err),
                         CC_INTERNAL);
        assert_false(matches);
    }
    password_hasher_destroy(hasher);
}

/* R20: what is stored says so itself. */
static void the_default_costs_are_owasps_minimum(void **state)
{
    const struct password_cost usual = {.memory_kib = (uint32_t)default_of("argon2_memory_kib"),
                                        .iterations = (uint32_t)default_of("argon2_iterations")};
    struct password_hasher *hasher = make_hasher(usual);
    char hash[ACCOUNT_HASH_BYTES];
    struct cc_error err = {0};
    (void)state;
    assert_int_equal(password_hash(hasher, "engines of 1843", hash, &err), CC_OK);

    assert_true(password_cost_suffices(usual));
    assert_memory_equal(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31);
    password_hasher_destroy(hasher);
}

static void costs_below_the_minimum_do_not_suffice(void **state)
{
    static const struct password_cost good[] = {{47104, 1}, {19456, 2}, {19456, 3},   {12288, 3},
                                                {9216, 4},  {7168, 5},  {1048576, 20}},
                                      bad[] = {{47103, 1}, {19455, 2}, {12287, 3}, {9215, 4},
                                               {7167, 5},  {7167, 20}, {0, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(password_cost_suffices(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(password_cost_suffices(bad[i]));
}

struct crowd {
    struct password_hasher *hasher;
    atomic_int served, refused;
};

static void *hash_once(void *arg)
{
    struct crowd *crowd = arg;
    char hash[ACCOUNT_HASH_BYTES];
    struct cc_error err = {0};
    enum cc_code code = password_hash(crowd->hasher, "engines of 1843", hash, &err);
    if (code == CC_OK)
        atomic_fetch_add(&crowd->served, 1);
    else if (code == CC_UNAVAILABLE && err.retry_after_ms > 0)
        atomic_fetch_add(&crowd->refused, 1);
    return NULL;
}

static void a_crowd_is_served_or_refused_with_advice(void **state)
{
    struct crowd crowd = {.hasher = make_hasher((struct password_cost){65536, 3})};
    pthread_t threads[THREADS];
    (void)state;

    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, hash_once, &crowd);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);

    assert_int_equal(crowd.served + crowd.refused, THREADS);
    assert_true(crowd.served >= 1);
    assert_true(crowd.refused >= 1);
    password_hasher_destroy(crowd.hasher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_matches_its_own_hash_only),
        cmocka_unit_test(a_hash_of_other_costs_is_outdated_and_still_matches),
        cmocka_unit_test(hashes_of_other_programs_match),
        cmocka_unit_test(what_this_service_writes_libargon2_verifies),
        cmocka_unit_test(a_stored_text_that_is_no_hash_is_an_error_and_no_match),
        cmocka_unit_test(the_default_costs_are_owasps_minimum),
        cmocka_unit_test(costs_below_the_minimum_do_not_suffice),
        cmocka_unit_test(a_crowd_is_served_or_refused_with_advice),
    };
    return cmocka_run_group_tests_name("password hashes", tests, NULL, NULL);
}
