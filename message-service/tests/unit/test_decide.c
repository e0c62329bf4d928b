/* Decisions: who may send what, and which numbers it takes. Pure functions. */

#include <stdio.h>
#include <string.h>

#include "domain_fixture.h"

/* Decisions */

static void a_member_s_message_takes_the_next_rev_and_seq(void **state)
{
    struct chat_state *chat = *state;
    struct ev_message_created ask = a_send(ADA, "hello");
    chat->head.rev = 41;
    chat->head.seq = 17;

    struct change change = decide_alone(chat, &ask);

    assert_int_equal(change.refusal, CC_OK);
    assert_int_equal(change.rev, 42);
    assert_int_equal(change.head_seq, 18);
    assert_int_equal(change.message.seq, 18);
    assert_int_equal(change.message.rev, 42);
    assert_string_equal(change.message.message_id, OP);
    assert_int_equal(change.message.created_at_ms, FAKE_T0_MS);
    assert_int_equal(chat->head.rev, 42);
    assert_int_equal(chat->head.seq, 18);
}

static void a_refused_operation_takes_neither(void **state)
{
    struct chat_state *chat = *state;
    struct ev_message_created ask = a_send(EVE, "hello");

    struct change change = decide_alone(chat, &ask);

    assert_int_equal(change.refusal, CC_NOT_FOUND);
    assert_int_equal(change.rev, 0);
    assert_string_equal(change.op_id, OP);
    assert_int_equal(chat->head.rev, 0);
}

static void somebody_who_was_removed_is_forbidden_to_write(void **state)
{
    struct chat_state *chat = *state;
    const struct cc_member_change removed = {GRACE, "member", "removed"};
    struct ev_message_created removal =
        a_system("{\"event\":\"member_removed\"}", true, 4, &removed, 1);
    struct ev_message_created ask = a_send(GRACE, "still here?");

    assert_int_equal(verdict(chat, &removal), CC_OK);

    assert_int_equal(verdict(chat, &ask), CC_FORBIDDEN);
}

static void a_new_member_may_write_from_then_on(void **state)
{
    struct chat_state *chat = *state;
    const struct cc_member_change added = {EVE, "member", "active"};
    struct ev_message_created addition =
        a_system("{\"event\":\"member_added\"}", true, 4, &added, 1);
    struct ev_message_created ask = a_send(EVE, "hello");

    assert_int_equal(verdict(chat, &addition), CC_OK);

    assert_int_equal(verdict(chat, &ask), CC_OK);
    assert_int_equal(chat->rights->version, 4);
}

static void an_uncounted_system_operation_takes_only_a_rev(void **state)
{
    struct chat_state *chat = *state;
    struct ev_message_created ask = a_system("{\"event\":\"role_changed\"}", false, 4, NULL, 0);
    chat->head.rev = 5;
    chat->head.seq = 5;

    struct change change = decide_alone(chat, &ask);

    assert_int_equal(change.rev, 6);
    assert_int_equal(change.head_seq, 5);
    assert_int_equal(change.message.seq, 0);
    assert_int_equal(chat->head.uncounted.count, 0);
}

static void the_founding_of_a_chat_names_all_its_members(void **state)
{
    struct chat_state *chat = *state;
    const struct cc_member_change members[] = {{ADA, "owner", "active"}, {EVE, "member", "active"}};
    struct ev_message_created founding =
        a_system("{\"event\":\"chat_created\"}", true, 1, members, 2);
    struct ev_message_created ask = a_send(EVE, "hello");
    chat_state_take_rights(chat, NULL);

    assert_int_equal(verdict(chat, &founding), CC_OK);

    assert_non_null(chat->rights);
    assert_int_equal(chat->rights->recipient_count, 2);
    assert_int_equal(verdict(chat, &ask), CC_OK);
}

static void rights_that_are_not_known_stay_unknown_in_an_old_chat(void **state)
{
    struct chat_state *chat = *state;
    const struct cc_member_change added = {EVE, "member", "active"};
    struct ev_message_created addition =
        a_system("{\"event\":\"member_added\"}", true, 9, &added, 1);
    chat_state_take_rights(chat, NULL);

    assert_int_equal(verdict(chat, &addition), CC_OK); /* first here, but not a founding */
    assert_null(chat->rights);
    chat->head.rev = 8;
    assert_int_equal(verdict(chat, &addition), CC_OK);

    assert_null(chat->rights);
}

static void a_deleted_chat_refuses_everybody_as_if_it_were_not_there(void **state)
{
    struct chat_state *chat = *state;
    struct ev_message_created deletion = a_system("{\"event\":\"chat_deleted\"}", true, 4, NULL, 0);
    struct ev_message_created ask = a_send(ADA, "hello");

    assert_int_equal(verdict(chat, &deletion), CC_OK);

    assert_int_equal(verdict(chat, &ask), CC_NOT_FOUND);
}

