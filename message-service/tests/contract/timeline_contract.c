/* The timeline: what was appended, as messages; and their alterations. Part of the contract of
 * message_store.h. */

#include "message_store_contract.h"

#include <stdio.h>
#include <string.h>

#include "store_fixture.h"

static struct message_list messages(struct log_fixture *f, int64_t from, int64_t to)
{
    struct message_list list = {0};

    assert_int_equal(
        f->store->ops->messages_by_seq(f->store, f->chat, from, to, f->arena, &list, &f->err),
        CC_OK);
    return list;
}

static struct cc_message *find_message(struct log_fixture *f, const char *message_id)
{
    struct cc_message *found = NULL;

    assert_int_equal(
        f->store->ops->find_message(f->store, f->chat, message_id, f->arena, &found, &f->err),
        CC_OK);
    return found;
}

static struct change_list versions_of(struct log_fixture *f, const char *message_id)
{
    struct change_list list = {0};

    assert_int_equal(
        f->store->ops->versions_of(f->store, f->chat, message_id, f->arena, &list, &f->err), CC_OK);
    return list;
}

static bool has_reacted(struct log_fixture *f, const char *message_id, const char *user_id,
                        const char *emoji)
{
    bool on = true;

    assert_int_equal(
        f->store->ops->find_reaction(f->store, message_id, user_id, emoji, &on, &f->err), CC_OK);
    return on;
}

static struct reaction_list reactions_of(struct log_fixture *f, const char *user_id, int64_t from,
                                         int64_t to)
{
    const struct person_range range = {user_id, f->chat, from, to};
    struct reaction_list list = {0};

    assert_int_equal(f->store->ops->reactions_of(f->store, &range, f->arena, &list, &f->err),
                     CC_OK);
    return list;
}

static struct message_list pinned_messages(struct log_fixture *f)
{
    struct message_list list = {0};

    assert_int_equal(f->store->ops->pinned_messages(f->store, f->chat, f->arena, &list, &f->err),
                     CC_OK);
    return list;
}

static void materialising_twice_changes_nothing(void **state)
{
    struct log_fixture *f = *state;
    struct change *batch[] = {a_create(f, 1, "one"), a_create(f, 2, "two"),
                              a_create(f, 3, "three")};
    must_materialise(f, batch, 2);

    must_materialise(f, batch, 3);

    struct message_list list = messages(f, 1, 10);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.items[0].body, "one");
    assert_string_equal(list.items[2].body, "three");
    assert_int_equal(list.items[2].seq, 3);
    assert_int_equal(list.items[2].rev, 3);
    assert_string_equal(list.items[2].message_id, batch[2]->op_id);
    assert_string_equal(list.items[2].chat_id, f->chat);
    assert_string_equal(list.items[2].sender_id, batch[2]->sender_id);
}

static void what_takes_no_seq_is_not_in_the_timeline(void **state)
{
    struct log_fixture *f = *state;
    struct change *batch[] = {a_create(f, 1, "one"), a_create(f, 2, "")};
    batch[1]->op = CC_OP_SYSTEM;
    batch[1]->message.seq = 0;
    batch[1]->head_seq = 1;

    must_materialise(f, batch, 2);

    assert_int_equal(messages(f, 0, 10).count, 1);
}

static void a_range_of_messages_is_exact_across_buckets(void **state)
{
    struct log_fixture *f = *state;
    append_many(f, 200);

    struct message_list list = messages(f, 60, 130);

    assert_int_equal(list.count, 71);
    for (size_t i = 0; i < list.count; i++)
        assert_int_equal(list.items[i].seq, 60 + (int64_t)i);
}

static void chats_do_not_see_each_other(void **state)
{
    struct log_fixture *f = *state;
    append_many(f, 3);
    f->chat = new_id(f);

    assert_int_equal(messages(f, 1, 10).count, 0);
    assert_int_equal(changes_after(f, 0, 10).count, 0);
}

/* Alterations */

