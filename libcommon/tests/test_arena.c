/* Region allocator: alignment, growth, re-use. */

#include "testing.h"

#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#include "common/arena.h"

static int set_up(void **state)
{
    *state = cc_arena_create(64);
    return 0;
}

static int tear_down(void **state)
{
    cc_arena_destroy(*state);
    return 0;
}

static void every_allocation_is_aligned_for_any_type(void **state)
{
    for (size_t size = 0; size < 100; size++) {
        void *memory = cc_arena_alloc(*state, size);

        assert_int_equal((uintptr_t)memory % alignof(max_align_t), 0);
    }
}

static void objects_keep_their_content_while_blocks_are_added(void **state)
{
    enum { COUNT = 500 };
    char *texts[COUNT];
    for (int i = 0; i < COUNT; i++)
        texts[i] = cc_arena_printf(*state, "text number %d", i);

    for (int i = 0; i < COUNT; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "text number %d", i);
        assert_string_equal(texts[i], expected);
    }
}

static void an_object_larger_than_any_block_fits(void **state)
{
    enum { SIZE = 3 * 1024 * 1024 };
    unsigned char *memory = cc_arena_calloc(*state, SIZE, 1);

    assert_int_equal(memory[0], 0);
    assert_int_equal(memory[SIZE - 1], 0);
    assert_true(cc_arena_used_bytes(*state) >= SIZE);
}

static void reset_forgets_everything_and_uses_the_first_block_again(void **state)
{
    void *first = cc_arena_alloc(*state, 16);
    cc_arena_alloc(*state, 5000);

    cc_arena_reset(*state);

    assert_int_equal(cc_arena_used_bytes(*state), 0);
    assert_ptr_equal(cc_arena_alloc(*state, 16), first);
}

static void calloc_zeroes_memory_that_was_used_before(void **state)
{
    memset(cc_arena_alloc(*state, 48), 0xAA, 48);
    cc_arena_reset(*state);

    const char *memory = cc_arena_calloc(*state, 1, 48);

    for (int i = 0; i < 48; i++)
        assert_int_equal(memory[i], 0);
}

static void strdup_of_null_is_null_and_strndup_ends_its_copy(void **state)
{
    assert_null(cc_arena_strdup(*state, NULL));
    assert_string_equal(cc_arena_strdup(*state, "whole"), "whole");
    assert_string_equal(cc_arena_strndup(*state, "partly", 4), "part");
}

static void printf_takes_texts_of_any_length(void **state)
{
    char *text = cc_arena_printf(*state, "%05000d|", 7);

    assert_int_equal(strlen(text), 5001);
    assert_string_equal(text + 4999, "7|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_allocation_is_aligned_for_any_type, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(objects_keep_their_content_while_blocks_are_added, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_object_larger_than_any_block_fits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reset_forgets_everything_and_uses_the_first_block_again,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(calloc_zeroes_memory_that_was_used_before, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(strdup_of_null_is_null_and_strndup_ends_its_copy, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(printf_takes_texts_of_any_length, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
