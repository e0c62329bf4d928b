/* Edits, deletions, reactions and pins of what was said. Pure functions. */

#include <string.h>

#include "domain/reactions.h"
#include "domain_fixture.h"

/* Edits */

static void an_edit_is_the_next_version_of_the_same_message(void **state)
{
    struct chat_state *chat = *state;
    struct cc_message message = a_message(chat);
    struct ev_message_created ask = an_edit(ADA, "hello");
    const char *mentions[] = {GRACE};
    message.attachments_json = "[{\"media_id\":\"m\"}]";
    message.reply_to = OP;
    ask.mentions = mentions;
    ask.mention_count = 1;

    struct change change = decide_on(chat, &ask, &message, false);

    assert_int_equal(change.refusal, CC_OK);
    assert_int_equal(change.rev, 10);
    assert_int_equal(change.head_seq, 7);
    assert_string_equal(change.message.message_id, MSG);
    assert_int_equal(change.message.seq, 4);
    assert_int_equal(change.message.rev, 10);
    assert_int_equal(change.message.version, 2);
    assert_string_equal(change.message.body, "hello");
    assert_int_equal(change.message.mention_count, 1);
    assert_int_equal(change.message.created_at_ms, FAKE_T0_MS);
    assert_int_equal(change.message.edited_at_ms, FAKE_T0_MS + 1000);
    assert_string_equal(change.message.attachments_json, message.attachments_json);
    assert_string_equal(change.message.reply_to, OP);
    assert_int_equal(chat->head.seq, 7);
    assert_int_equal(chat->head.rev, 10);
    assert_int_equal(chat->head.uncounted.count, 0);
}

static void only_its_author_edits_a_message_and_only_for_a_while(void **state)
{
    struct chat_state *chat = *state;
    struct cc_message message = a_message(chat);
    struct ev_message_created by_grace = an_edit(GRACE, "x"), by_eve = an_edit(EVE, "x"),
                              in_time = an_edit(ADA, "x"), late = an_edit(ADA, "x");
    in_time.received_at_ms = FAKE_T0_MS + EDIT_WINDOW_MS;
    late.received_at_ms = FAKE_T0_MS + EDIT_WINDOW_MS + 1;

    assert_int_equal(verdict_on(chat, &by_grace, &message), CC_FORBIDDEN);
    assert_int_equal(verdict_on(chat, &by_eve, &message), CC_NOT_FOUND);
    assert_int_equal(verdict_on(chat, &late, &message), CC_CONFLICT);
    assert_int_equal(verdict_on(chat, &in_time, &message), CC_OK);
}

static void an_edit_of_another_version_than_expected_is_refused(void **state)
{
    struct chat_state *chat = *state;
    struct cc_message message = a_message(chat);
    struct ev_message_created stale = an_edit(ADA, "x"), current = an_edit(ADA, "x");
    message.version = 2;
    stale.expected_version = 1;
    current.expected_version = 2;

    assert_int_equal(verdict_on(chat, &stale, &message), CC_VERSION_MISMATCH);
    assert_int_equal(verdict_on(chat, &current, &message), CC_OK);
}

static void an_edit_leaves_a_message_that_says_something(void **state)
{
    struct chat_state *chat = *state;
    struct cc_message message = a_message(chat);
    struct ev_message_created ask = an_edit(ADA, "");

    assert_int_equal(verdict_on(chat, &ask, &message), CC_UNPROCESSABLE);
    message.attachments_json = "[{\"media_id\":\"m\"}]";
    assert_int_equal(verdict_on(chat, &ask, &message), CC_OK);
}

static void what_is_not_there_can_not_be_altered(void **state)
{
    static const enum cc_op ops[] = {CC_OP_EDIT, CC_OP_REACT, CC_OP_PIN};
    struct chat_state *chat = *state;
    struct cc_message gone = a_message(chat), system = a_message(chat);
    gone.deleted = true;
    system.type = "system";
    system.sender_id = CC_SYSTEM_SENDER;

    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        struct ev_message_created ask = an_operation(ops[i], ADA);
        ask.body = "x";
        ask.emoji = THUMB;
        assert_int_equal(verdict_on(chat, &ask, NULL), CC_NOT_FOUND);
        assert_int_equal(verdict_on(chat, &ask, &gone), CC_NOT_FOUND);
        assert_int_equal(verdict_on(chat, &ask, &system), CC_UNPROCESSABLE);
    }
    struct cc_message over = a_message(chat);
    over.expires_at_ms = FAKE_T0_MS + 1000;
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        struct ev_message_created ask = an_operation(ops[i], ADA);
        ask.body = "x";
        ask.emoji = THUMB;
        ask.received_at_ms = over.expires_at_ms; /* no sweep has come to it */
        assert_int_equal(verdict_on(chat, &ask, &over), CC_NOT_FOUND);
    }
    struct ev_message_created removal = an_operation(CC_OP_DELETE, ADA);
    assert_int_equal(verdict_on(chat, &removal, NULL), CC_NOT_FOUND);
    assert_int_equal(verdict_on(chat, &removal, &system), CC_UNPROCESSABLE);
    assert_int_equal(chat->head.rev, 9);
}