static void an_altered_message_is_found_as_it_is_now(void **state)
{
    struct log_fixture *f = *state;
    struct change *create = a_create(f, 1, "helo");
    struct change *batch[] = {create, an_edit(f, create, 2, "hello"), NULL};
    batch[2] = a_pin(f, batch[1], 3, true);

    must_append(f, batch[0]);
    must_append(f, batch[1]);
    must_append(f, batch[2]);
    must_materialise(f, batch, 3);

    struct cc_message *found = find_message(f, create->op_id);
    assert_string_equal(found->body, "hello");
    assert_int_equal(found->version, 2);
    assert_int_equal(found->rev, 3);
    assert_int_equal(found->seq, 1);
    assert_int_equal(found->edited_at_ms, FAKE_T0_MS + 2);
    assert_int_equal(found->created_at_ms, FAKE_T0_MS);
    assert_string_equal(found->chat_id, f->chat);
    assert_string_equal(found->sender_id, create->sender_id);
    assert_true(found->pinned);
    assert_int_equal(messages(f, 1, 10).count, 1);
    assert_null(find_message(f, new_id(f)));
    const char *chat = f->chat;
    f->chat = NULL;
    assert_string_equal(find_message(f, create->op_id)->chat_id, chat);
    f->chat = new_id(f);
    assert_null(find_message(f, create->op_id));
    f->chat = chat;
    struct change *logged = find_change(f, batch[1]->op_id);
    assert_int_equal(logged->op, CC_OP_EDIT);
    assert_string_equal(logged->message.message_id, create->op_id);
}

static void what_is_newer_in_the_timeline_stays(void **state)
{
    struct log_fixture *f = *state;
    const char *ada = new_id(f);
    struct change *create = a_create(f, 1, "one");
    struct change *edit = an_edit(f, create, 2, "two");
    struct change *later[] = {an_edit(f, edit, 3, "three"), a_reaction(f, edit, 4, ada, "ok", true),
                              a_reaction(f, edit, 5, ada, "ok", false)};
    must_materialise(f, &create, 1);
    must_materialise(f, later, 3);

    struct change *replayed[] = {create, edit, later[0], later[1]};
    must_materialise(f, replayed, 4);

    assert_int_equal(find_message(f, create->op_id)->rev, 5);
    assert_false(has_reacted(f, create->op_id, ada, "ok"));
}

static void the_versions_of_a_message_come_in_order(void **state)
{
    struct log_fixture *f = *state;
    struct change *create = a_create(f, 1, "one"), *other = a_create(f, 2, "other");
    struct change *second = an_edit(f, create, 3, "two");
    struct change *pin = a_pin(f, second, 4, true), *third = an_edit(f, second, 5, "three");
    struct change *all[] = {create, other, second, pin, third};
    assert_int_equal(append_expecting(f, all, 5, CC_OK), 5);

    struct change_list list = versions_of(f, create->op_id);

    assert_int_equal(list.count, 3);
    assert_string_equal(list.items[0]->message.body, "one");
    assert_string_equal(list.items[1]->message.body, "two");
    assert_string_equal(list.items[2]->message.body, "three");
    assert_int_equal(list.items[2]->message.version, 3);
}

static void of_too_many_versions_the_newest_are_kept(void **state)
{
    struct log_fixture *f = *state;
    struct change *all[MESSAGE_VERSIONS_MAX + 3] = {a_create(f, 1, "first")};
    for (int64_t i = 1; i < MESSAGE_VERSIONS_MAX + 3; i++)
        all[i] = an_edit(f, all[i - 1], i + 1, "again");
    append_expecting(f, all, MESSAGE_VERSIONS_MAX + 3, CC_OK);

    struct change_list list = versions_of(f, all[0]->op_id);

    assert_int_equal(list.count, MESSAGE_VERSIONS_MAX);
    assert_int_equal(list.items[0]->message.version, 4);
    assert_int_equal(list.items[list.count - 1]->message.version, MESSAGE_VERSIONS_MAX + 3);
}

static void assert_says_nothing(const struct cc_message *message)
{
    assert_true(message->deleted);
    assert_string_equal(message->body, "");
    assert_null(message->attachments_json);
    assert_int_equal(message->mention_count, 0);
}

static void a_deletion_takes_what_was_said_out_of_the_log_too(void **state)
{
    struct log_fixture *f = *state;
    const char *mentions[] = {new_id(f)};
    struct change *create = a_create(f, 1, "secret"), *other = a_create(f, 2, "other");
    create->message.mentions = mentions;
    create->message.mention_count = 1;
    create->message.attachments_json = "[{\"media_id\":\"secret\"}]";
    struct change *edit = an_edit(f, create, 3, "more secret");
    struct change *deletion = a_deletion(f, edit, 4);
    struct change *all[] = {create, other, edit, deletion};
    assert_int_equal(append_expecting(f, all, 4, CC_OK), 4);

    must_materialise(f, all, 4);

    struct change_list list = changes_after(f, 0, 10);
    assert_int_equal(list.count, 4);
    assert_says_nothing(&list.items[0]->message);
    assert_string_equal(list.items[0]->request_hash, "hash");
    assert_string_equal(list.items[0]->message.message_id, create->op_id);
    assert_int_equal(list.items[0]->message.seq, 1);
    assert_string_equal(list.items[1]->message.body, "other");
    assert_false(list.items[1]->message.deleted);
    assert_says_nothing(&list.items[2]->message);
    assert_says_nothing(&list.items[3]->message);
    assert_says_nothing(find_message(f, create->op_id));
    assert_says_nothing(&versions_of(f, create->op_id).items[0]->message);
    assert_says_nothing(&messages(f, 1, 1).items[0]);
}

