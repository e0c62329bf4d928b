/* The rules of chats, without any store. */

#include <string.h>

#include "../builders.h"
#include "domain/activity.h"
#include "domain/chat_list.h"
#include "domain/permissions.h"

static int make_arena(void **state)
{
    *state = cc_arena_create(0);
    return 0;
}

static int drop_arena(void **state)
{
    cc_arena_destroy(*state);
    return 0;
}

static struct chat_change *a_direct_chat(struct cc_arena *arena)
{
    const char *other = an_id(arena);
    struct chat_founding founding = {.chat_id = an_id(arena),
                                     .type = CHAT_DIRECT,
                                     .title = "",
                                     .creator_id = an_id(arena),
                                     .other_ids = &other,
                                     .other_count = 1,
                                     .at_ms = T0};

    return change_found(arena, &founding);
}

static void the_direct_chat_of_two_people_has_one_id_whoever_asks(void **state)
{
    const char *a = an_id(*state), *b = an_id(*state), *c = an_id(*state);
    char ab[CC_UUID_BYTES], ba[CC_UUID_BYTES], ac[CC_UUID_BYTES];

    chat_direct_id(a, b, ab);
    chat_direct_id(b, a, ba);
    chat_direct_id(a, c, ac);

    assert_string_equal(ab, ba);
    assert_string_not_equal(ab, ac);
}

static void a_key_names_a_chat_of_one_person_only(void **state)
{
    const char *a = an_id(*state), *b = an_id(*state);
    char first[CC_UUID_BYTES], again[CC_UUID_BYTES], other[CC_UUID_BYTES];

    chat_keyed_id(a, "key", first);
    chat_keyed_id(a, "key", again);
    chat_keyed_id(b, "key", other);

    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
}

static void the_creator_of_a_group_owns_it_and_counts(void **state)
{
    const char *owner = an_id(*state);
    struct chat_change *change = a_group_of(*state, owner, some_ids(*state, 2), 2);

    assert_int_equal(change->after.version, 1);
    assert_int_equal(change->after.member_version, 1);
    assert_int_equal(change->after.member_count, 3);
    assert_string_equal(change->members[0].user_id, owner);
    assert_int_equal(change->members[0].role, CC_ROLE_OWNER);
    assert_int_equal(change->members[1].role, CC_ROLE_MEMBER);
}

static void in_a_direct_chat_both_are_equals_and_nobody_sees_its_creation(void **state)
{
    struct chat_change *change = a_direct_chat(*state);

    assert_int_equal(change->members[0].role, CC_ROLE_MEMBER);
    assert_int_equal(change->members[1].role, CC_ROLE_MEMBER);
    assert_false(change_is_counted(change));
}

static void the_op_id_of_a_change_depends_on_chat_and_version_alone(void **state)
{
    struct chat_change *change = a_group(*state);
    struct chat_change same = *change;
    struct chat_change *next = a_rename(*state, &change->after, an_id(*state), "New", T0);
    char first[CC_UUID_BYTES], again[CC_UUID_BYTES], other[CC_UUID_BYTES], expected[CC_UUID_BYTES];

    same.at_ms += 5000;
    change_op_id(change, first);
    change_op_id(&same, again);
    change_op_id(next, other);
    cc_op_id("system", change->after.chat_id,
             cc_arena_printf(*state, "%s/1", change->after.chat_id), expected);

    assert_string_equal(first, again);
    assert_string_equal(first, expected);
    assert_string_not_equal(first, other);
}

static void renaming_does_not_touch_the_membership_version(void **state)
{
    struct chat_change *group = a_group(*state);
    struct chat_change *renamed = a_rename(*state, &group->after, an_id(*state), "New", T0);

    assert_int_equal(renamed->after.version, 2);
    assert_int_equal(renamed->after.member_version, 1);
    assert_string_equal(renamed->after.title, "New");
    assert_int_equal(renamed->member_count, 0);
}

