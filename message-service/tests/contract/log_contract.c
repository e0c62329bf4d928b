/* The log: what owners append. Part of the contract of message_store.h. */

#include "message_store_contract.h"

#include <stdio.h>
#include <string.h>

#include "store_fixture.h"

static void a_change_is_found_as_it_was_appended(void **state)
{
    struct log_fixture *f = *state;
    const char *mentions[] = {new_id(f), new_id(f)};
    struct change *change = a_create(f, 1, "h\xc3\xa9llo \"quoted\"");
    change->silent = true;
    change->message.expires_at_ms = FAKE_T0_MS + 5000;
    change->message.mention_all = true;
    change->message.pinned = true;
    change->message.mentions = mentions;
    change->message.mention_count = 2;
    change->message.reply_to = new_id(f);
    change->message.attachments_json = "[{\"media_id\":\"m\"}]";

    must_append(f, change);

    struct change *found = find_change(f, change->op_id);
    assert_non_null(found);
    assert_string_equal(found->chat_id, f->chat);
    assert_string_equal(found->event_id, "event");
    assert_string_equal(found->request_hash, "hash");
    assert_string_equal(found->device_id, "phone");
    assert_int_equal(found->refusal, CC_OK);
    assert_int_equal(found->rev, 1);
    assert_int_equal(found->head_seq, 1);
    assert_true(found->silent);
    assert_int_equal(found->message.expires_at_ms, FAKE_T0_MS + 5000);
    assert_true(found->message.mention_all);
    assert_true(found->message.pinned);
    assert_string_equal(found->message.message_id, change->op_id);
    assert_string_equal(found->message.sender_id, change->sender_id);
    assert_string_equal(found->message.body, change->message.body);
    assert_int_equal(found->message.created_at_ms, FAKE_T0_MS);
    assert_int_equal(found->message.mention_count, 2);
    assert_string_equal(found->message.mentions[1], mentions[1]);
    assert_string_equal(found->message.reply_to, change->message.reply_to);
    assert_string_equal(found->message.attachments_json, change->message.attachments_json);
}

static void a_system_change_keeps_who_it_concerns(void **state)
{
    struct log_fixture *f = *state;
    struct cc_member_change members[] = {{new_id(f), "owner", "active"},
                                         {new_id(f), "member", "removed"}};
    struct change *change = a_create(f, 1, "");
    change->op = CC_OP_SYSTEM;
    change->message.type = "system";
    change->message.system_json = "{\"event\":\"member_removed\"}";
    change->member_version = 7;
    change->members = members;
    change->member_count = 2;

    must_append(f, change);

    struct change *found = find_change(f, change->op_id);
    assert_int_equal(found->op, CC_OP_SYSTEM);
    assert_int_equal(found->member_version, 7);
    assert_int_equal(found->member_count, 2);
    assert_string_equal(found->members[1].user_id, members[1].user_id);
    assert_string_equal(found->members[1].state, "removed");
    assert_string_equal(found->message.system_json, "{\"event\":\"member_removed\"}");
}

static void an_operation_that_never_came_is_not_found(void **state)
{
    struct log_fixture *f = *state;

    assert_null(find_change(f, new_id(f)));
}

static void the_same_operation_is_not_appended_twice(void **state)
{
    struct log_fixture *f = *state;
    struct change *first = a_create(f, 1, "first"), *again = a_create(f, 2, "again");
    again->op_id = first->op_id;
    must_append(f, first);

    size_t stored = append_expecting(f, &again, 1, CC_CONFLICT);

    assert_int_equal(stored, 0);
    assert_string_equal(find_change(f, first->op_id)->message.body, "first");
    assert_int_equal(changes_after(f, 0, 10).count, 1);
}

static void the_same_rev_is_not_given_out_twice(void **state)
{
    struct log_fixture *f = *state;
    struct change *ours = a_create(f, 1, "ours"), *theirs = a_create(f, 1, "theirs");
    must_append(f, theirs);

    size_t stored = append_expecting(f, &ours, 1, CC_CONFLICT);

    assert_int_equal(stored, 0);
    assert_null(find_change(f, ours->op_id));
}

