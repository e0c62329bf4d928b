/* The hash map against a plain array, over insertions, replacements and removals. */

#include "testing.h"

#include <stdio.h>
#include <string.h>

#include "common/hash_map.h"

#define KEYS 3000

struct entry {
    char key[24];
    bool present;
};

static struct entry *make_entries(void)
{
    static struct entry entries[KEYS];
    for (int i = 0; i < KEYS; i++) {
        snprintf(entries[i].key, sizeof entries[i].key, "chat:%d", i);
        entries[i].present = false;
    }
    return entries;
}

static void must_agree(const struct cc_hash_map *map, struct entry *entries)
{
    size_t count = 0;
    for (int i = 0; i < KEYS; i++) {
        void *wanted = entries[i].present ? &entries[i] : NULL;
        assert_ptr_equal(cc_hash_map_get(map, entries[i].key), wanted);
        count += entries[i].present;
    }
    assert_int_equal(cc_hash_map_count(map), count);
}

static void every_entry_is_found_after_any_mix_of_changes(void **state)
{
    (void)state;
    struct entry *entries = make_entries();
    struct cc_hash_map *map = cc_hash_map_create();
    unsigned choice = 12345;

    for (int i = 0; i < 30 * KEYS; i++) {
        choice = choice * 1103515245u + 12345u;
        struct entry *entry = &entries[(choice >> 8) % KEYS];
        void *expected = entry->present ? entry : NULL;
        bool put = (choice >> 24) % 3 != 0;
        void *before =
            put ? cc_hash_map_put(map, entry->key, entry) : cc_hash_map_remove(map, entry->key);
        assert_ptr_equal(before, expected);
        entry->present = put;
    }

    must_agree(map, entries);
    cc_hash_map_destroy(map);
}

static void every_value_is_visited_once(void **state)
{
    (void)state;
    struct entry *entries = make_entries();
    struct cc_hash_map *map = cc_hash_map_create();
    size_t at = 0, visited = 0;
    void *value;
    for (int i = 0; i < 100; i++)
        cc_hash_map_put(map, entries[i].key, &entries[i]);

    while (cc_hash_map_next(map, &at, &value)) {
        struct entry *entry = value;
        assert_false(entry->present);
        entry->present = true;
        visited++;
    }

    assert_int_equal(visited, 100);
    cc_hash_map_destroy(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_entry_is_found_after_any_mix_of_changes),
        cmocka_unit_test(every_value_is_visited_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
