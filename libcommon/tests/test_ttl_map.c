/* What is remembered until a time, how much of it, and what gives way. */

#include <string.h>

#include "testing.h"

#include "../src/ttl_map.h"
#include "common/alloc.h"

#define MAX 3

struct word {
    struct cc_ttl_entry entry;
    char key[8];
    int number;
};

static int set_up(void **state)
{
    *state = cc_ttl_map_create(MAX);
    return 0;
}

static int tear_down(void **state)
{
    cc_ttl_map_destroy(*state);
    return 0;
}

static bool add(struct cc_ttl_map *map, const char *key, int number, int64_t until_ms,
                int64_t now_ms)
{
    struct word *word = cc_calloc(1, sizeof(*word));

    memcpy(word->key, key, strlen(key));
    word->number = number;
    word->entry.key = word->key;
    word->entry.until_ms = until_ms;
    return cc_ttl_map_add(map, &word->entry, now_ms);
}

static int number_of(const struct cc_ttl_map *map, const char *key)
{
    const struct word *word = cc_ttl_map_get(map, key);

    return word == NULL ? 0 : word->number;
}

static void what_was_added_is_found(void **state)
{
    struct cc_ttl_map *map = *state;

    assert_false(add(map, "a", 1, 100, 0));
    assert_false(add(map, "b", 2, 100, 0));
    assert_int_equal(number_of(map, "a"), 1);
    assert_int_equal(number_of(map, "b"), 2);
    assert_int_equal(number_of(map, "c"), 0);
}

static void what_has_expired_goes_when_something_comes(void **state)
{
    struct cc_ttl_map *map = *state;

    add(map, "a", 1, 100, 0);
    add(map, "b", 2, 101, 0);
    assert_false(add(map, "c", 3, 200, 100));
    assert_int_equal(number_of(map, "a"), 0);
    assert_int_equal(number_of(map, "b"), 2);
    assert_false(add(map, "d", 4, 200, 101)); /* the places of both are free again */
    assert_false(add(map, "e", 5, 200, 101));
    assert_int_equal(number_of(map, "c"), 3);
}

static void the_oldest_gives_way_and_that_is_said(void **state)
{
    struct cc_ttl_map *map = *state;

    add(map, "a", 1, 100, 0);
    add(map, "b", 2, 100, 0);
    assert_false(add(map, "c", 3, 100, 0));
    assert_true(add(map, "d", 4, 100, 0));
    assert_int_equal(number_of(map, "a"), 0);
    assert_int_equal(number_of(map, "b"), 2);
    assert_int_equal(number_of(map, "d"), 4);
}

static void a_time_that_was_moved_counts(void **state)
{
    struct cc_ttl_map *map = *state;
    struct word *word;

    add(map, "a", 1, 100, 0);
    word = cc_ttl_map_get(map, "a");
    word->entry.until_ms = 300;
    add(map, "b", 2, 300, 200);
    assert_int_equal(number_of(map, "a"), 1);
}

static void the_newer_of_one_key_outlives_the_older(void **state)
{
    struct cc_ttl_map *map = *state;

    add(map, "a", 1, 100, 0);
    add(map, "a", 2, 200, 0);
    assert_int_equal(number_of(map, "a"), 2);
    add(map, "b", 3, 200, 100); /* the older one goes */
    assert_int_equal(number_of(map, "a"), 2);
    add(map, "c", 4, 300, 200);
    assert_int_equal(number_of(map, "a"), 0);
}

static void nothing_is_left_when_it_was_cleared(void **state)
{
    struct cc_ttl_map *map = *state;

    cc_ttl_map_clear(map);
    add(map, "a", 1, 100, 0);
    cc_ttl_map_clear(map);
    assert_int_equal(number_of(map, "a"), 0);
    for (int i = 0; i < MAX; i++)
        assert_false(add(map, "b", i, 100, 0));
    assert_true(add(map, "c", 4, 100, 0));
}

#define ttl_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ttl_test(what_was_added_is_found),
        ttl_test(what_has_expired_goes_when_something_comes),
        ttl_test(the_oldest_gives_way_and_that_is_said),
        ttl_test(a_time_that_was_moved_counts),
        ttl_test(the_newer_of_one_key_outlives_the_older),
        ttl_test(nothing_is_left_when_it_was_cleared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
