/* The owner's batch against a store in memory: order, repeats, refusals, other owners, and every
 * crash point: a step that fails before or after its effect, then the same batch again. */

#include <string.h>

#include "owner_fixture.h"
#include "testing.h"

/* Order */

static void operations_are_numbered_in_offset_order_per_chat(void **state)
{
    struct owner_fixture *f = *state;
    struct operation batch[] = {
        a_send(f, CHAT_ONE, ADA, "1", "a"),
        a_send(f, CHAT_TWO, ADA, "1", "b"),
        a_send(f, CHAT_ONE, GRACE, "1", "c"),
        a_send(f, CHAT_ONE, ADA, "2", "d"),
    };

    must_apply(f, batch, 4);

    struct message_list list = history(f, CHAT_ONE);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.items[0].body, "a");
    assert_string_equal(list.items[1].body, "c");
    assert_string_equal(list.items[2].body, "d");
    assert_history_is(f, CHAT_TWO, 1);
    assert_int_equal(f->told_count, 4);
    assert_int_equal(f->told[3].seq, 3);
    assert_int_equal(f->told[0].recipient_count, 2);
}

static void numbers_go_on_in_the_next_batch_and_with_the_next_owner(void **state)
{
    struct owner_fixture *f = *state;
    struct operation one = a_send(f, CHAT_ONE, ADA, "1", "a"),
                     two = a_send(f, CHAT_ONE, ADA, "2", "b"),
                     three = a_send(f, CHAT_ONE, ADA, "3", "c");

    must_apply(f, &one, 1);
    must_apply(f, &two, 1);
    replace_owner(f);
    must_apply(f, &three, 1);

    assert_history_is(f, CHAT_ONE, 3);
    assert_int_equal(last_told(f, &three)->rev, 3);
}

static void members_are_judged_in_order_with_their_changes(void **state)
{
    struct owner_fixture *f = *state;
    const struct cc_member_change everybody[] = {{ADA, "owner", "active"},
                                                 {GRACE, "member", "active"}};
    const struct cc_member_change removed = {GRACE, "member", "removed"};
    struct operation batch[] = {
        a_change_of_members(f, "v1", "chat_created", 1, everybody, 2),
        a_send(f, CHAT_ONE, GRACE, "1", "before"),
        a_change_of_members(f, "v2", "member_removed", 2, &removed, 1),
        a_send(f, CHAT_ONE, GRACE, "2", "after"),
    };
    f->rights_code = CC_UNAVAILABLE; /* nobody needs to be asked */

    must_apply(f, batch, 4);

    assert_int_equal(last_told(f, &batch[1])->refusal, CC_OK);
    assert_int_equal(last_told(f, &batch[3])->refusal, CC_FORBIDDEN);
    assert_history_is(f, CHAT_ONE, 3);
}

/* Repeats */

static void a_repeat_within_a_batch_has_the_first_one_s_outcome(void **state)
{
    struct owner_fixture *f = *state;
    struct operation batch[] = {a_send(f, CHAT_ONE, ADA, "1", "a"),
                                a_send(f, CHAT_ONE, ADA, "1", "a"),
                                a_send(f, CHAT_ONE, ADA, "2", "b")};

    must_apply(f, batch, 3);

    assert_history_is(f, CHAT_ONE, 2);
    assert_int_equal(f->told_count, 3);
    assert_false(f->told[0].duplicate);
    assert_true(f->told[1].duplicate);
    assert_int_equal(f->told[1].rev, f->told[0].rev);
    assert_int_equal(f->told[2].seq, 2);
}

static void a_repeat_between_new_ones_leaves_no_gap(void **state)
{
    struct owner_fixture *f = *state;
    struct operation first = a_send(f, CHAT_ONE, ADA, "1", "a");
    struct operation batch[] = {a_send(f, CHAT_ONE, ADA, "2", "b"), first,
                                a_send(f, CHAT_TWO, ADA, "1", "x"),
                                a_send(f, CHAT_ONE, ADA, "3", "c")};
    must_apply(f, &first, 1);

    must_apply(f, batch, 4);

    assert_history_is(f, CHAT_ONE, 3);
    assert_history_is(f, CHAT_TWO, 1);
    assert_true(last_told(f, &first)->duplicate);
    assert_int_equal(last_told(f, &first)->seq, 1);
    assert_int_equal(last_told(f, &batch[3])->seq, 3);
    assert_false(last_told(f, &batch[3])->duplicate);
}

static void the_same_id_with_another_body_is_a_conflict_and_the_original_stays(void **state)
{
    struct owner_fixture *f = *state;
    struct operation first = a_send(f, CHAT_ONE, ADA, "1", "a"),
                     other = a_send(f, CHAT_ONE, ADA, "1", "b");
    must_apply(f, &first, 1);

    must_apply(f, &other, 1);

    assert_int_equal(last_told(f, &other)->refusal, CC_IDEMPOTENCY_CONFLICT);
    must_apply(f, &first, 1);
    assert_int_equal(last_told(f, &first)->refusal, CC_OK);
    assert_string_equal(history(f, CHAT_ONE).items[0].body, "a");
}