static void an_edit_changes_what_it_says_and_nothing_else(void **state)
{
    struct chat_change *group = a_group(*state);
    const struct chat_edit first = {
        .description = "Of all kinds", .sets_avatar = true, .avatar_media_id = "m"};
    const struct chat_edit second = {.sets_avatar = true};
    struct chat_change *described = change_edit(*state, &group->after, "a", &first, T0);
    struct chat_change *bare = change_edit(*state, &described->after, "a", &second, T0);

    assert_int_equal(described->kind, CHANGE_METADATA);
    assert_string_equal(described->after.title, "Engines");
    assert_string_equal(described->after.avatar_media_id, "m");
    assert_null(bare->after.avatar_media_id);
    assert_string_equal(bare->after.description, "Of all kinds");
    assert_null(change_edit(*state, &bare->after, "a", &second, T0));
}

static void a_rule_that_changes_makes_new_rights(void **state)
{
    struct chat_change *group = a_group(*state);
    const struct chat_edit quiet = {
        .title = "News",
        .sets_post = true,
        .rules = {.post = CC_POST_ADMINS, .history = CC_HISTORY_JOINED, .retention_s = 60}};
    struct chat_change *change = change_edit(*state, &group->after, "a", &quiet, T0);

    assert_int_equal(change->kind, CHANGE_RULES);
    assert_int_equal(change->after.member_version, 2);
    assert_int_equal(change->after.rules.post, CC_POST_ADMINS);
    assert_int_equal(change->after.rules.history, CC_HISTORY_ALL);
    assert_int_equal(change->after.rules.retention_s, 0);
    assert_string_equal(change->after.title, "News");
    assert_false(change_ends_memberships(change));
}

static void a_direct_chat_is_closed_and_opened_in_nobodys_name(void **state)
{
    struct chat_change *direct = a_direct_chat(*state);
    struct chat_change *closed = change_posting(*state, &direct->after, CC_POST_NOBODY, T0 + 1);

    assert_int_equal(closed->kind, CHANGE_RULES);
    assert_int_equal(closed->after.rules.post, CC_POST_NOBODY);
    assert_int_equal(closed->after.member_version, 2);
    assert_string_equal(closed->actor_id, "system");
    assert_int_equal(closed->member_count, 0);
    assert_false(change_is_counted(closed));
    assert_null(change_posting(*state, &closed->after, CC_POST_NOBODY, T0 + 2));
    assert_null(change_posting(*state, &direct->after, CC_POST_ALL, T0 + 2));
    struct chat_change *open = change_posting(*state, &closed->after, CC_POST_ALL, T0 + 2);
    assert_int_equal(open->after.rules.post, CC_POST_ALL);
    assert_int_equal(open->after.version, 3);
}

static void both_of_a_direct_chat_may_be_in_one_and_few_of_a_group(void **state)
{
    const char **others = some_ids(*state, 2);
    struct chat_change *direct = a_direct_chat(*state);
    struct chat_change *group = a_group_of(*state, an_id(*state), others, 2);

    assert_true(membership_may_be_direct(&direct->members[0]));
    assert_true(membership_may_be_direct(&direct->members[1]));
    assert_false(membership_may_be_direct(&group->members[0]));
    assert_true(membership_may_be_direct(&group->members[1]));
    assert_false(membership_may_be_direct(&group->members[2]));
}

static void a_removal_keeps_the_membership_as_a_former_one(void **state)
{
    struct chat_change *group = a_group(*state);
    struct chat_change *removed =
        change_remove(*state, &group->after, group->members[0].user_id, &group->members[1], T0 + 1);

    assert_int_equal(removed->members[0].state, CC_MEMBER_REMOVED);
    assert_int_equal(removed->members[0].version, 2);
    assert_int_equal(removed->after.member_version, 2);
    assert_int_equal(removed->after.member_count, 2);
    assert_true(change_ends_memberships(removed));
}

static void when_the_owner_leaves_an_admin_goes_before_a_member_who_came_earlier(void **state)
{
    struct membership members[] = {
        {.user_id = "a", .role = CC_ROLE_OWNER, .joined_at_ms = 1},
        {.user_id = "b", .role = CC_ROLE_MEMBER, .joined_at_ms = 2},
        {.user_id = "c", .role = CC_ROLE_ADMIN, .joined_at_ms = 9},
        {.user_id = "d", .role = CC_ROLE_ADMIN, .joined_at_ms = 3, .state = CC_MEMBER_LEFT},
    };

    assert_string_equal(membership_successor(members, 4, "a")->user_id, "c");
    assert_string_equal(membership_successor(members, 2, "a")->user_id, "b");
    assert_null(membership_successor(members, 1, "a"));
    (void)state;
}

