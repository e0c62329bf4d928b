/* Who may read, write and hear in a chat, and since when. Pure functions. */

#include <stdio.h>
#include <string.h>

#include "domain_fixture.h"

static void older_news_about_members_change_nothing(void **state)
{
    (void)state;
    struct rights *now = some_rights(5);
    const struct cc_member_change removed = {GRACE, "member", "removed"};

    struct rights *after = rights_after(now, 4, &removed, 1, false);

    assert_ptr_equal(after, now);
    assert_int_equal(rights_may_post(after, GRACE), CC_OK);
    rights_unref(after);
    rights_unref(now);
}

static void only_admins_post_where_only_admins_may(void **state)
{
    (void)state;
    const struct rights_member members[] = {{.user_id = ADA, .role = CC_ROLE_ADMIN},
                                            {.user_id = GRACE, .role = CC_ROLE_MEMBER}};
    struct rights_source source = {
        .version = 1, .posting = CC_POST_ADMINS, .members = members, .count = 2};
    struct rights *rights = rights_create(&source);

    assert_int_equal(rights_may_post(rights, ADA), CC_OK);
    assert_int_equal(rights_may_post(rights, GRACE), CC_FORBIDDEN);
    assert_int_equal(rights_may_read(rights, GRACE), CC_OK);
    rights_unref(rights);
}

static struct rights *rights_with(enum cc_chat_history history, int64_t joined_seq)
{
    const struct rights_member members[] = {{.user_id = GRACE, .joined_seq = joined_seq}};
    struct rights_source source = {
        .version = 1, .history = history, .members = members, .count = 1};

    return rights_create(&source);
}

static int64_t floor_with(enum cc_chat_history history, int64_t joined_seq, struct rights_own own)
{
    struct rights *rights = rights_with(history, joined_seq);
    int64_t floor_seq = rights_floor(rights, GRACE, &own);

    rights_unref(rights);
    return floor_seq;
}

static void a_chat_begins_where_its_member_came_or_cleared_it_whichever_is_later(void **state)
{
    (void)state;
    const struct rights_own nothing = {0}, came = {.from_seq = 7}, cleared = {.cleared_seq = 9},
                            both = {.from_seq = 12, .cleared_seq = 9};

    assert_int_equal(floor_with(CC_HISTORY_JOINED, 5, nothing), 5);
    assert_int_equal(floor_with(CC_HISTORY_JOINED, 5, came), 7);
    assert_int_equal(floor_with(CC_HISTORY_JOINED, 8, came), 8);
    assert_int_equal(floor_with(CC_HISTORY_JOINED, 5, cleared), 9);
    assert_int_equal(floor_with(CC_HISTORY_JOINED, 5, both), 12);
}

static void where_history_is_for_all_only_what_one_cleared_is_gone(void **state)
{
    (void)state;
    const struct rights_own came = {.from_seq = 7}, both = {.from_seq = 12, .cleared_seq = 9};

    assert_int_equal(floor_with(CC_HISTORY_ALL, 5, came), 0);
    assert_int_equal(floor_with(CC_HISTORY_ALL, 5, both), 9);
}

static struct change settings_change(int64_t rev, int64_t member_version, const char *json)
{
    return (struct change){.chat_id = CHAT,
                           .op = CC_OP_SYSTEM,
                           .rev = rev,
                           .head_seq = rev,
                           .member_version = member_version,
                           .message = {.seq = rev, .system_json = json}};
}

static void who_may_post_changes_in_the_order_of_the_log(void **state)
{
    struct chat_state *chat = *state;
    const char *quiet = "{\"event\":\"settings_changed\",\"settings\":{\"post\":\"admins\"}}";
    const char *kept = "{\"event\":\"settings_changed\",\"settings\":{\"retention_s\":60}}";
    const char *loud = "{\"event\":\"settings_changed\",\"settings\":{\"post\":\"all\"}}";
    struct change first = settings_change(1, 4, quiet), second = settings_change(2, 5, kept);
    struct change late = settings_change(3, 5, loud), third = settings_change(4, 6, loud);

    assert_int_equal(rights_may_post(chat->rights, GRACE), CC_OK);
    chat_state_advance(chat, &first);
    assert_int_equal(rights_may_post(chat->rights, GRACE), CC_FORBIDDEN);
    chat_state_advance(chat, &second);
    chat_state_advance(chat, &late); /* chat-service had told of it already, and of more */
    assert_int_equal(rights_may_post(chat->rights, GRACE), CC_FORBIDDEN);
    chat_state_advance(chat, &third);
    assert_int_equal(rights_may_post(chat->rights, GRACE), CC_OK);
    assert_int_equal(chat->rights->version, 6);
}

