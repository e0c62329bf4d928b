/* What a consumer stores later: what is kept, what is written, what is forgotten. */

#include "testing.h"

#include <stdio.h>

#include "common/alloc.h"
#include "common/write_behind.h"

struct entry {
    struct cc_pending pending; /* first */
    char key[24];
};
struct behind_fixture {
    struct cc_write_behind *table;
    struct cc_arena *arena;
};

static int freed; /* entries of the running test */

static void free_entry(struct cc_pending *entry)
{
    freed++;
    cc_free(entry);
}

static int start(void **state)
{
    static struct behind_fixture fixture;

    freed = 0;
    fixture = (struct behind_fixture){cc_write_behind_create(free_entry), cc_arena_create(0)};
    *state = &fixture;
    return 0;
}

static int finish(void **state)
{
    struct behind_fixture *f = *state;

    cc_write_behind_destroy(f->table);
    cc_arena_destroy(f->arena);
    return 0;
}

static void add(struct behind_fixture *f, const char *key, int32_t partition, bool unsaved)
{
    struct entry *entry = cc_calloc(1, sizeof *entry);

    snprintf(entry->key, sizeof entry->key, "%s", key);
    entry->pending = (struct cc_pending){entry->key, partition, unsaved};
    cc_write_behind_add(f->table, &entry->pending);
}

static size_t unsaved(struct behind_fixture *f)
{
    size_t count;

    (void)cc_write_behind_unsaved(f->table, f->arena, &count);
    return count;
}

static void only_what_changed_is_written_and_once(void **state)
{
    struct behind_fixture *f = *state;
    size_t count;
    add(f, "changed", 0, true);
    add(f, "known", 0, false);

    struct cc_pending **rows = cc_write_behind_unsaved(f->table, f->arena, &count);
    assert_int_equal(count, 1);
    assert_string_equal(rows[0]->key, "changed");
    cc_write_behind_saved(f->table);

    assert_int_equal(unsaved(f), 0);
    assert_non_null(cc_write_behind_get(f->table, "changed"));
}

static void a_partition_takes_its_entries_along_saved_or_not(void **state)
{
    struct behind_fixture *f = *state;
    add(f, "ours", 1, true);
    add(f, "theirs", 2, true);

    cc_write_behind_forget_partition(f->table, 2);

    assert_null(cc_write_behind_get(f->table, "theirs"));
    assert_non_null(cc_write_behind_get(f->table, "ours"));
    assert_int_equal(unsaved(f), 1);
    assert_int_equal(freed, 1);
}

static void of_too_many_what_is_unsaved_stays(void **state)
{
    struct behind_fixture *f = *state;
    add(f, "changed", 0, true);
    add(f, "known", 0, false);

    cc_write_behind_trim(f->table, 2);
    assert_int_equal(freed, 0);
    cc_write_behind_trim(f->table, 1);

    assert_int_equal(freed, 1);
    assert_non_null(cc_write_behind_get(f->table, "changed"));
    assert_null(cc_write_behind_get(f->table, "known"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_what_changed_is_written_and_once),
        TEST(a_partition_takes_its_entries_along_saved_or_not),
        TEST(of_too_many_what_is_unsaved_stays),
    };

    return cmocka_run_group_tests_name("write-behind", tests, NULL, NULL);
}
