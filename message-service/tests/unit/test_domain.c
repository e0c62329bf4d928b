/* The rules as pure functions: decisions, rights, heads, unread counts. */

#include <stdio.h>
#include <string.h>

#include "domain/decide.h"
#include "domain/reactions.h"
#include "domain/unread.h"
#include "testing.h"

#define CHAT  "00000000-0000-7000-8000-0000000000c1"
#define ADA   "00000000-0000-7000-8000-0000000000a1"
#define GRACE "00000000-0000-7000-8000-0000000000a2"
#define EVE   "00000000-0000-7000-8000-0000000000a3"
#define OP    "00000000-0000-8000-8000-0000000000f1"
#define MSG   "00000000-0000-8000-8000-0000000000e1"

#define EDIT_WINDOW_MS 60000
#define THUMB          "\xf0\x9f\x91\x8d"

static struct cc_arena *arena; /* of the running test */

static struct rights *some_rights(int64_t version)
{
    const struct rights_member members[] = {
        {.user_id = GRACE, .role = RIGHTS_MEMBER},
        {.user_id = ADA, .role = RIGHTS_OWNER},
    };
    struct rights_source source = {
        .version = version, .posting = RIGHTS_POST_ALL, .members = members, .count = 2};
    return rights_create(&source);
}

static int start(void **state)
{
    static struct chat_state chat;

    arena = cc_arena_create(0);
    chat_state_init(&chat, CHAT);
    chat_state_take_rights(&chat, some_rights(3));
    *state = &chat;
    return 0;
}

static int finish(void **state)
{
    chat_state_finish(*state);
    cc_arena_destroy(arena);
    return 0;
}

static struct ev_message_created a_send(const char *sender_id, const char *body)
{
    return (struct ev_message_created){
        .op = CC_OP_CREATE,
        .op_id = OP,
        .chat_id = CHAT,
        .sender_id = sender_id,
        .client_msg_id = "m1",
        .device_id = "phone",
        .type = "text",
        .body = body,
        .request_hash = "hash",
        .received_at_ms = FAKE_T0_MS,
    };
}

static struct ev_message_created a_system(const char *json, bool counted, int64_t version,
                                          const struct cc_member_change *members, size_t count)
{
    struct ev_message_created ask = a_send(CC_SYSTEM_SENDER, "");

    ask.op = CC_OP_SYSTEM;
    ask.type = "system";
    ask.system_json = json;
    ask.counted = counted;
    ask.member_version = version;
    ask.members = members;
    ask.member_count = count;
    return ask;
}

static struct change decide_on(struct chat_state *chat, const struct ev_message_created *ask,
                               const struct cc_message *target, bool reacted)
{
    struct decide_context context = {
        .target = {target, reacted}, .edit_window_ms = EDIT_WINDOW_MS, .arena = arena};
    struct change change;

    decide(chat, ask, &context, &change);
    return change;
}

static struct change decide_alone(struct chat_state *chat, const struct ev_message_created *ask)
{
    return decide_on(chat, ask, NULL, false);
}

static enum cc_code verdict(struct chat_state *chat, const struct ev_message_created *ask)
{
    return decide_alone(chat, ask).refusal;
}

static enum cc_code verdict_on(struct chat_state *chat, const struct ev_message_created *ask,
                               const struct cc_message *target)
{
    return decide_on(chat, ask, target, false).refusal;
}

/* Ada's message, fourth in its chat, which stands at rev 9, seq 7. */
static struct cc_message a_message(struct chat_state *chat)
{
    chat->head.rev = 9;
    chat->head.seq = 7;
    return (struct cc_message){
        .message_id = MSG,
        .chat_id = CHAT,
        .seq = 4,
        .rev = 5,
        .sender_id = ADA,
        .type = "text",
        .body = "helo",
        .created_at_ms = FAKE_T0_MS,
        .version = 1,
    };
}

static struct ev_message_created an_operation(enum cc_op op, const char *sender_id)
{
    struct ev_message_created ask = a_send(sender_id, "");

    ask.op = op;
    ask.type = "";
    ask.target_message_id = MSG;
    ask.emoji = "";
    ask.received_at_ms = FAKE_T0_MS + 1000;
    return ask;
}

static struct ev_message_created an_edit(const char *sender_id, const char *body)
{
    struct ev_message_created ask = an_operation(CC_OP_EDIT, sender_id);

    ask.body = body;
    return ask;
}

static struct ev_message_created a_reaction(const char *sender_id, const char *emoji, bool on)
{
    struct ev_message_created ask = an_operation(CC_OP_REACT, sender_id);

    ask.emoji = emoji;
    ask.on = on;
    return ask;
}

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
        struct ev_message_created ask = a_reaction(GRACE, cc_arena_printf(arena, "e%d", i), true);
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
        {.user_id = ADA, .role = RIGHTS_OWNER},
        {.user_id = GRACE, .role = RIGHTS_MEMBER},
    };
    for (int i = 2; i < count; i++)
        snprintf(members[i].user_id, CC_UUID_BYTES, "00000000-0000-7000-8000-%012d", i);
    struct rights_source source = {
        .version = 4, .posting = RIGHTS_POST_ALL, .members = members, .count = (size_t)count};
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