static void reactions_are_known_by_person_and_emoji(void **state)
{
    struct log_fixture *f = *state;
    const char *ada = new_id(f), *grace = new_id(f);
    struct change *first = a_create(f, 1, "one"), *second = a_create(f, 2, "two");
    second->message.seq = 70; /* in another bucket */
    struct change *batch[] = {
        first,
        second,
        a_reaction(f, first, 3, ada, "\xf0\x9f\x91\x8d", true),
        a_reaction(f, second, 4, ada, "ok", true),
        a_reaction(f, first, 5, grace, "ok", true),
        a_reaction(f, first, 6, ada, "no", true),
        a_reaction(f, first, 7, ada, "no", false),
    };

    must_materialise(f, batch, 7);

    assert_true(has_reacted(f, first->op_id, ada, "\xf0\x9f\x91\x8d"));
    assert_true(has_reacted(f, first->op_id, grace, "ok"));
    assert_false(has_reacted(f, first->op_id, ada, "ok"));
    assert_false(has_reacted(f, first->op_id, ada, "no"));
    assert_int_equal(reactions_of(f, ada, 1, 100).count, 2);
    struct reaction_list one = reactions_of(f, ada, 2, 100);
    assert_int_equal(one.count, 1);
    assert_string_equal(one.items[0].message_id, second->op_id);
    assert_string_equal(one.items[0].emoji, "ok");
    assert_int_equal(reactions_of(f, new_id(f), 1, 100).count, 0);
}

/* Each is an update of its own: more than a small server takes in one command. */
static void a_large_batch_of_alterations_is_applied(void **state)
{
    enum { PEOPLE = 60 };
    struct log_fixture *f = *state;
    struct change *batch[2 * PEOPLE];
    for (int64_t i = 0; i < PEOPLE; i++) {
        batch[i] = a_create(f, i + 1, "message");
        batch[PEOPLE + i] =
            a_reaction(f, batch[i], PEOPLE + i + 1, batch[i]->sender_id, "ok", true);
    }

    must_materialise(f, batch, (size_t)2 * PEOPLE);

    for (int64_t i = 0; i < PEOPLE; i++) {
        assert_int_equal(find_message(f, batch[i]->op_id)->rev, PEOPLE + i + 1);
        assert_true(has_reacted(f, batch[i]->op_id, batch[i]->sender_id, "ok"));
    }
}

static void pinned_messages_are_listed_while_they_are_pinned(void **state)
{
    struct log_fixture *f = *state;
    struct change *one = a_create(f, 1, "one"), *two = a_create(f, 2, "two"),
                  *three = a_create(f, 3, "three");
    struct change *batch[] = {one, two, three, a_pin(f, one, 4, true), a_pin(f, three, 5, true)};
    must_materialise(f, batch, 5);

    struct message_list both = pinned_messages(f);
    struct change *unpin = a_pin(f, batch[4], 6, false);
    must_materialise(f, &unpin, 1);

    assert_int_equal(both.count, 2);
    assert_string_equal(both.items[0].body, "three");
    assert_string_equal(both.items[1].body, "one");
    assert_int_equal(pinned_messages(f).count, 1);
    struct change *deletion = a_deletion(f, batch[3], 7);
    must_materialise(f, &deletion, 1);
    assert_int_equal(pinned_messages(f).count, 0);
}

int message_timeline_contract_run(const char *name)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(materialising_twice_changes_nothing),
        STORE_TEST(what_takes_no_seq_is_not_in_the_timeline),
        STORE_TEST(a_range_of_messages_is_exact_across_buckets),
        STORE_TEST(chats_do_not_see_each_other),
        STORE_TEST(an_altered_message_is_found_as_it_is_now),
        STORE_TEST(what_is_newer_in_the_timeline_stays),
        STORE_TEST(the_versions_of_a_message_come_in_order),
        STORE_TEST(of_too_many_versions_the_newest_are_kept),
        STORE_TEST(a_deletion_takes_what_was_said_out_of_the_log_too),
        STORE_TEST(reactions_are_known_by_person_and_emoji),
        STORE_TEST(a_large_batch_of_alterations_is_applied),
        STORE_TEST(pinned_messages_are_listed_while_they_are_pinned),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
