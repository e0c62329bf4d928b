/* Edits, deletions, reactions, pins and replies through the owner's batch: on what the batch itself
 * made, again, after another owner, at every crash point, and from the beginning once more. */

#include <stdio.h>
#include <string.h>

#include "common/strbuf.h"
#include "owner_fixture.h"
#include "testing.h"

#define THUMB "\xf0\x9f\x91\x8d"

static struct operation an_operation(struct owner_fixture *f, enum cc_op op, const char *sender_id,
                                     const char *client_msg_id, const struct operation *target)
{
    struct operation operation = a_send(f, CHAT_ONE, sender_id, client_msg_id, "");

    operation.ask.op = op;
    operation.ask.type = "";
    operation.ask.target_message_id = target->ask.op_id;
    identify(f, &operation);
    return operation;
}

static struct operation an_edit(struct owner_fixture *f, const char *sender_id,
                                const char *client_msg_id, const struct operation *target,
                                const char *body)
{
    struct operation operation = an_operation(f, CC_OP_EDIT, sender_id, client_msg_id, target);

    operation.ask.body = body;
    identify(f, &operation);
    return operation;
}

static struct operation a_reaction(struct owner_fixture *f, const char *sender_id,
                                   const char *client_msg_id, const struct operation *target,
                                   bool on)
{
    struct operation operation = an_operation(f, CC_OP_REACT, sender_id, client_msg_id, target);

    operation.ask.emoji = THUMB;
    operation.ask.on = on;
    identify(f, &operation);
    return operation;
}

static struct operation a_pin(struct owner_fixture *f, const char *client_msg_id,
                              const struct operation *target, bool on)
{
    struct operation operation = an_operation(f, CC_OP_PIN, ADA, client_msg_id, target);

    operation.ask.on = on;
    identify(f, &operation);
    return operation;
}

static struct operation a_reply(struct owner_fixture *f, const char *client_msg_id,
                                const struct operation *target)
{
    struct operation operation = a_send(f, CHAT_ONE, GRACE, client_msg_id, "a reply");

    operation.ask.reply_to = target->ask.op_id;
    identify(f, &operation);
    return operation;
}

/* One of each kind, on messages of the same batch, in a chat whose first rev is 1. */
#define STORY 14
static void fill_story(struct owner_fixture *f, struct operation story[STORY])
{
    struct operation *one = &story[0], *two = &story[1], *three = &story[5];

    *one = a_send(f, CHAT_ONE, ADA, "m1", "helo");
    *two = a_send(f, CHAT_ONE, GRACE, "m2", "secret");
    story[2] = an_edit(f, ADA, "e1", one, "hello");
    story[3] = a_reaction(f, GRACE, "r1", one, true);
    story[4] = a_reaction(f, ADA, "r2", one, true);
    *three = a_reply(f, "m3", one);
    story[6] = an_edit(f, EVE, "e2", one, "by a stranger");
    story[7] = an_edit(f, GRACE, "e3", two, "more secret");
    story[8] = a_pin(f, "p1", three, true);
    story[9] = an_operation(f, CC_OP_DELETE, GRACE, "d1", two);
    story[10] = a_reaction(f, GRACE, "r3", one, false);
    story[11] = an_edit(f, GRACE, "e4", two, "too late");
    story[12] = a_reaction(f, ADA, "r4", one, true);
    story[13] = an_edit(f, ADA, "e5", one, "hello!");
    story[13].ask.expected_version = 2;
}

static void assert_story_is_told(struct owner_fixture *f, const struct operation story[STORY])
{
    struct message_list list = history(f, CHAT_ONE);

    assert_history_is(f, CHAT_ONE, 3);
    assert_string_equal(list.items[0].body, "hello!");
    assert_int_equal(list.items[0].version, 3);
    assert_string_equal(list.items[0].reactions_json, "{\"" THUMB "\":{\"count\":1}}");
    assert_true(list.items[1].deleted);
    assert_string_equal(list.items[1].body, "");
    assert_true(list.items[2].pinned);
    assert_string_equal(list.items[2].reply_to, story[0].ask.op_id);
    assert_int_equal(last_told(f, &story[6])->refusal, CC_NOT_FOUND);
    assert_int_equal(last_told(f, &story[11])->refusal, CC_NOT_FOUND);
    assert_int_equal(last_told(f, &story[13])->refusal, CC_OK);
    assert_int_equal(last_told(f, &story[13])->rev, 12);
    assert_int_equal(last_told(f, &story[13])->seq, 1);
}