/* Rights */

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
    const struct rights_member members[] = {{.user_id = ADA, .role = RIGHTS_ADMIN},
                                            {.user_id = GRACE, .role = RIGHTS_MEMBER}};
    struct rights_source source = {
        .version = 1, .posting = RIGHTS_POST_ADMINS, .members = members, .count = 2};
    struct rights *rights = rights_create(&source);

    assert_int_equal(rights_may_post(rights, ADA), CC_OK);
    assert_int_equal(rights_may_post(rights, GRACE), CC_FORBIDDEN);
    assert_int_equal(rights_may_read(rights, GRACE), CC_OK);
    rights_unref(rights);
}

static struct rights *rights_with(enum rights_history history, int64_t joined_seq)
{
    const struct rights_member members[] = {{.user_id = GRACE, .joined_seq = joined_seq}};
    struct rights_source source = {
        .version = 1, .history = history, .members = members, .count = 1};

    return rights_create(&source);
}

static int64_t floor_with(enum rights_history history, int64_t joined_seq, struct rights_own own)
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

    assert_int_equal(floor_with(RIGHTS_HISTORY_JOINED, 5, nothing), 5);
    assert_int_equal(floor_with(RIGHTS_HISTORY_JOINED, 5, came), 7);
    assert_int_equal(floor_with(RIGHTS_HISTORY_JOINED, 8, came), 8);
    assert_int_equal(floor_with(RIGHTS_HISTORY_JOINED, 5, cleared), 9);
    assert_int_equal(floor_with(RIGHTS_HISTORY_JOINED, 5, both), 12);
}

static void where_history_is_for_all_only_what_one_cleared_is_gone(void **state)
{
    (void)state;
    const struct rights_own came = {.from_seq = 7}, both = {.from_seq = 12, .cleared_seq = 9};

    assert_int_equal(floor_with(RIGHTS_HISTORY_ALL, 5, came), 0);
    assert_int_equal(floor_with(RIGHTS_HISTORY_ALL, 5, both), 9);
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
    assert_int_equal(rights_find(chat->rights, GRACE)->role, RIGHTS_OWNER);
    assert_int_equal(rights_find(chat->rights, ADA)->role, RIGHTS_ADMIN);
    chat_state_advance(chat, &banned);

    assert_int_equal(rights_may_read(chat->rights, GRACE), CC_FORBIDDEN);
}

static void recipients_are_the_active_members_or_left_out_when_many(void **state)
{
    (void)state;
    struct rights_member members[CC_RECIPIENTS_MAX + 2] = {0};
    for (int i = 0; i < CC_RECIPIENTS_MAX + 2; i++)
        snprintf(members[i].user_id, CC_UUID_BYTES, "00000000-0000-7000-8000-%012d", i);
    members[0].state = RIGHTS_LEFT;
    struct rights_source all = {.version = 1,
                                .posting = RIGHTS_POST_ALL,
                                .members = members,
                                .count = CC_RECIPIENTS_MAX + 2};
    struct rights_source fewer = {.version = 1,
                                  .posting = RIGHTS_POST_ALL,
                                  .members = members,
                                  .count = CC_RECIPIENTS_MAX + 1};

    struct rights *many = rights_create(&all), *few = rights_create(&fewer);

    assert_true(many->recipients_omitted);
    assert_int_equal(many->recipient_count, 0);
    assert_false(few->recipients_omitted);
    assert_int_equal(few->recipient_count, CC_RECIPIENTS_MAX);
    rights_unref(many);
    rights_unref(few);
}

/* Unread */

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

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
        TEST(a_reply_answers_a_message_of_the_chat),
        TEST(everybody_is_mentioned_by_anybody_in_a_small_chat_and_by_admins_in_a_large_one),
        TEST(older_news_about_members_change_nothing),
        TEST(only_admins_post_where_only_admins_may),
        TEST(a_chat_begins_where_its_member_came_or_cleared_it_whichever_is_later),
        TEST(where_history_is_for_all_only_what_one_cleared_is_gone),
        TEST(who_may_post_changes_in_the_order_of_the_log),
        TEST(where_nobody_posts_reading_reacting_and_deleting_go_on),
        TEST(a_message_lives_no_longer_than_its_group_keeps_messages),
        TEST(a_ban_and_a_new_role_count_from_their_place_in_the_log),
        TEST(recipients_are_the_active_members_or_left_out_when_many),
        TEST(own_and_system_messages_are_not_unread),
        TEST(unread_is_exact_to_999_and_capped_above),
        TEST(what_the_full_list_does_not_reach_must_be_counted),
        TEST(uncounted_seqs_are_kept_sorted_without_repeats),
    };

    return cmocka_run_group_tests_name("message rules", tests, NULL, NULL);
}