static void only_chat_service_speaks_as_the_system(void **state)
{
    struct chat_state *chat = *state;
    struct ev_message_created forged = a_system("{\"event\":\"chat_deleted\"}", true, 4, NULL, 0);
    struct ev_message_created typed = a_send(ADA, "hello");
    forged.sender_id = ADA;
    typed.type = "system";

    assert_int_equal(verdict(chat, &forged), CC_UNPROCESSABLE);
    assert_int_equal(verdict(chat, &typed), CC_UNPROCESSABLE);
}

static void a_message_says_something(void **state)
{
    struct chat_state *chat = *state;
    struct ev_message_created empty = a_send(ADA, ""), picture = a_send(ADA, "");
    picture.type = "media";
    picture.attachments_json = "[{\"media_id\":\"m\"}]";

    assert_int_equal(verdict(chat, &empty), CC_UNPROCESSABLE);
    assert_int_equal(verdict(chat, &picture), CC_OK);
}

static void a_message_may_expire_but_not_in_the_far_future(void **state)
{
    struct chat_state *chat = *state;
    struct ev_message_created brief = a_send(ADA, "x"), eternal = a_send(ADA, "x");
    brief.ttl_s = 60;
    eternal.ttl_s = MESSAGE_TTL_MAX_S + 1;

    struct change change = decide_alone(chat, &brief);

    assert_int_equal(change.message.expires_at_ms, FAKE_T0_MS + 60000);
    assert_int_equal(verdict(chat, &eternal), CC_UNPROCESSABLE);
}

/* Replies and mentions */

static void a_reply_answers_a_message_of_the_chat(void **state)
{
    struct chat_state *chat = *state;
    struct cc_message message = a_message(chat);
    struct ev_message_created ask = a_send(GRACE, "yes");
    ask.reply_to = MSG;

    assert_string_equal(decide_target_id(&ask), MSG);
    assert_int_equal(verdict_on(chat, &ask, NULL), CC_UNPROCESSABLE);
    assert_string_equal(decide_on(chat, &ask, &message, false).message.reply_to, MSG);
    message.deleted = true;
    assert_int_equal(verdict_on(chat, &ask, &message), CC_OK);
}

static void many_members(struct chat_state *chat, int count)
{
    struct rights_member members[CC_RECIPIENTS_MAX + 10] = {
        {.user_id = ADA, .role = CC_ROLE_OWNER},
        {.user_id = GRACE, .role = CC_ROLE_MEMBER},
    };
    for (int i = 2; i < count; i++)
        snprintf(members[i].user_id, CC_UUID_BYTES, "00000000-0000-7000-8000-%012d", i);
    struct rights_source source = {
        .version = 4, .posting = CC_POST_ALL, .members = members, .count = (size_t)count};
    chat_state_take_rights(chat, rights_create(&source));
}

static void
everybody_is_mentioned_by_anybody_in_a_small_chat_and_by_admins_in_a_large_one(void **state)
{
    struct chat_state *chat = *state;
    struct ev_message_created by_owner = a_send(ADA, "all!"), by_member = a_send(GRACE, "all!");
    by_owner.mention_all = by_member.mention_all = true;

    many_members(chat, MENTION_ALL_MEMBERS_MAX);
    assert_true(decide_alone(chat, &by_member).message.mention_all);
    many_members(chat, MENTION_ALL_MEMBERS_MAX + 1);
    assert_int_equal(verdict(chat, &by_member), CC_FORBIDDEN);
    assert_int_equal(verdict(chat, &by_owner), CC_OK);
    many_members(chat, CC_RECIPIENTS_MAX + 5);
    assert_int_equal(verdict(chat, &by_member), CC_FORBIDDEN);
    assert_int_equal(verdict(chat, &by_owner), CC_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, domain_start, domain_finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_member_s_message_takes_the_next_rev_and_seq),
        TEST(a_refused_operation_takes_neither),
        TEST(somebody_who_was_removed_is_forbidden_to_write),
        TEST(a_new_member_may_write_from_then_on),
        TEST(an_uncounted_system_operation_takes_only_a_rev),
        TEST(the_founding_of_a_chat_names_all_its_members),
        TEST(rights_that_are_not_known_stay_unknown_in_an_old_chat),
        TEST(a_deleted_chat_refuses_everybody_as_if_it_were_not_there),
        TEST(only_chat_service_speaks_as_the_system),
        TEST(a_message_says_something),
        TEST(a_message_may_expire_but_not_in_the_far_future),
        TEST(a_reply_answers_a_message_of_the_chat),
        TEST(everybody_is_mentioned_by_anybody_in_a_small_chat_and_by_admins_in_a_large_one),
    };

    return cmocka_run_group_tests_name("message decisions", tests, NULL, NULL);
}