/* As it is while one of the two blocks the other. */
static void where_nobody_posts_reading_reacting_and_deleting_go_on(void **state)
{
    struct chat_state *chat = *state;
    struct cc_message message = a_message(chat);
    const char *closed = "{\"event\":\"settings_changed\",\"settings\":{\"post\":\"nobody\"}}";
    const char *open = "{\"event\":\"settings_changed\",\"settings\":{\"post\":\"all\"}}";
    struct ev_message_created by_owner = a_send(ADA, "x"), by_member = a_send(GRACE, "x");
    struct ev_message_created edit = an_edit(ADA, "y");
    struct ev_message_created delete = an_operation(CC_OP_DELETE, ADA);
    struct ev_message_created react = a_reaction(GRACE, THUMB, true);
    struct ev_message_created close = a_system(closed, false, 4, NULL, 0);
    struct ev_message_created again = a_system(open, false, 5, NULL, 0);

    assert_int_equal(verdict(chat, &close), CC_OK);
    assert_int_equal(verdict(chat, &by_owner), CC_FORBIDDEN);
    assert_int_equal(verdict(chat, &by_member), CC_FORBIDDEN);
    assert_int_equal(verdict_on(chat, &edit, &message), CC_FORBIDDEN);
    assert_int_equal(rights_may_read(chat->rights, GRACE), CC_OK);
    assert_int_equal(verdict_on(chat, &react, &message), CC_OK);
    assert_int_equal(verdict_on(chat, &delete, &message), CC_OK);
    assert_int_equal(verdict(chat, &again), CC_OK);
    assert_int_equal(verdict(chat, &by_member), CC_OK);
}

static void a_message_lives_no_longer_than_its_group_keeps_messages(void **state)
{
    struct chat_state *chat = *state;
    struct ev_message_created plain = a_send(ADA, "x"), brief = plain, lasting = plain;
    struct change kept = settings_change(
        1, 4, "{\"event\":\"settings_changed\",\"settings\":{\"retention_s\":3600}}");
    brief.ttl_s = 60;
    lasting.ttl_s = 7200;

    chat_state_advance(chat, &kept);
    struct change first = decide_alone(chat, &plain), second = decide_alone(chat, &brief);
    struct change third = decide_alone(chat, &lasting);

    assert_int_equal(first.message.expires_at_ms, plain.received_at_ms + 3600000);
    assert_int_equal(second.message.expires_at_ms, plain.received_at_ms + 60000);
    assert_int_equal(third.message.expires_at_ms, plain.received_at_ms + 3600000);
}

static void a_ban_and_a_new_role_count_from_their_place_in_the_log(void **state)
{
    struct chat_state *chat = *state;
    const struct cc_member_change ban = {GRACE, "member", "banned"};
    const struct cc_member_change handed[] = {{GRACE, "owner", "active"}, {ADA, "admin", "active"}};
    struct change transfer = settings_change(1, 4, "{\"event\":\"role_changed\"}");
    struct change banned = settings_change(2, 5, "{\"event\":\"member_banned\"}");

    transfer.members = handed;
    transfer.member_count = 2;
    banned.members = &ban;
    banned.member_count = 1;
    chat_state_advance(chat, &transfer);
    assert_int_equal(rights_find(chat->rights, GRACE)->role, CC_ROLE_OWNER);
    assert_int_equal(rights_find(chat->rights, ADA)->role, CC_ROLE_ADMIN);
    chat_state_advance(chat, &banned);

    assert_int_equal(rights_may_read(chat->rights, GRACE), CC_FORBIDDEN);
}

static void recipients_are_the_active_members_or_left_out_when_many(void **state)
{
    (void)state;
    struct rights_member members[CC_RECIPIENTS_MAX + 2] = {0};
    for (int i = 0; i < CC_RECIPIENTS_MAX + 2; i++)
        snprintf(members[i].user_id, CC_UUID_BYTES, "00000000-0000-7000-8000-%012d", i);
    members[0].state = CC_MEMBER_LEFT;
    struct rights_source all = {
        .version = 1, .posting = CC_POST_ALL, .members = members, .count = CC_RECIPIENTS_MAX + 2};
    struct rights_source fewer = {
        .version = 1, .posting = CC_POST_ALL, .members = members, .count = CC_RECIPIENTS_MAX + 1};

    struct rights *many = rights_create(&all), *few = rights_create(&fewer);

    assert_true(many->recipients_omitted);
    assert_int_equal(many->recipient_count, 0);
    assert_false(few->recipients_omitted);
    assert_int_equal(few->recipient_count, CC_RECIPIENTS_MAX);
    rights_unref(many);
    rights_unref(few);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, domain_start, domain_finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(older_news_about_members_change_nothing),
        TEST(only_admins_post_where_only_admins_may),
        TEST(a_chat_begins_where_its_member_came_or_cleared_it_whichever_is_later),
        TEST(where_history_is_for_all_only_what_one_cleared_is_gone),
        TEST(who_may_post_changes_in_the_order_of_the_log),
        TEST(where_nobody_posts_reading_reacting_and_deleting_go_on),
        TEST(a_message_lives_no_longer_than_its_group_keeps_messages),
        TEST(a_ban_and_a_new_role_count_from_their_place_in_the_log),
        TEST(recipients_are_the_active_members_or_left_out_when_many),
    };

    return cmocka_run_group_tests_name("message rights", tests, NULL, NULL);
}
