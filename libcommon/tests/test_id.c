/* Ids, hashes, base64url. The golden vectors were computed with another implementation of SHA-256
 * and UUIDs; they must never change: clients and stores hold such ids. */

#include "testing.h"

#include <stdlib.h>
#include <string.h>

#include <pthread.h>

#include "common/id.h"

#define SENDER        "0198c5a0-0000-7000-8000-000000000001"
#define CHAT          "0198c5a0-0000-7000-8000-0000000000c1"
#define CLIENT_MSG_ID "0198c5a0-0000-7000-8000-0000000000f1"

static void operation_ids_match_the_golden_vectors(void **state)
{
    (void)state;
    char id[CC_UUID_BYTES];

    cc_op_id(SENDER, CHAT, CLIENT_MSG_ID, id);
    assert_string_equal(id, "28b2da8c-347a-8ed3-99f1-dbad9491c617");
    cc_op_id("system", CHAT, "17", id);
    assert_string_equal(id, "0563296b-7c96-83c1-ac8b-178895af79de");
    cc_uuid_hash(NULL, 0, id);
    assert_string_equal(id, "4bf5122f-3445-84c5-bbde-2ebb8cd2b7e3");
    cc_uuid_hash((const char *[]){"Gr\u00FC\u00DFe", ""}, 2, id);
    assert_string_equal(id, "7daf4eda-c713-85dd-b76b-fe91e0b2d1f9");
}

static void fields_of_a_hash_do_not_run_together(void **state)
{
    (void)state;
    char first[CC_UUID_BYTES], second[CC_UUID_BYTES];

    cc_uuid_hash((const char *[]){"a", "bc"}, 2, first);
    cc_uuid_hash((const char *[]){"ab", "c"}, 2, second);

    assert_string_equal(first, "17c44319-22a0-801e-bb3f-806655f1be53");
    assert_string_equal(second, "756eb0b2-d50c-83a7-9329-fa4410298573");
}

static void new_ids_carry_the_time_and_are_version_7(void **state)
{
    (void)state;
    struct fake_clock fake;
    fake_clock_init(&fake);
    struct cc_ids *ids = cc_ids_create(&fake.clock, cc_random_system());
    char id[CC_UUID_BYTES];

    cc_ids_next(ids, id);

    assert_memory_equal(id, "019b76da-a800-7", 15); /* FAKE_T0_MS in hex */
    assert_non_null(strchr("89ab", id[19]));
    assert_true(cc_uuid_valid(id, strlen(id)));
    cc_ids_destroy(ids);
}

static void ids_ascend_within_a_millisecond_and_while_the_clock_goes_back(void **state)
{
    (void)state;
    struct fake_clock fake;
    fake_clock_init(&fake);
    struct cc_ids *ids = cc_ids_create(&fake.clock, cc_random_system());
    char last[CC_UUID_BYTES] = "", id[CC_UUID_BYTES];

    for (int i = 0; i < 300000; i++) { /* more than the counter holds: the time runs ahead */
        if (i % 1000 == 0)
            fake.wall_ms = FAKE_T0_MS - i;
        cc_ids_next(ids, id);
        assert_true(strcmp(last, id) < 0);
        memcpy(last, id, sizeof last);
    }
    cc_ids_destroy(ids);
}

#define THREADS        4
#define IDS_PER_THREAD 5000

struct batch {
    struct cc_ids *ids;
    char made[IDS_PER_THREAD][CC_UUID_BYTES];
};