static void a_group_of_one_can_be_left_by_its_owner(void **state)
{
    struct chat_change *group = a_group_of(*state, an_id(*state), NULL, 0);
    struct chat_change *left =
        change_leave(*state, &group->after, &group->members[0], NULL, T0 + 1);

    assert_int_equal(left->after.member_count, 0);
    assert_int_equal(left->member_count, 1);
}

static void a_deletion_says_nothing_of_what_the_chat_was(void **state)
{
    struct cc_arena *arena = *state;
    struct chat_change *group = a_group(arena);

    group->after.description = "Of all kinds";
    group->after.avatar_media_id = an_id(arena);
    struct chat_change *deletion = change_delete(arena, &group->after, group->actor_id, T0 + 1);

    assert_true(deletion->after.deleted);
    assert_string_equal(deletion->after.title, "");
    assert_string_equal(deletion->after.description, "");
    assert_null(deletion->after.avatar_media_id);
}

static void strangers_former_members_and_a_missing_chat_look_the_same(void **state)
{
    const struct chat chat = {.type = CHAT_GROUP}, deleted = {.type = CHAT_GROUP, .deleted = true};
    const struct membership active = {.user_id = "a"},
                            left = {.user_id = "a", .state = CC_MEMBER_LEFT};
    struct cc_error absent, stranger;

    assert_int_equal(chat_may_see(NULL, NULL, &absent), CC_NOT_FOUND);
    assert_int_equal(chat_may_see(&chat, NULL, &stranger), CC_NOT_FOUND);
    assert_string_equal(absent.public_text, stranger.public_text);
    assert_int_equal(chat_may_see(&chat, &left, NULL), CC_NOT_FOUND);
    assert_int_equal(chat_may_see(&deleted, &active, NULL), CC_NOT_FOUND);
    assert_int_equal(chat_may_see(&chat, &active, NULL), CC_OK);
    (void)state;
}

static void there_is_an_owner_at_every_moment_of_a_transfer(void **state)
{
    struct chat_change *group = a_group(*state);
    struct chat_change *handed =
        change_transfer(*state, &group->after, &group->members[0], &group->members[1], T0 + 1);

    assert_int_equal(handed->after.owner_count, 1);
    assert_int_equal(handed->after.member_count, 3);
    assert_int_equal(handed->after.member_version, 2);
    assert_string_equal(handed->members[0].user_id, group->members[1].user_id);
    assert_int_equal(handed->members[0].role, CC_ROLE_OWNER);
    assert_int_equal(handed->members[1].role, CC_ROLE_ADMIN);
    assert_false(change_ends_memberships(handed));
    assert_true(change_is_counted(handed));
}

static void owners_are_counted_through_every_change(void **state)
{
    struct chat_change *one = a_group(*state);
    const char *owner = one->members[0].user_id;
    struct chat_change *two =
        change_role(*state, &one->after, owner, &one->members[1], CC_ROLE_OWNER, T0);
    struct chat_change *left = change_leave(*state, &two->after, &one->members[0], NULL, T0);
    struct chat_change *stepped_down =
        change_role(*state, &two->after, owner, &one->members[0], CC_ROLE_ADMIN, T0);

    assert_int_equal(one->after.owner_count, 1);
    assert_int_equal(two->after.owner_count, 2);
    assert_int_equal(two->after.member_count, 3);
    assert_int_equal(left->after.owner_count, 1);
    assert_int_equal(stepped_down->after.owner_count, 1);
}

static void the_last_owner_who_leaves_is_succeeded_in_the_same_change(void **state)
{
    struct chat_change *group = a_group(*state);
    struct chat_change *left =
        change_leave(*state, &group->after, &group->members[0], &group->members[2], T0 + 1);

    assert_int_equal(left->after.owner_count, 1);
    assert_int_equal(left->after.member_count, 2);
    assert_string_equal(left->members[0].user_id, group->members[2].user_id);
    assert_int_equal(left->members[0].role, CC_ROLE_OWNER);
    assert_int_equal(left->members[1].state, CC_MEMBER_LEFT);
}