/* Looked up where it is not, in the same batch. */
static void who_names_another_chats_message_hides_it_from_nobody(void **state)
{
    struct owner_fixture *f = *state;
    struct operation one = a_send(f, CHAT_ONE, ADA, "m1", "helo");
    struct operation elsewhere = an_edit(f, ADA, "e1", &one, "by the other chat");
    struct operation here = an_edit(f, ADA, "e2", &one, "hello");
    elsewhere.ask.chat_id = CHAT_TWO;
    identify(f, &elsewhere);
    must_apply(f, &one, 1);
    const struct operation both[] = {elsewhere, here};

    must_apply(f, both, 2);

    assert_int_equal(last_told(f, &elsewhere)->refusal, CC_NOT_FOUND);
    assert_int_equal(last_told(f, &here)->refusal, CC_OK);
    assert_string_equal(history(f, CHAT_ONE).items[0].body, "hello");
}

static void write_changes(struct owner_fixture *f, struct cc_json_writer *writer)
{
    struct change_list list;

    assert_int_equal(
        f->store->ops->changes_after(f->store, CHAT_ONE, 0, 1000, f->arena, &list, &f->err), CC_OK);
    cc_json_open_array(writer, "changes");
    for (size_t i = 0; i < list.count; i++) {
        cc_json_open_object(writer, NULL);
        cc_json_put_text(writer, "op", cc_op_names[list.items[i]->op]);
        cc_json_put_text(writer, "op_id", list.items[i]->op_id);
        cc_reaction_write(writer, &list.items[i]->reaction);
        cc_message_write(writer, &list.items[i]->message);
        cc_json_close_object(writer);
    }
    cc_json_close_array(writer);
}

/* All that anybody can see of the chat, as text. */
static const char *picture(struct owner_fixture *f)
{
    struct message_list list = history(f, CHAT_ONE);
    struct cc_json_writer writer;
    struct cc_strbuf text;

    cc_strbuf_init(&text, 1 << 20);
    cc_json_writer_init(&writer, &text);
    cc_json_open_object(&writer, NULL);
    cc_json_open_array(&writer, "history");
    for (size_t i = 0; i < list.count; i++) {
        cc_json_open_object(&writer, NULL);
        cc_message_write(&writer, &list.items[i]);
        cc_json_close_object(&writer);
    }
    cc_json_close_array(&writer);
    write_changes(f, &writer);
    cc_json_close_object(&writer);
    const char *copy = cc_arena_strdup(f->arena, cc_strbuf_text(&text));
    cc_strbuf_finish(&text);
    return copy;
}

static void operations_build_upon_each_other_within_a_batch(void **state)
{
    struct owner_fixture *f = *state;
    struct operation story[STORY];
    fill_story(f, story);

    must_apply(f, story, STORY);

    assert_story_is_told(f, story);
    assert_null(strstr(picture(f), "secret"));
}

static void operations_build_upon_what_earlier_batches_stored(void **state)
{
    struct owner_fixture *f = *state;
    struct operation story[STORY];
    fill_story(f, story);

    for (size_t i = 0; i < STORY; i++) {
        must_apply(f, &story[i], 1);
        if (i % 3 == 2)
            replace_owner(f);
    }

    assert_story_is_told(f, story);
    assert_null(strstr(picture(f), "secret"));
}

/* In every portion, so that decisions meet what is there in every state. */
static void a_replay_of_all_kinds_changes_nothing(void **state)
{
    struct owner_fixture *f = *state;
    struct operation story[STORY];
    fill_story(f, story);
    must_apply(f, story, STORY);
    const char *before = picture(f);

    for (size_t portion = 1; portion <= STORY; portion++) {
        replace_owner(f);
        for (size_t at = 0; at < STORY; at += portion)
            must_apply(f, story + at, portion < STORY - at ? portion : STORY - at);
        assert_string_equal(picture(f), before);
        assert_story_is_told(f, story);
    }
    assert_true(last_told(f, &story[13])->duplicate);
}