static void *make_ids(void *argument)
{
    struct batch *batch = argument;
    for (int i = 0; i < IDS_PER_THREAD; i++)
        cc_ids_next(batch->ids, batch->made[i]);
    return NULL;
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void one_source_serves_many_threads_without_a_repeat(void **state)
{
    (void)state;
    static struct batch batches[THREADS];
    static char all[THREADS * IDS_PER_THREAD][CC_UUID_BYTES];
    struct cc_ids *ids = cc_ids_create(cc_clock_system(), cc_random_system());
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        batches[i].ids = ids;
        pthread_create(&threads[i], NULL, make_ids, &batches[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        memcpy(all[(size_t)i * IDS_PER_THREAD], batches[i].made, sizeof batches[i].made);
    }

    qsort(all, THREADS * IDS_PER_THREAD, CC_UUID_BYTES, compare_ids);

    for (int i = 1; i < THREADS * IDS_PER_THREAD; i++)
        assert_true(strcmp(all[i - 1], all[i]) < 0);
    cc_ids_destroy(ids);
}

static void only_well_formed_uuids_are_valid(void **state)
{
    (void)state;
    char upper[] = "0198C5A0-0000-7000-8000-0000000000F1";
    assert_true(cc_uuid_valid(CLIENT_MSG_ID, 36));
    assert_true(cc_uuid_valid(upper, 36));
    assert_false(cc_uuid_valid(CLIENT_MSG_ID, 35));
    assert_false(cc_uuid_valid("0198c5a0-0000-7000-8000-0000000000g1", 36));
    assert_false(cc_uuid_valid("0198c5a000000-7000-8000-0000000000f1", 36));
    assert_false(cc_uuid_valid("0198c5a-00000-7000-8000-0000000000f1", 36));
    assert_false(cc_uuid_valid("", 0));

    cc_uuid_normalise(upper);
    assert_string_equal(upper, CLIENT_MSG_ID);
}

static void sha256_is_the_standard_one(void **state)
{
    (void)state;
    char hex[65];
    cc_sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void base64url_of_every_length_comes_back(void **state)
{
    (void)state;
    unsigned char bytes[70], back[70];
    char text[100];
    cc_random_system()->fill(cc_random_system(), bytes, sizeof bytes);
    for (size_t count = 0; count <= sizeof bytes; count++) {
        size_t out_count = 999;
        size_t length = cc_base64url_encode(bytes, count, text);

        assert_int_equal(length, strlen(text));
        assert_int_equal(length, (count * 4 + 2) / 3);
        assert_true(cc_base64url_decode(text, length, back, sizeof back, &out_count));
        assert_int_equal(out_count, count);
        assert_memory_equal(back, bytes, count);
    }
    cc_base64url_encode("\xfb\xff", 2, text);
    assert_string_equal(text, "-_8");
}

static void base64url_decoding_is_strict(void **state)
{
    (void)state;
    static const char *const bad[] = {"A", "AA==", "A+AA", "A/AA", "AA A", "AAAAA", "AB", "AAB"};
    unsigned char out[16];
    size_t count;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(cc_base64url_decode(bad[i], strlen(bad[i]), out, sizeof out, &count));
    assert_false(cc_base64url_decode("AAAA", 4, out, 2, &count));
    assert_true(cc_base64url_decode("AAAA", 4, out, 3, &count));
}

static void secrets_differ_and_compare_by_content(void **state)
{
    (void)state;
    char first[44], second[44], copy[44];
    cc_secret_token(cc_random_system(), first);
    cc_secret_token(cc_random_system(), second);
    memcpy(copy, first, sizeof copy);

    assert_int_equal(strlen(first), 43);
    assert_true(cc_secret_equal(first, copy));
    assert_false(cc_secret_equal(first, second));
    assert_false(cc_secret_equal("abc", "abcd"));
}

/* Gives one biased value first, then 7. */
static void scripted_fill(const struct cc_random *random, void *out, size_t count)
{
    (void)random;
    static int calls;
    uint64_t value = calls++ == 0 ? 3 : 17;
    memcpy(out, &value, count);
}

static void random_numbers_below_a_bound_are_not_biased(void **state)
{
    (void)state;
    const struct cc_random scripted = {scripted_fill};
    bool seen[6] = {false};

    assert_int_equal(cc_random_below(&scripted, 10), 7); /* 2^64 mod 10 is 6: 3 is skipped */
    for (int i = 0; i < 1000; i++)
        seen[cc_random_below(cc_random_system(), 6)] = true;
    for (int i = 0; i < 6; i++)
        assert_true(seen[i]);
    assert_int_equal(cc_random_below(cc_random_system(), 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operation_ids_match_the_golden_vectors),
        cmocka_unit_test(fields_of_a_hash_do_not_run_together),
        cmocka_unit_test(new_ids_carry_the_time_and_are_version_7),
        cmocka_unit_test(ids_ascend_within_a_millisecond_and_while_the_clock_goes_back),
        cmocka_unit_test(one_source_serves_many_threads_without_a_repeat),
        cmocka_unit_test(only_well_formed_uuids_are_valid),
        cmocka_unit_test(sha256_is_the_standard_one),
        cmocka_unit_test(base64url_of_every_length_comes_back),
        cmocka_unit_test(base64url_decoding_is_strict),
        cmocka_unit_test(secrets_differ_and_compare_by_content),
        cmocka_unit_test(random_numbers_below_a_bound_are_not_biased),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