/* Deletions */

static void a_deleted_message_says_nothing_and_is_not_unread(void **state)
{
    struct chat_state *chat = *state;
    struct cc_message message = a_message(chat);
    struct ev_message_created ask = an_operation(CC_OP_DELETE, ADA);
    const char *mentions[] = {GRACE};
    message.mentions = mentions;
    message.mention_count = 1;
    message.mention_all = message.pinned = true;
    message.attachments_json = "[{}]";
    message.reactions_json = "{}";
    message.reply_to = OP;
    message.expires_at_ms = FAKE_T0_MS + 1;

    struct change change = decide_on(chat, &ask, &message, false);

    assert_int_equal(change.refusal, CC_OK);
    assert_true(change.message.deleted);
    assert_string_equal(change.message.body, "");
    assert_int_equal(change.message.mention_count, 0);
    assert_false(change.message.mention_all || change.message.pinned);
    assert_null(change.message.attachments_json);
    assert_null(change.message.reactions_json);
    assert_null(change.message.reply_to);
    assert_int_equal(change.message.expires_at_ms, 0);
    assert_int_equal(change.message.seq, 4);
    assert_string_equal(change.message.sender_id, ADA);
    assert_int_equal(chat->head.uncounted.count, 1);
    assert_int_equal(chat->head.uncounted.seqs[0], 4);
}

static void an_author_or_an_admin_deletes_and_nobody_else(void **state)
{
    struct chat_state *chat = *state;
    struct cc_message hers = a_message(chat), his = a_message(chat);
    struct ev_message_created by_owner = an_operation(CC_OP_DELETE, ADA),
                              by_member = an_operation(CC_OP_DELETE, GRACE),
                              by_stranger = an_operation(CC_OP_DELETE, EVE);
    his.sender_id = GRACE;

    assert_int_equal(verdict_on(chat, &by_member, &hers), CC_FORBIDDEN);
    assert_int_equal(verdict_on(chat, &by_stranger, &hers), CC_NOT_FOUND);
    assert_int_equal(verdict_on(chat, &by_member, &his), CC_OK);
    assert_int_equal(verdict_on(chat, &by_owner, &his), CC_OK);
}

static void deleting_twice_is_no_fault(void **state)
{
    struct chat_state *chat = *state;
    struct cc_message message = a_message(chat);
    struct ev_message_created ask = an_operation(CC_OP_DELETE, ADA);
    message.deleted = true;

    struct change change = decide_on(chat, &ask, &message, false);

    assert_int_equal(change.refusal, CC_OK);
    assert_true(change.message.deleted);
}

static void the_system_deletes_what_has_expired_and_nothing_else(void **state)
{
    struct chat_state *chat = *state;
    struct cc_message message = a_message(chat);
    struct ev_message_created ask = an_operation(CC_OP_DELETE, CC_SYSTEM_SENDER);

    assert_int_equal(verdict_on(chat, &ask, &message), CC_UNPROCESSABLE);
    message.expires_at_ms = ask.received_at_ms + 1;
    assert_int_equal(verdict_on(chat, &ask, &message), CC_UNPROCESSABLE);
    message.expires_at_ms = ask.received_at_ms;
    assert_int_equal(verdict_on(chat, &ask, &message), CC_OK);
}

/* Reactions and pins */

