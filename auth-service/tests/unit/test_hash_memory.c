/* Blocks for password hashes: used again at once, given back to the system when nobody hashes. */

#include "testing.h"

#include <string.h>

#include "hash_memory.h"

#define BLOCK_BYTES    ((size_t)8 << 20)
#define OTHER_BYTES    ((size_t)3 << 20) /* less than two huge pages: rounded up */
#define RETURN_LATE_MS (10 * HASH_MEMORY_KEPT_MS)

static int set_up(void **state)
{
    *state = hash_memory_create();
    return 0;
}

static int tear_down(void **state)
{
    hash_memory_destroy(*state);
    return 0;
}

static void a_block_is_used_again(void **state)
{
    struct hash_memory *memory = *state;
    uint8_t *first = hash_memory_take(memory, BLOCK_BYTES);

    assert_non_null(first);
    memset(first, 1, BLOCK_BYTES);
    assert_int_equal(hash_memory_kept_bytes(memory), 0);
    hash_memory_give_back(memory, first, BLOCK_BYTES);
    assert_int_equal(hash_memory_kept_bytes(memory), BLOCK_BYTES);

    assert_ptr_equal(hash_memory_take(memory, BLOCK_BYTES), first);
    uint8_t *second = hash_memory_take(memory, BLOCK_BYTES);
    assert_ptr_not_equal(second, first);
    hash_memory_give_back(memory, first, BLOCK_BYTES);
    hash_memory_give_back(memory, second, BLOCK_BYTES);
    assert_int_equal(hash_memory_kept_bytes(memory), 2 * BLOCK_BYTES);
}

static void a_block_of_another_size_is_left_alone(void **state)
{
    struct hash_memory *memory = *state;
    uint8_t *small = hash_memory_take(memory, OTHER_BYTES);

    memset(small, 1, OTHER_BYTES);
    hash_memory_give_back(memory, small, OTHER_BYTES);
    uint8_t *large = hash_memory_take(memory, BLOCK_BYTES);

    memset(large, 1, BLOCK_BYTES);
    assert_ptr_not_equal(large, small);
    assert_int_equal(hash_memory_kept_bytes(memory), (size_t)4 << 20);
    hash_memory_give_back(memory, large, BLOCK_BYTES);
}

static bool nothing_is_kept(void *memory)
{
    return hash_memory_kept_bytes(memory) == 0;
}

static void what_nobody_uses_goes_back_to_the_system(void **state)
{
    struct hash_memory *memory = *state;
    uint8_t *one = hash_memory_take(memory, BLOCK_BYTES),
            *two = hash_memory_take(memory, BLOCK_BYTES);

    hash_memory_give_back(memory, one, BLOCK_BYTES);
    hash_memory_give_back(memory, two, BLOCK_BYTES);

    test_wait_for(nothing_is_kept, memory, RETURN_LATE_MS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_block_is_used_again),
        TEST(a_block_of_another_size_is_left_alone),
        TEST(what_nobody_uses_goes_back_to_the_system),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