static void a_ban_ends_a_membership_and_is_lifted_without_restoring_it(void **state)
{
    struct chat_change *group = a_group(*state);
    const char *owner = group->members[0].user_id;
    struct chat_change *banned =
        change_ban(*state, &group->after, owner, &group->members[1], T0 + 1);
    struct chat_change *lifted =
        change_unban(*state, &banned->after, owner, &banned->members[0], T0 + 2);

    assert_int_equal(banned->members[0].state, CC_MEMBER_BANNED);
    assert_int_equal(banned->after.member_count, 2);
    assert_true(change_ends_memberships(banned));
    assert_int_equal(lifted->members[0].state, CC_MEMBER_REMOVED);
    assert_int_equal(lifted->after.member_count, 2);
    assert_false(change_is_counted(lifted));
}

static void banning_somebody_who_left_changes_no_count(void **state)
{
    struct chat_change *group = a_group(*state);
    struct chat_change *left =
        change_leave(*state, &group->after, &group->members[1], NULL, T0 + 1);
    struct chat_change *banned =
        change_ban(*state, &left->after, group->members[0].user_id, &left->members[0], T0 + 2);

    assert_int_equal(banned->after.member_count, 2);
    assert_int_equal(banned->after.owner_count, 1);
    assert_int_equal(banned->members[0].state, CC_MEMBER_BANNED);
}

static void the_same_founding_is_recognised_in_any_order(void **state)
{
    const char *owner = an_id(*state), *b = an_id(*state), *c = an_id(*state);
    const char *bc[] = {b, c}, *cb[] = {c, b}, *bb[] = {b, an_id(*state)};
    struct chat_change *first = a_group_of(*state, owner, bc, 2);

    assert_true(change_same_founding(first, a_group_of(*state, owner, cb, 2)));
    assert_false(change_same_founding(first, a_group_of(*state, owner, bb, 2)));
    assert_false(change_same_founding(first, a_group_of(*state, owner, bc, 1)));
}

static struct activity_fact a_message(int64_t rev, const char *id, const char *json)
{
    return (struct activity_fact){.rev = rev,
                                  .head_seq = rev,
                                  .is_new_message = true,
                                  .message_id = id,
                                  .message_json = json,
                                  .created_at_ms = T0 + rev};
}

static void an_older_announcement_does_not_bring_back_an_older_message(void **state)
{
    struct chat_activity activity = {.chat_id = "c"};
    struct activity_fact second = a_message(2, "m2", "{2}"), first = a_message(1, "m1", "{1}");

    assert_true(activity_apply(&activity, &second));
    assert_false(activity_apply(&activity, &first));
    assert_false(activity_apply(&activity, &second));

    assert_string_equal(activity.last_message_id, "m2");
    assert_int_equal(activity.last_activity_at_ms, T0 + 2);
    (void)state;
}

static void an_edit_shows_only_where_it_changes_the_last_message(void **state)
{
    struct chat_activity activity = {.chat_id = "c"};
    struct activity_fact message = a_message(1, "m1", "{1}");
    struct activity_fact edit_of_another = {
        .rev = 2, .head_seq = 1, .message_id = "m0", .message_json = "{0'}"};
    struct activity_fact edit = {
        .rev = 3, .head_seq = 1, .message_id = "m1", .message_json = "{1'}"};

    activity_apply(&activity, &message);
    activity_apply(&activity, &edit_of_another);
    assert_string_equal(activity.last_message_json, "{1}");
    activity_apply(&activity, &edit);

    assert_string_equal(activity.last_message_json, "{1'}");
    assert_int_equal(activity.last_activity_at_ms, T0 + 1);
    assert_int_equal(activity.rev, 3);
    (void)state;
}

static struct chat_list_entry an_entry(struct cc_arena *arena, int64_t joined_ms, int64_t active_ms)
{
    struct membership *membership = CC_ARENA_NEW(arena, struct membership);
    struct chat_activity activity = {.rev = 1, .last_activity_at_ms = active_ms};
    struct chat_list_entry entry;

    membership->chat_id = an_id(arena);
    membership->joined_at_ms = joined_ms;
    chat_list_entry_init(&entry, membership, &activity);
    return entry;
}