static void a_repeated_edit_makes_one_version(void **state)
{
    struct owner_fixture *f = *state;
    struct operation create = a_send(f, CHAT_ONE, ADA, "m1", "a");
    struct operation edit = an_edit(f, ADA, "e1", &create, "b");
    struct operation batch[] = {create, edit, edit};

    must_apply(f, batch, 3);
    must_apply(f, &edit, 1);

    assert_int_equal(history(f, CHAT_ONE).items[0].version, 2);
    assert_true(last_told(f, &edit)->duplicate);
    assert_int_equal(last_told(f, &edit)->rev, 2);
}

static void an_edit_of_an_expected_version_is_repeated_as_well(void **state)
{
    struct owner_fixture *f = *state;
    struct operation create = a_send(f, CHAT_ONE, ADA, "m1", "a");
    struct operation edit = an_edit(f, ADA, "e1", &create, "b"),
                     late = an_edit(f, ADA, "e2", &create, "c");
    edit.ask.expected_version = late.ask.expected_version = 1;
    must_apply(f, &create, 1);
    must_apply(f, &edit, 1);
    must_apply(f, &late, 1);

    must_apply(f, &edit, 1);
    must_apply(f, &late, 1);

    assert_int_equal(last_told(f, &edit)->refusal, CC_OK);
    assert_int_equal(last_told(f, &late)->refusal, CC_VERSION_MISMATCH);
    assert_string_equal(history(f, CHAT_ONE).items[0].body, "b");
}

static void a_message_of_another_chat_is_not_there(void **state)
{
    struct owner_fixture *f = *state;
    struct operation elsewhere = a_send(f, CHAT_TWO, ADA, "m1", "a");
    struct operation edit = an_edit(f, ADA, "e1", &elsewhere, "b"),
                     reply = a_reply(f, "m2", &elsewhere),
                     removal = an_operation(f, CC_OP_DELETE, ADA, "d1", &elsewhere);
    struct operation batch[] = {elsewhere, edit, reply, removal};

    must_apply(f, batch, 4);

    assert_int_equal(last_told(f, &edit)->refusal, CC_NOT_FOUND);
    assert_int_equal(last_told(f, &removal)->refusal, CC_NOT_FOUND);
    assert_int_equal(last_told(f, &reply)->refusal, CC_UNPROCESSABLE);
    assert_string_equal(history(f, CHAT_TWO).items[0].body, "a");
    assert_int_equal(history(f, CHAT_ONE).count, 0);
}

static void an_operation_without_a_target_is_refused(void **state)
{
    struct owner_fixture *f = *state;
    struct operation create = a_send(f, CHAT_ONE, ADA, "m1", "a");
    struct operation edit = an_edit(f, ADA, "e1", &create, "b");
    edit.ask.target_message_id = NULL;
    identify(f, &edit);

    must_apply(f, &edit, 1);

    assert_int_equal(last_told(f, &edit)->refusal, CC_NOT_FOUND);
}

/* Ours was decided upon version 1; by the time it is stored there is another one. */
static void what_another_owner_altered_is_seen_before_it_is_decided_again(void **state)
{
    struct owner_fixture *f = *state;
    struct operation create = a_send(f, CHAT_ONE, ADA, "m1", "a");
    struct operation theirs = an_edit(f, ADA, "e1", &create, "theirs"),
                     strict = an_edit(f, ADA, "e2", &create, "ours"),
                     loose = an_edit(f, ADA, "e3", &create, "ours too");
    struct operation batch[] = {strict, loose};
    batch[0].ask.expected_version = 1;
    must_apply(f, &create, 1);
    apply_as_another_owner(f, &theirs);

    must_apply(f, batch, 2);

    assert_int_equal(last_told(f, &strict)->refusal, CC_VERSION_MISMATCH);
    assert_int_equal(last_told(f, &loose)->refusal, CC_OK);
    assert_int_equal(history(f, CHAT_ONE).items[0].version, 3);
    assert_string_equal(history(f, CHAT_ONE).items[0].body, "ours too");
}