/* Refusals */

static void a_refusal_is_remembered_when_the_rules_have_changed(void **state)
{
    struct owner_fixture *f = *state;
    const struct cc_member_change added = {EVE, "member", "active"};
    struct operation refused = a_send(f, CHAT_ONE, EVE, "1", "let me in");
    struct operation addition = a_change_of_members(f, "v2", "member_added", 2, &added, 1);
    must_apply(f, &refused, 1);
    assert_int_equal(last_told(f, &refused)->refusal, CC_NOT_FOUND);
    must_apply(f, &addition, 1);

    must_apply(f, &refused, 1);

    assert_int_equal(last_told(f, &refused)->refusal, CC_NOT_FOUND);
    assert_history_is(f, CHAT_ONE, 1);
}

static void what_was_accepted_stays_accepted_after_a_removal(void **state)
{
    struct owner_fixture *f = *state;
    const struct cc_member_change removed = {GRACE, "member", "removed"};
    struct operation send = a_send(f, CHAT_ONE, GRACE, "1", "a");
    struct operation removal = a_change_of_members(f, "v2", "member_removed", 2, &removed, 1);
    must_apply(f, &send, 1);
    must_apply(f, &removal, 1);

    must_apply(f, &send, 1);

    assert_int_equal(last_told(f, &send)->refusal, CC_OK);
    assert_true(last_told(f, &send)->duplicate);
    assert_int_equal(last_told(f, &send)->seq, 1);
}

static void an_unreadable_operation_is_refused_durably(void **state)
{
    struct owner_fixture *f = *state;
    struct operation poison = a_send(f, CHAT_ONE, ADA, "1", "a");
    struct change *found;
    poison.unreadable = true;

    must_apply(f, &poison, 1);

    assert_int_equal(last_told(f, &poison)->refusal, CC_UNPROCESSABLE);
    assert_int_equal(f->store->ops->find_operation(f->store, CHAT_ONE, poison.ask.op_id, f->arena,
                                                   &found, &f->err),
                     CC_OK);
    assert_int_equal(found->refusal, CC_UNPROCESSABLE);
}

static void nothing_is_judged_while_nobody_knows_the_members(void **state)
{
    struct owner_fixture *f = *state;
    struct operation send = a_send(f, CHAT_ONE, EVE, "1", "a");
    f->rights_code = CC_UNAVAILABLE;

    assert_int_equal(try_apply(f, &send, 1), CC_UNAVAILABLE);

    assert_int_equal(f->told_count, 0);
    f->rights_code = CC_OK;
    must_apply(f, &send, 1);
    assert_int_equal(last_told(f, &send)->refusal, CC_NOT_FOUND);
}

/* Other owners */

static void a_rev_taken_by_another_owner_is_passed_over(void **state)
{
    struct owner_fixture *f = *state;
    struct operation one = a_send(f, CHAT_ONE, ADA, "1", "a"),
                     theirs = a_send(f, CHAT_ONE, GRACE, "1", "theirs");
    struct operation batch[] = {a_send(f, CHAT_ONE, ADA, "2", "b"),
                                a_send(f, CHAT_ONE, ADA, "3", "c")};
    must_apply(f, &one, 1);
    apply_as_another_owner(f, &theirs);

    must_apply(f, batch, 2);

    assert_history_is(f, CHAT_ONE, 4);
    assert_string_equal(history(f, CHAT_ONE).items[1].body, "theirs");
    assert_int_equal(last_told(f, &batch[1])->seq, 4);
}

static void nothing_is_announced_after_the_partition_was_lost(void **state)
{
    struct owner_fixture *f = *state;
    struct operation send = a_send(f, CHAT_ONE, ADA, "1", "a");
    f->owned = false;

    must_apply(f, &send, 1);

    assert_int_equal(f->told_count, 0);
    f->owned = true;
    must_apply(f, &send, 1); /* the next owner's replay */
    assert_history_is(f, CHAT_ONE, 1);
    assert_int_equal(last_told(f, &send)->seq, 1);
}

static void what_a_dead_owner_logged_is_materialised_on_takeover(void **state)
{
    struct owner_fixture *f = *state;
    struct operation one = a_send(f, CHAT_ONE, ADA, "1", "a"),
                     other = a_send(f, CHAT_ONE, ADA, "2", "b");
    message_store_failing_plan(f->store, STORE_MATERIALISE, 1, STORE_FAILS_BEFORE, CC_UNAVAILABLE);
    assert_int_equal(try_apply(f, &one, 1), CC_UNAVAILABLE);
    assert_int_equal(history(f, CHAT_ONE).count, 0);
    replace_owner(f);

    must_apply(f, &other, 1); /* touches the chat before the replay of `one` */

    assert_history_is(f, CHAT_ONE, 2);
    assert_string_equal(history(f, CHAT_ONE).items[0].body, "a");
}

/* Crash points */

#define BATCH 12

