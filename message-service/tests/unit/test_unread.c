/* What is unread, from read marks and numbers that do not count. Pure functions. */

#include "domain/unread.h"
#include "domain_fixture.h"

static void own_and_system_messages_are_not_unread(void **state)
{
    struct chat_state *chat = *state;
    int64_t below;
    chat->head.seq = 10;
    uncounted_add(&chat->head.uncounted, 4);
    uncounted_add(&chat->head.uncounted, 9);

    assert_int_equal(unread_from_head(&chat->head, 0, &below).count, 8);
    assert_int_equal(unread_from_head(&chat->head, 4, &below).count, 5);
    assert_int_equal(unread_from_head(&chat->head, 9, &below).count, 1);
    assert_int_equal(unread_from_head(&chat->head, 10, &below).count, 0);
    assert_int_equal(unread_from_head(&chat->head, 99, &below).count, 0);
    assert_int_equal(below, 0);
}

static void unread_is_exact_to_999_and_capped_above(void **state)
{
    struct chat_state *chat = *state;
    int64_t below;
    chat->head.seq = 2000;

    struct unread exact = unread_from_head(&chat->head, 1001, &below);
    struct unread capped = unread_from_head(&chat->head, 1000, &below);

    assert_int_equal(exact.count, 999);
    assert_false(exact.capped);
    assert_int_equal(capped.count, 999);
    assert_true(capped.capped);
}

static void what_the_full_list_does_not_reach_must_be_counted(void **state)
{
    struct chat_state *chat = *state;
    int64_t below;
    for (int64_t seq = 501; seq <= 500 + UNCOUNTED_MAX + 20; seq++)
        uncounted_add(&chat->head.uncounted, seq);
    chat->head.seq = 1525; /* 521..1520 are kept as uncounted, 1521..1525 are messages */

    struct unread unread = unread_from_head(&chat->head, 100, &below);

    assert_int_equal(chat->head.uncounted.count, UNCOUNTED_MAX);
    assert_int_equal(unread.count, 5);
    assert_int_equal(below, 520);
    assert_int_equal(unread_from_head(&chat->head, 520, &below).count, 5);
    assert_int_equal(below, 0);
}

static void uncounted_seqs_are_kept_sorted_without_repeats(void **state)
{
    struct chat_state *chat = *state;
    struct uncounted *uncounted = &chat->head.uncounted;
    uncounted_add(uncounted, 7);
    uncounted_add(uncounted, 3);
    uncounted_add(uncounted, 5);
    uncounted_add(uncounted, 5);

    assert_int_equal(uncounted->count, 3);
    assert_int_equal(uncounted->seqs[0], 3);
    assert_int_equal(uncounted->seqs[1], 5);
    assert_int_equal(uncounted->seqs[2], 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, domain_start, domain_finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(own_and_system_messages_are_not_unread),
        TEST(unread_is_exact_to_999_and_capped_above),
        TEST(what_the_full_list_does_not_reach_must_be_counted),
        TEST(uncounted_seqs_are_kept_sorted_without_repeats),
    };

    return cmocka_run_group_tests_name("message unread counts", tests, NULL, NULL);
}