static void pages_cover_every_chat_once_even_when_times_are_equal(void **state)
{
    struct chat_list_entry entries[7];
    size_t seen = 0, from = 0;

    for (size_t i = 0; i < 7; i++)
        entries[i] = an_entry(*state, T0, i < 4 ? T0 + 5 : 0);
    chat_list_sort(entries, 7);
    while (from < 7) {
        size_t to = from + 2 < 7 ? from + 2 : 7;
        struct chat_list_position position;

        seen += to - from;
        assert_true(chat_list_cursor_read(chat_list_cursor(*state, &entries[to - 1]), &position));
        assert_int_equal(chat_list_find_after(entries, 7, &position), to);
        from = to;
    }

    assert_int_equal(seen, 7);
    assert_true(entries[0].activity.last_activity_at_ms > entries[6].activity.last_activity_at_ms);
}

static void a_chat_that_moves_up_between_pages_hides_none_below(void **state)
{
    struct chat_list_entry entries[3] = {an_entry(*state, T0, T0 + 3), an_entry(*state, T0, T0 + 2),
                                         an_entry(*state, T0, T0 + 1)};
    struct chat_list_position position;
    const char *third = entries[2].activity.chat_id;

    assert_true(chat_list_cursor_read(chat_list_cursor(*state, &entries[0]), &position));
    entries[1].activity.last_activity_at_ms = T0 + 9;
    chat_list_sort(entries, 3);
    size_t next = chat_list_find_after(entries, 3, &position);

    assert_string_equal(entries[next].activity.chat_id, third);
}

static void cursors_that_are_not_ours_are_refused(void **state)
{
    static const char *const texts[] = {"", "!", "MTIz", "LzEyMw", "QQ==", "MTIzL2FiYw"};
    struct chat_list_position position;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_false(chat_list_cursor_read(texts[i], &position));
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_direct_chat_of_two_people_has_one_id_whoever_asks),
        cmocka_unit_test(a_key_names_a_chat_of_one_person_only),
        cmocka_unit_test(the_creator_of_a_group_owns_it_and_counts),
        cmocka_unit_test(a_deletion_says_nothing_of_what_the_chat_was),
        cmocka_unit_test(in_a_direct_chat_both_are_equals_and_nobody_sees_its_creation),
        cmocka_unit_test(the_op_id_of_a_change_depends_on_chat_and_version_alone),
        cmocka_unit_test(renaming_does_not_touch_the_membership_version),
        cmocka_unit_test(an_edit_changes_what_it_says_and_nothing_else),
        cmocka_unit_test(a_rule_that_changes_makes_new_rights),
        cmocka_unit_test(a_direct_chat_is_closed_and_opened_in_nobodys_name),
        cmocka_unit_test(both_of_a_direct_chat_may_be_in_one_and_few_of_a_group),
        cmocka_unit_test(a_removal_keeps_the_membership_as_a_former_one),
        cmocka_unit_test(when_the_owner_leaves_an_admin_goes_before_a_member_who_came_earlier),
        cmocka_unit_test(a_group_of_one_can_be_left_by_its_owner),
        cmocka_unit_test(strangers_former_members_and_a_missing_chat_look_the_same),
        cmocka_unit_test(there_is_an_owner_at_every_moment_of_a_transfer),
        cmocka_unit_test(owners_are_counted_through_every_change),
        cmocka_unit_test(the_last_owner_who_leaves_is_succeeded_in_the_same_change),
        cmocka_unit_test(a_ban_ends_a_membership_and_is_lifted_without_restoring_it),
        cmocka_unit_test(banning_somebody_who_left_changes_no_count),
        cmocka_unit_test(the_same_founding_is_recognised_in_any_order),
        cmocka_unit_test(an_older_announcement_does_not_bring_back_an_older_message),
        cmocka_unit_test(an_edit_shows_only_where_it_changes_the_last_message),
        cmocka_unit_test(pages_cover_every_chat_once_even_when_times_are_equal),
        cmocka_unit_test(a_chat_that_moves_up_between_pages_hides_none_below),
        cmocka_unit_test(cursors_that_are_not_ours_are_refused),
    };

    return cmocka_run_group_tests_name("chat-service domain", tests, make_arena, drop_arena);
}