static void fill_batch(struct owner_fixture *f, struct operation batch[BATCH])
{
    for (int i = 0; i < BATCH; i++) {
        const char *id = cc_arena_printf(f->arena, "m%d", i);
        const char *sender = i % 5 == 4 ? EVE : i % 2 == 0 ? ADA : GRACE; /* Eve is refused */
        batch[i] = a_send(f, i % 3 == 0 ? CHAT_TWO : CHAT_ONE, sender, id, id);
    }
}

static void assert_all_is_well(struct owner_fixture *f, const struct operation batch[BATCH])
{
    int64_t accepted[2] = {0, 0};

    for (int i = 0; i < BATCH; i++) {
        bool refused = strcmp(batch[i].ask.sender_id, EVE) == 0;
        const struct told *told = last_told(f, &batch[i]);
        assert_int_equal(told->refusal, refused ? CC_NOT_FOUND : CC_OK);
        if (!refused)
            assert_int_equal(told->seq, ++accepted[i % 3 == 0]);
    }
    assert_history_is(f, CHAT_ONE, accepted[0]);
    assert_history_is(f, CHAT_TWO, accepted[1]);
}

/* The batch fails at one point, comes again to the same or to another owner, and once more. */
static void survive(struct owner_fixture *f, bool another_owner)
{
    struct operation batch[BATCH];
    int tries = 0;

    fill_batch(f, batch);
    while (try_apply(f, batch, BATCH) != CC_OK) {
        assert_true(++tries < 3);
        if (another_owner)
            replace_owner(f);
    }
    assert_all_is_well(f, batch);
    size_t told = f->told_count;
    must_apply(f, batch, BATCH);
    assert_int_equal(f->told_count, told + BATCH);
    assert_all_is_well(f, batch);
}

static void every_failing_store_call_is_survived(void **state)
{
    static const enum store_call calls[] = {STORE_APPEND_CHANGES, STORE_MATERIALISE,
                                            STORE_LOAD_HEAD, STORE_CHANGES_AFTER,
                                            STORE_FIND_OPERATION};
    static const enum store_failure moments[] = {STORE_FAILS_BEFORE, STORE_FAILS_AFTER};

    for (size_t call = 0; call < sizeof calls / sizeof calls[0]; call++)
        for (size_t moment = 0; moment < 2; moment++)
            for (int another_owner = 0; another_owner < 2; another_owner++) {
                owner_fixture_finish(state);
                owner_fixture_start(state);
                struct owner_fixture *f = *state;
                message_store_failing_plan(f->store, calls[call], 1, moments[moment],
                                           CC_OUTCOME_UNKNOWN);
                survive(f, another_owner == 1);
                assert_true(message_store_failing_done(f->store));
            }
}

static void a_failing_announcement_is_repeated_until_everybody_was_told(void **state)
{
    for (int after = 0; after < 2; after++)
        for (int another_owner = 0; another_owner < 2; another_owner++) {
            owner_fixture_finish(state);
            owner_fixture_start(state);
            struct owner_fixture *f = *state;
            f->announce_failures = 1;
            f->announce_after_effect = after == 1;
            survive(f, another_owner == 1);
        }
}

static void a_replay_of_everything_changes_nothing(void **state)
{
    struct owner_fixture *f = *state;
    struct operation all[100];
    for (int i = 0; i < 100; i++) {
        const char *id = cc_arena_printf(f->arena, "m%d", i);
        all[i] = a_send(f, CHAT_ONE, i % 2 == 0 ? ADA : GRACE, id, id);
    }
    for (int i = 0; i < 100; i += 10)
        must_apply(f, all + i, 10);
    replace_owner(f);

    for (int i = 0; i < 100; i += 25)
        must_apply(f, all + i, 25);

    assert_history_is(f, CHAT_ONE, 100);
    for (int i = 0; i < 100; i++) {
        assert_true(last_told(f, &all[i])->duplicate);
        assert_int_equal(last_told(f, &all[i])->seq, i + 1);
    }
    assert_int_equal(f->saved_rev, 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, owner_fixture_start, owner_fixture_finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(operations_are_numbered_in_offset_order_per_chat),
        TEST(numbers_go_on_in_the_next_batch_and_with_the_next_owner),
        TEST(members_are_judged_in_order_with_their_changes),
        TEST(a_repeat_within_a_batch_has_the_first_one_s_outcome),
        TEST(a_repeat_between_new_ones_leaves_no_gap),
        TEST(the_same_id_with_another_body_is_a_conflict_and_the_original_stays),
        TEST(a_refusal_is_remembered_when_the_rules_have_changed),
        TEST(what_was_accepted_stays_accepted_after_a_removal),
        TEST(an_unreadable_operation_is_refused_durably),
        TEST(nothing_is_judged_while_nobody_knows_the_members),
        TEST(a_rev_taken_by_another_owner_is_passed_over),
        TEST(nothing_is_announced_after_the_partition_was_lost),
        TEST(what_a_dead_owner_logged_is_materialised_on_takeover),
        TEST(every_failing_store_call_is_survived),
        TEST(a_failing_announcement_is_repeated_until_everybody_was_told),
        TEST(a_replay_of_everything_changes_nothing),
    };

    return cmocka_run_group_tests_name("the owner's batch", tests, NULL, NULL);
}