static void a_reaction_counts_once_however_often_it_is_given(void **state)
{
    struct chat_state *chat = *state;
    struct cc_message message = a_message(chat);
    struct ev_message_created ask = a_reaction(GRACE, THUMB, true);

    struct change first = decide_on(chat, &ask, &message, false);
    struct change again = decide_on(chat, &ask, &first.message, true);
    struct ev_message_created by_ada = a_reaction(ADA, THUMB, true);
    struct change second = decide_on(chat, &by_ada, &again.message, false);

    assert_string_equal(first.message.reactions_json, "{\"" THUMB "\":{\"count\":1}}");
    assert_string_equal(again.message.reactions_json, first.message.reactions_json);
    assert_string_equal(second.message.reactions_json, "{\"" THUMB "\":{\"count\":2}}");
    assert_string_equal(second.reaction.user_id, ADA);
    assert_string_equal(second.reaction.emoji, THUMB);
    assert_true(second.reaction.on);
    assert_int_equal(second.message.version, 1);
    assert_int_equal(chat->head.rev, 12);
}

static void a_reaction_that_is_taken_back_leaves_nothing(void **state)
{
    struct chat_state *chat = *state;
    struct cc_message message = a_message(chat);
    struct ev_message_created off = a_reaction(GRACE, THUMB, false);
    message.reactions_json = "{\"" THUMB "\":{\"count\":1},\"ok\":{\"count\":3}}";

    struct change change = decide_on(chat, &off, &message, true);
    struct change again = decide_on(chat, &off, &change.message, false);

    assert_string_equal(change.message.reactions_json, "{\"ok\":{\"count\":3}}");
    assert_string_equal(again.message.reactions_json, "{\"ok\":{\"count\":3}}");
    message.reactions_json = "{\"" THUMB "\":{\"count\":1}}";
    assert_null(decide_on(chat, &off, &message, true).message.reactions_json);
}

static void a_message_has_so_many_kinds_of_reactions_and_no_more(void **state)
{
    struct chat_state *chat = *state;
    struct cc_message message = a_message(chat);
    for (int i = 0; i < REACTION_KINDS_MAX; i++) {
        struct ev_message_created ask =
            a_reaction(GRACE, cc_arena_printf(domain_arena(), "e%d", i), true);
        message = decide_on(chat, &ask, &message, false).message;
    }
    struct ev_message_created another = a_reaction(GRACE, THUMB, true),
                              known = a_reaction(ADA, "e7", true);

    assert_int_equal(verdict_on(chat, &another, &message), CC_UNPROCESSABLE);
    assert_int_equal(verdict_on(chat, &known, &message), CC_OK);
}

static void a_reaction_is_an_emoji(void **state)
{
    static const char *const hostile[] = {"", "$inc", "a.b", "a b", "\"", "\\", "\n"};
    struct chat_state *chat = *state;
    struct cc_message message = a_message(chat);

    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        struct ev_message_created ask = a_reaction(GRACE, hostile[i], true);
        assert_int_equal(verdict_on(chat, &ask, &message), CC_UNPROCESSABLE);
    }
}

static void a_message_is_pinned_and_unpinned(void **state)
{
    struct chat_state *chat = *state;
    struct cc_message message = a_message(chat);
    struct ev_message_created pin = an_operation(CC_OP_PIN, GRACE),
                              by_stranger = an_operation(CC_OP_PIN, EVE);
    pin.on = true;

    struct change pinned = decide_on(chat, &pin, &message, false);
    pin.on = false;
    struct change unpinned = decide_on(chat, &pin, &pinned.message, false);

    assert_true(pinned.message.pinned);
    assert_string_equal(pinned.message.body, "helo");
    assert_false(unpinned.message.pinned);
    assert_int_equal(verdict_on(chat, &by_stranger, &message), CC_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, domain_start, domain_finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_edit_is_the_next_version_of_the_same_message),
        TEST(only_its_author_edits_a_message_and_only_for_a_while),
        TEST(an_edit_of_another_version_than_expected_is_refused),
        TEST(an_edit_leaves_a_message_that_says_something),
        TEST(what_is_not_there_can_not_be_altered),
        TEST(a_deleted_message_says_nothing_and_is_not_unread),
        TEST(an_author_or_an_admin_deletes_and_nobody_else),
        TEST(deleting_twice_is_no_fault),
        TEST(the_system_deletes_what_has_expired_and_nothing_else),
        TEST(a_reaction_counts_once_however_often_it_is_given),
        TEST(a_reaction_that_is_taken_back_leaves_nothing),
        TEST(a_message_has_so_many_kinds_of_reactions_and_no_more),
        TEST(a_reaction_is_an_emoji),
        TEST(a_message_is_pinned_and_unpinned),
    };

    return cmocka_run_group_tests_name("message alterations", tests, NULL, NULL);
}