static void what_is_stored_of_a_batch_is_the_prefix_before_the_conflict(void **state)
{
    struct log_fixture *f = *state;
    struct change *taken = a_create(f, 3, "taken");
    struct change *batch[] = {a_create(f, 1, "one"), a_create(f, 2, "two"), a_create(f, 3, "three"),
                              a_create(f, 4, "four")};
    must_append(f, taken);

    size_t stored = append_expecting(f, batch, 4, CC_CONFLICT);

    assert_int_equal(stored, 2);
    assert_non_null(find_change(f, batch[1]->op_id));
    assert_null(find_change(f, batch[2]->op_id));
    assert_null(find_change(f, batch[3]->op_id));
}

/* FerretDB 1.24 goes on behind a conflict with the next hundred of a command. */
static void a_conflict_ends_the_longest_batch_too(void **state)
{
    struct log_fixture *f = *state;
    struct change *taken = a_create(f, 11, "taken");
    struct change *batch[CHANGE_BATCH_MAX];

    must_append(f, taken);
    for (int64_t i = 0; i < CHANGE_BATCH_MAX; i++)
        batch[i] = a_create(f, i + 1, "one of many");
    size_t stored = append_expecting(f, batch, CHANGE_BATCH_MAX, CC_CONFLICT);

    assert_int_equal(stored, 10);
    for (size_t i = stored; i < CHANGE_BATCH_MAX; i++)
        assert_null(find_change(f, batch[i]->op_id));
}

static void a_refusal_is_found_and_takes_no_rev(void **state)
{
    struct log_fixture *f = *state;
    struct change *batch[] = {a_create(f, 1, "one"), a_refusal(f, CC_FORBIDDEN),
                              a_create(f, 2, "two")};

    assert_int_equal(append_expecting(f, batch, 3, CC_OK), 3);

    assert_int_equal(find_change(f, batch[1]->op_id)->refusal, CC_FORBIDDEN);
    struct change_list list = changes_after(f, 0, 10);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[1]->message.body, "two");
}

static void a_refused_operation_can_not_be_accepted_later(void **state)
{
    struct log_fixture *f = *state;
    struct change *refused = a_refusal(f, CC_FORBIDDEN), *later = a_create(f, 1, "later");
    later->op_id = refused->op_id;
    must_append(f, refused);

    append_expecting(f, &later, 1, CC_CONFLICT);

    assert_int_equal(find_change(f, refused->op_id)->refusal, CC_FORBIDDEN);
}

static void changes_are_read_in_order_across_buckets(void **state)
{
    struct log_fixture *f = *state;
    append_many(f, 150);

    struct change_list list = changes_after(f, 10, 200);

    assert_int_equal(list.count, 140);
    for (size_t i = 0; i < list.count; i++)
        assert_int_equal(list.items[i]->rev, 11 + (int64_t)i);
}

static void changes_are_limited_and_end_with_the_log(void **state)
{
    struct log_fixture *f = *state;
    append_many(f, 64);

    assert_int_equal(changes_after(f, 0, 5).count, 5);
    assert_int_equal(changes_after(f, 62, 5).count, 2);
    assert_int_equal(changes_after(f, 64, 5).count, 0);
    assert_int_equal(changes_after(f, 900, 5).count, 0);
}

static void nothing_is_read_beyond_a_hole(void **state)
{
    struct log_fixture *f = *state;
    must_append(f, a_create(f, 1, "one"));
    must_append(f, a_create(f, 3, "three"));

    assert_int_equal(changes_after(f, 0, 10).count, 1);
    assert_int_equal(changes_after(f, 1, 10).count, 0);
}

int message_log_contract_run(const char *name)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(a_change_is_found_as_it_was_appended),
        STORE_TEST(a_system_change_keeps_who_it_concerns),
        STORE_TEST(an_operation_that_never_came_is_not_found),
        STORE_TEST(the_same_operation_is_not_appended_twice),
        STORE_TEST(the_same_rev_is_not_given_out_twice),
        STORE_TEST(what_is_stored_of_a_batch_is_the_prefix_before_the_conflict),
        STORE_TEST(a_conflict_ends_the_longest_batch_too),
        STORE_TEST(a_refusal_is_found_and_takes_no_rev),
        STORE_TEST(a_refused_operation_can_not_be_accepted_later),
        STORE_TEST(changes_are_read_in_order_across_buckets),
        STORE_TEST(changes_are_limited_and_end_with_the_log),
        STORE_TEST(nothing_is_read_beyond_a_hole),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