static void a_repeated_message_that_was_deleted_says_nothing_any_more(void **state)
{
    struct owner_fixture *f = *state;
    struct operation create = a_send(f, CHAT_ONE, ADA, "m1", "secret"),
                     other = a_send(f, CHAT_ONE, ADA, "m1", "another");
    struct operation removal = an_operation(f, CC_OP_DELETE, ADA, "d1", &create);
    must_apply(f, &create, 1);
    must_apply(f, &removal, 1);

    must_apply(f, &create, 1);
    assert_true(last_told(f, &create)->duplicate);
    assert_int_equal(last_told(f, &create)->seq, 1);
    must_apply(f, &other, 1);

    assert_int_equal(last_told(f, &other)->refusal, CC_IDEMPOTENCY_CONFLICT);
    assert_true(history(f, CHAT_ONE).items[0].deleted);
    assert_null(strstr(picture(f), "secret"));
}

/* Its first messages are there already; the whole of it fails at one point, comes again to the same
 * or to another owner, and nobody sees that. */
static void survive(struct owner_fixture *f, const char *expected, bool another_owner)
{
    struct operation story[STORY];
    int tries = 0;

    fill_story(f, story); /* tells the same each time */
    while (try_apply(f, story, STORY) != CC_OK) {
        assert_true(++tries < 3);
        if (another_owner)
            replace_owner(f);
    }
    assert_story_is_told(f, story);
    assert_string_equal(picture(f), expected);
}

static const enum store_call calls[] = {
    STORE_APPEND_CHANGES, STORE_MATERIALISE,  STORE_LOAD_HEAD,    STORE_CHANGES_AFTER,
    STORE_FIND_OPERATION, STORE_FIND_MESSAGE, STORE_FIND_REACTION};
#define CALLS (sizeof calls / sizeof calls[0])

static void every_failing_store_call_is_survived(void **state)
{
    struct owner_fixture *f = *state;
    struct operation story[STORY];
    char expected[1 << 14];
    fill_story(f, story);
    must_apply(f, story, STORY);
    assert_true(strlen(picture(f)) < sizeof expected);
    snprintf(expected, sizeof expected, "%s", picture(f));

    for (size_t i = 0; i < CALLS * 4; i++) {
        owner_fixture_finish(state);
        owner_fixture_start(state);
        fill_story(f, story);
        must_apply(f, story, 2);
        message_store_failing_plan(f->store, calls[i / 4], 1,
                                   i % 2 == 0 ? STORE_FAILS_BEFORE : STORE_FAILS_AFTER,
                                   CC_OUTCOME_UNKNOWN);
        survive(f, expected, i / 2 % 2 == 1);
        assert_true(message_store_failing_done(f->store));
    }
}

static void a_failing_announcement_is_repeated(void **state)
{
    struct owner_fixture *f = *state;
    struct operation story[STORY];
    char expected[1 << 14];
    fill_story(f, story);
    must_apply(f, story, STORY);
    snprintf(expected, sizeof expected, "%s", picture(f));

    for (int i = 0; i < 4; i++) {
        owner_fixture_finish(state);
        owner_fixture_start(state);
        fill_story(f, story);
        must_apply(f, story, 2);
        f->announce_failures = 1;
        f->announce_after_effect = i % 2 == 1;
        survive(f, expected, i / 2 == 1);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, owner_fixture_start, owner_fixture_finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_names_another_chats_message_hides_it_from_nobody),
        TEST(operations_build_upon_each_other_within_a_batch),
        TEST(operations_build_upon_what_earlier_batches_stored),
        TEST(a_replay_of_all_kinds_changes_nothing),
        TEST(a_repeated_edit_makes_one_version),
        TEST(an_edit_of_an_expected_version_is_repeated_as_well),
        TEST(a_message_of_another_chat_is_not_there),
        TEST(an_operation_without_a_target_is_refused),
        TEST(what_another_owner_altered_is_seen_before_it_is_decided_again),
        TEST(a_repeated_message_that_was_deleted_says_nothing_any_more),
        TEST(every_failing_store_call_is_survived),
        TEST(a_failing_announcement_is_repeated),
    };

    return cmocka_run_group_tests_name("operations on messages", tests, NULL, NULL);
}
