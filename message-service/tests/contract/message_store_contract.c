/* The promises of message_store.h, as tests. Each test has a chat of its own, so that one store
 * serves all. */

#include "message_store_contract.h"

#include <stdio.h>
#include <string.h>

#include "common/id.h"
#include "testing.h"

struct log_fixture {
    struct message_store *store;
    struct cc_arena *arena;
    struct cc_ids *ids;
    const char *chat;
    struct cc_error err;
};

static struct message_store *subject; /* the store under test: cmocka's setup has no argument */

static const char *new_id(struct log_fixture *f)
{
    char id[CC_UUID_BYTES];

    cc_ids_next(f->ids, id);
    return cc_arena_strdup(f->arena, id);
}

static int start(void **state)
{
    static struct log_fixture fixture;

    fixture = (struct log_fixture){.store = subject, .arena = cc_arena_create(0)};
    fixture.ids = cc_ids_create(cc_clock_system(), cc_random_system());
    fixture.chat = new_id(&fixture);
    *state = &fixture;
    return 0;
}

static int finish(void **state)
{
    struct log_fixture *f = *state;

    cc_ids_destroy(f->ids);
    cc_arena_destroy(f->arena);
    return 0;
}

/* Builders */

static struct change *a_create(struct log_fixture *f, int64_t rev, const char *body)
{
    struct change *change = CC_ARENA_NEW(f->arena, struct change);
    const char *op_id = new_id(f), *sender = new_id(f);

    *change = (struct change){
        .chat_id = f->chat,
        .op_id = op_id,
        .op = CC_OP_CREATE,
        .event_id = "event",
        .request_hash = "hash",
        .sender_id = sender,
        .device_id = "phone",
        .rev = rev,
        .head_seq = rev,
        .message =
            {
                .message_id = op_id,
                .chat_id = f->chat,
                .seq = rev,
                .rev = rev,
                .sender_id = sender,
                .type = "text",
                .body = body,
                .created_at_ms = FAKE_T0_MS,
                .version = 1,
            },
    };
    return change;
}

/* An operation on the message that `before` made or left. */
static struct change *an_alteration(struct log_fixture *f, const struct change *before,
                                    enum cc_op op, int64_t rev)
{
    struct change *change = CC_ARENA_NEW(f->arena, struct change);

    *change = *before;
    change->op = op;
    change->op_id = new_id(f);
    change->rev = change->message.rev = rev;
    change->reaction = (struct cc_reaction){0};
    return change;
}

static struct change *an_edit(struct log_fixture *f, const struct change *before, int64_t rev,
                              const char *body)
{
    struct change *change = an_alteration(f, before, CC_OP_EDIT, rev);

    change->message.version++;
    change->message.body = body;
    change->message.edited_at_ms = FAKE_T0_MS + rev;
    return change;
}

static struct change *a_deletion(struct log_fixture *f, const struct change *before, int64_t rev)
{
    struct change *change = an_alteration(f, before, CC_OP_DELETE, rev);

    change->message.body = "";
    change->message.attachments_json = NULL;
    change->message.mention_count = 0;
    change->message.deleted = true;
    change->message.pinned = false;
    return change;
}

static struct change *a_reaction(struct log_fixture *f, const struct change *before, int64_t rev,
                                 const char *user_id, const char *emoji, bool on)
{
    struct change *change = an_alteration(f, before, CC_OP_REACT, rev);

    change->sender_id = user_id;
    change->reaction = (struct cc_reaction){user_id, emoji, on};
    return change;
}

static struct change *a_pin(struct log_fixture *f, const struct change *before, int64_t rev,
                            bool on)
{
    struct change *change = an_alteration(f, before, CC_OP_PIN, rev);

    change->message.pinned = on;
    return change;
}

static struct change *a_refusal(struct log_fixture *f, enum cc_code code)
{
    struct change *change = CC_ARENA_NEW(f->arena, struct change);

    *change = (struct change){
        .chat_id = f->chat,
        .op_id = new_id(f),
        .op = CC_OP_CREATE,
        .request_hash = "hash",
        .sender_id = new_id(f),
        .device_id = "",
        .refusal = code,
    };
    return change;
}

/* Helpers that fail at once */

static size_t append_expecting(struct log_fixture *f, struct change *const *changes, size_t count,
                               enum cc_code expected)
{
    size_t stored = 99;

    assert_int_equal(f->store->ops->append_changes(f->store, (const struct change *const *)changes,
                                                   count, &stored, &f->err),
                     expected);
    return stored;
}

static void must_append(struct log_fixture *f, struct change *change)
{
    assert_int_equal(append_expecting(f, &change, 1, CC_OK), 1);
}

static struct change *find(struct log_fixture *f, const char *op_id)
{
    struct change *found = NULL;

    assert_int_equal(
        f->store->ops->find_operation(f->store, f->chat, op_id, f->arena, &found, &f->err), CC_OK);
    return found;
}

static struct change_list changes_after(struct log_fixture *f, int64_t rev, size_t limit)
{
    struct change_list list = {0};

    assert_int_equal(
        f->store->ops->changes_after(f->store, f->chat, rev, limit, f->arena, &list, &f->err),
        CC_OK);
    return list;
}

static void must_materialise(struct log_fixture *f, struct change *const *changes, size_t count)
{
    assert_int_equal(
        f->store->ops->materialise(f->store, (const struct change *const *)changes, count, &f->err),
        CC_OK);
}

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

    assert_int_equal(f->store->ops->find_message(f->store, message_id, f->arena, &found, &f->err),
                     CC_OK);
    return found;
}

static struct change_list versions_of(struct log_fixture *f, const char *message_id)
{
    struct change_list list = {0};

    assert_int_equal(f->store->ops->versions_of(f->store, message_id, f->arena, &list, &f->err),
                     CC_OK);
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

/* The log */

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

    struct change *found = find(f, change->op_id);
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

    struct change *found = find(f, change->op_id);
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

    assert_null(find(f, new_id(f)));
}

static void the_same_operation_is_not_appended_twice(void **state)
{
    struct log_fixture *f = *state;
    struct change *first = a_create(f, 1, "first"), *again = a_create(f, 2, "again");
    again->op_id = first->op_id;
    must_append(f, first);

    size_t stored = append_expecting(f, &again, 1, CC_CONFLICT);

    assert_int_equal(stored, 0);
    assert_string_equal(find(f, first->op_id)->message.body, "first");
    assert_int_equal(changes_after(f, 0, 10).count, 1);
}

static void the_same_rev_is_not_given_out_twice(void **state)
{
    struct log_fixture *f = *state;
    struct change *ours = a_create(f, 1, "ours"), *theirs = a_create(f, 1, "theirs");
    must_append(f, theirs);

    size_t stored = append_expecting(f, &ours, 1, CC_CONFLICT);

    assert_int_equal(stored, 0);
    assert_null(find(f, ours->op_id));
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
    assert_non_null(find(f, batch[1]->op_id));
    assert_null(find(f, batch[2]->op_id));
    assert_null(find(f, batch[3]->op_id));
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
        assert_null(find(f, batch[i]->op_id));
}

static void a_refusal_is_found_and_takes_no_rev(void **state)
{
    struct log_fixture *f = *state;
    struct change *batch[] = {a_create(f, 1, "one"), a_refusal(f, CC_FORBIDDEN),
                              a_create(f, 2, "two")};

    assert_int_equal(append_expecting(f, batch, 3, CC_OK), 3);

    assert_int_equal(find(f, batch[1]->op_id)->refusal, CC_FORBIDDEN);
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

    assert_int_equal(find(f, refused->op_id)->refusal, CC_FORBIDDEN);
}

static void append_many(struct log_fixture *f, int64_t count)
{
    struct change *batch[CHANGE_BATCH_MAX];

    for (int64_t i = 0; i < count; i++)
        batch[i] = a_create(f, i + 1, "many");
    assert_int_equal(append_expecting(f, batch, (size_t)count, CC_OK), count);
    must_materialise(f, batch, (size_t)count);
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

/* The timeline */

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
    struct change *logged = find(f, batch[1]->op_id);
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

/* One person's own, and what is due */

static int64_t mentions_of(struct log_fixture *f, const char *user_id, int64_t after_seq)
{
    int64_t count = -1;

    assert_int_equal(
        f->store->ops->count_mentions(f->store, f->chat, user_id, after_seq, 999, &count, &f->err),
        CC_OK);
    return count;
}

/* The change, with the person (or NULL) and everybody mentioned. */
static struct change *mentioning(struct log_fixture *f, struct change *change, const char *user_id,
                                 bool all)
{
    const char **mentions = cc_arena_calloc(f->arena, 1, sizeof *mentions);

    mentions[0] = user_id;
    change->message.mentions = user_id == NULL ? NULL : mentions;
    change->message.mention_count = user_id == NULL ? 0 : 1;
    change->message.mention_all = all;
    return change;
}

static void mentions_are_counted_by_person_after_a_seq(void **state)
{
    struct log_fixture *f = *state;
    const char *ada = new_id(f), *grace = new_id(f);
    struct change *changes[] = {
        mentioning(f, a_create(f, 1, "@ada"), ada, false),
        mentioning(f, a_create(f, 2, "nobody"), NULL, false),
        mentioning(f, a_create(f, 3, "@ada @all"), ada, true),
        mentioning(f, a_create(f, 4, "@grace"), grace, false),
    };
    must_materialise(f, changes, 4);
    must_materialise(f, changes, 4);

    assert_int_equal(mentions_of(f, ada, 0), 2);
    assert_int_equal(mentions_of(f, ada, 1), 1);
    assert_int_equal(mentions_of(f, ada, 3), 0);
    assert_int_equal(mentions_of(f, grace, 0), 2);
    assert_int_equal(mentions_of(f, new_id(f), 0), 1);
}

static void an_edit_and_a_deletion_say_anew_who_is_mentioned(void **state)
{
    struct log_fixture *f = *state;
    const char *ada = new_id(f), *grace = new_id(f);
    struct change *first = mentioning(f, a_create(f, 1, "@ada"), ada, false);
    struct change *edited = mentioning(f, an_edit(f, first, 2, "@grace"), grace, false);
    struct change *both = mentioning(f, an_edit(f, edited, 3, "@all"), NULL, true);
    struct change *gone = a_deletion(f, both, 4);
    must_materialise(f, &first, 1);

    must_materialise(f, &edited, 1);
    assert_int_equal(mentions_of(f, ada, 0), 0);
    assert_int_equal(mentions_of(f, grace, 0), 1);
    must_materialise(f, &both, 1);
    assert_int_equal(mentions_of(f, ada, 0), 1);
    assert_int_equal(mentions_of(f, grace, 0), 1);
    must_materialise(f, &first, 1);
    assert_int_equal(mentions_of(f, ada, 0), 1);
    gone->message.mention_all = false;
    must_materialise(f, &gone, 1);
    assert_int_equal(mentions_of(f, ada, 0), 0);
    assert_int_equal(mentions_of(f, grace, 0), 0);
}

static void who_is_mentioned_still_is_counted_still(void **state)
{
    struct log_fixture *f = *state;
    const char *ada = new_id(f);
    struct change *first = mentioning(f, a_create(f, 1, "@ada"), ada, false);
    struct change *edited = an_edit(f, first, 2, "dear @ada");
    struct change *pair[] = {first, edited};

    must_materialise(f, pair, 2);
    assert_int_equal(mentions_of(f, ada, 0), 1);
    must_materialise(f, &edited, 1);

    assert_int_equal(mentions_of(f, ada, 0), 1);
}

static void hide(struct log_fixture *f, const char *user_id, int64_t seq)
{
    const struct hidden hidden = {user_id, f->chat, new_id(f), seq};

    assert_int_equal(f->store->ops->hide(f->store, &hidden, &f->err), CC_OK);
    assert_int_equal(f->store->ops->hide(f->store, &hidden, &f->err), CC_OK); /* once more */
}

static struct seq_list hidden_in(struct log_fixture *f, const char *user_id, int64_t from,
                                 int64_t to)
{
    const struct person_range range = {user_id, f->chat, from, to};
    struct seq_list list = {0};

    assert_int_equal(f->store->ops->hidden_in(f->store, &range, f->arena, &list, &f->err), CC_OK);
    return list;
}

static void what_one_person_hides_is_hidden_from_him_alone(void **state)
{
    struct log_fixture *f = *state;
    const char *ada = new_id(f), *grace = new_id(f);
    hide(f, ada, 70);
    hide(f, ada, 3);
    hide(f, ada, 5000);
    hide(f, grace, 4);

    struct seq_list page = hidden_in(f, ada, 1, 100), whole = hidden_in(f, ada, 1, 100000);

    assert_int_equal(page.count, 2);
    assert_int_equal(page.items[0], 3);
    assert_int_equal(page.items[1], 70);
    assert_int_equal(whole.count, 3);
    assert_int_equal(whole.items[2], 5000);
    assert_int_equal(hidden_in(f, ada, 4, 69).count, 0);
    assert_int_equal(hidden_in(f, new_id(f), 1, 100).count, 0);
    f->chat = new_id(f);
    assert_int_equal(hidden_in(f, ada, 1, 100000).count, 0);
}

static struct hidden_chats hidden_chats(struct log_fixture *f, const char *user_id, size_t limit)
{
    struct hidden_chats chats = {0};

    assert_int_equal(
        f->store->ops->hidden_chats(f->store, user_id, limit, f->arena, &chats, &f->err), CC_OK);
    return chats;
}

static void the_chats_in_which_somebody_hides_are_named_once(void **state)
{
    struct log_fixture *f = *state;
    const char *ada = new_id(f);
    hide(f, ada, 3);
    hide(f, ada, 70);
    hide(f, new_id(f), 4);

    struct hidden_chats one = hidden_chats(f, ada, 10);
    f->chat = new_id(f);
    hide(f, ada, 1);
    struct hidden_chats two = hidden_chats(f, ada, 10), some = hidden_chats(f, ada, 2);

    assert_int_equal(one.count, 1);
    assert_false(one.more);
    assert_int_equal(two.count, 2);
    assert_true(strcmp(two.items[0], f->chat) == 0 || strcmp(two.items[1], f->chat) == 0);
    assert_in_range(some.count, 1, 2);
    assert_true(some.more);
    assert_int_equal(hidden_chats(f, new_id(f), 10).count, 0);
}

static int64_t wall_ms(void)
{
    return cc_wall_ms(cc_clock_system());
}

/* Other tests leave their own in the same store. */
static bool is_expired(struct log_fixture *f, const char *message_id, int64_t now_ms)
{
    struct expiry_list list = {0};

    assert_int_equal(f->store->ops->expired(f->store, now_ms, 1000, f->arena, &list, &f->err),
                     CC_OK);
    for (size_t i = 0; i < list.count; i++)
        if (strcmp(list.items[i].message_id, message_id) == 0)
            return strcmp(list.items[i].chat_id, f->chat) == 0;
    return false;
}

static void a_message_expires_in_time_and_until_it_is_forgotten(void **state)
{
    struct log_fixture *f = *state;
    int64_t now_ms = wall_ms();
    struct change *brief = a_create(f, 1, "brief"), *lasting = a_create(f, 2, "lasting"),
                  *eternal = a_create(f, 3, "eternal"), *late = a_create(f, 4, "stored late");
    struct change *all[] = {brief, lasting, eternal, late};
    brief->message.expires_at_ms = now_ms + 1000;
    lasting->message.expires_at_ms = now_ms + 130000;
    late->message.expires_at_ms = now_ms - INT64_C(3600000);
    must_materialise(f, all, 4);

    assert_true(is_expired(f, late->op_id, now_ms + 60000));
    assert_false(is_expired(f, brief->op_id, now_ms));
    assert_true(is_expired(f, brief->op_id, now_ms + 1000));
    assert_false(is_expired(f, lasting->op_id, now_ms + 1000));
    assert_false(is_expired(f, eternal->op_id, now_ms + 1000000));
    assert_true(is_expired(f, lasting->op_id, now_ms + 130000));
    assert_true(is_expired(f, brief->op_id, now_ms + 130000));

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(f->store->ops->forget_expiry(f->store, all[i]->op_id, &f->err), CC_OK);
    assert_false(is_expired(f, brief->op_id, now_ms + 130000));
    assert_false(is_expired(f, lasting->op_id, now_ms + 130000));
    assert_int_equal(f->store->ops->forget_expiry(f->store, brief->op_id, &f->err), CC_OK);
}

/* Nobody swept for an hour; what became due meanwhile is found, and then passed over for good. */
static void a_late_sweep_misses_nothing(void **state)
{
    struct log_fixture *f = *state;
    int64_t now_ms = wall_ms(), later_ms = now_ms + INT64_C(3600000);
    struct change *early = a_create(f, 1, "early"), *last = a_create(f, 2, "last");
    struct change *all[] = {early, last};
    early->message.expires_at_ms = now_ms + 1000;
    last->message.expires_at_ms = later_ms - 1000;
    must_materialise(f, all, 2);
    assert_false(is_expired(f, early->op_id, now_ms));

    assert_true(is_expired(f, early->op_id, later_ms));
    assert_true(is_expired(f, last->op_id, later_ms));
    f->store->ops->forget_expiry(f->store, early->op_id, &f->err);
    assert_true(is_expired(f, last->op_id, later_ms));
    assert_true(is_expired(f, last->op_id, later_ms));
    f->store->ops->forget_expiry(f->store, last->op_id, &f->err);
}

/* A process whose clock is an hour ahead sweeps too. */
static void a_clock_that_runs_ahead_hides_nothing(void **state)
{
    struct log_fixture *f = *state;
    int64_t now_ms = wall_ms();
    struct change *brief = a_create(f, 1, "brief");
    brief->message.expires_at_ms = now_ms + 1000;
    (void)is_expired(f, brief->op_id, now_ms + INT64_C(3600000));

    must_materialise(f, &brief, 1);

    assert_true(is_expired(f, brief->op_id, now_ms + 1000));
    f->store->ops->forget_expiry(f->store, brief->op_id, &f->err);
}

/* Positions */

static void load_head(struct log_fixture *f, struct chat_head *out)
{
    chat_head_init(out, f->chat);
    assert_int_equal(f->store->ops->load_head(f->store, out, &f->err), CC_OK);
}

static void save_head(struct log_fixture *f, int64_t rev, int64_t seq, int64_t uncounted)
{
    struct chat_head head;

    chat_head_init(&head, f->chat);
    head.rev = rev;
    head.seq = seq;
    if (uncounted > 0)
        uncounted_add(&head.uncounted, uncounted);
    assert_int_equal(f->store->ops->save_heads(f->store, &head, 1, &f->err), CC_OK);
    chat_head_finish(&head);
}

/* A server may end a command of several updates at the first one that has nothing to do. */
static void heads_behind_one_that_is_known_already_are_saved(void **state)
{
    struct log_fixture *f = *state;
    struct chat_head heads[3], found;

    for (int i = 0; i < 3; i++) {
        chat_head_init(&heads[i], new_id(f));
        heads[i].rev = heads[i].seq = 5;
    }
    assert_int_equal(f->store->ops->save_heads(f->store, &heads[0], 1, &f->err), CC_OK);
    assert_int_equal(f->store->ops->save_heads(f->store, heads, 3, &f->err), CC_OK);

    for (int i = 0; i < 3; i++) {
        chat_head_init(&found, heads[i].chat_id);
        assert_int_equal(f->store->ops->load_head(f->store, &found, &f->err), CC_OK);
        assert_int_equal(found.rev, 5);
        chat_head_finish(&found);
        chat_head_finish(&heads[i]);
    }
}

static void a_chat_without_a_head_is_at_its_beginning(void **state)
{
    struct log_fixture *f = *state;
    struct chat_head head;

    load_head(f, &head);

    assert_int_equal(head.rev, 0);
    assert_int_equal(head.seq, 0);
    assert_string_equal(head.chat_id, f->chat);
    chat_head_finish(&head);
}

static void a_head_moves_forward_and_never_back(void **state)
{
    struct log_fixture *f = *state;
    struct chat_head head;
    save_head(f, 5, 4, 2);
    save_head(f, 9, 7, 6);

    save_head(f, 8, 6, 3);

    load_head(f, &head);
    assert_int_equal(head.rev, 9);
    assert_int_equal(head.seq, 7);
    assert_int_equal(head.uncounted.count, 1);
    assert_int_equal(head.uncounted.seqs[0], 6);
    chat_head_finish(&head);
}

static struct receipt a_receipt(struct log_fixture *f, const char *user_id, int64_t read_seq)
{
    struct receipt receipt = {.read_seq = read_seq, .at_ms = FAKE_T0_MS + read_seq};

    snprintf(receipt.chat_id, sizeof receipt.chat_id, "%s", f->chat);
    snprintf(receipt.user_id, sizeof receipt.user_id, "%s", user_id);
    return receipt;
}

static struct receipt get_receipt(struct log_fixture *f, const char *user_id)
{
    struct receipt receipt;

    assert_int_equal(f->store->ops->get_receipt(f->store, f->chat, user_id, &receipt, &f->err),
                     CC_OK);
    return receipt;
}

static void somebody_without_a_receipt_has_read_nothing(void **state)
{
    struct log_fixture *f = *state;

    struct receipt receipt = get_receipt(f, new_id(f));

    assert_int_equal(receipt.read_seq, 0);
    assert_int_equal(receipt.delivered_seq, 0);
    assert_int_equal(receipt.from_seq, 0);
    assert_int_equal(receipt.cleared_seq, 0);
}

static void receipts_rise_one_by_one_and_never_fall(void **state)
{
    struct log_fixture *f = *state;
    const char *ada = new_id(f), *grace = new_id(f);
    struct receipt first[] = {a_receipt(f, ada, 5), a_receipt(f, grace, 2)};
    struct receipt later = a_receipt(f, ada, 3);
    later.delivered_seq = 9;
    later.from_seq = 1;
    later.cleared_seq = 4;
    assert_int_equal(f->store->ops->raise_receipts(f->store, first, 2, &f->err), CC_OK);

    assert_int_equal(f->store->ops->raise_receipts(f->store, &later, 1, &f->err), CC_OK);

    struct receipt receipt = get_receipt(f, ada);
    assert_int_equal(receipt.read_seq, 5);
    assert_int_equal(receipt.delivered_seq, 9);
    assert_int_equal(receipt.from_seq, 1);
    assert_int_equal(receipt.cleared_seq, 4);
    assert_int_equal(receipt.at_ms, FAKE_T0_MS + 5);
    assert_string_equal(receipt.user_id, ada);
    assert_int_equal(get_receipt(f, grace).read_seq, 2);
}

static void the_receipts_of_a_chat_are_listed(void **state)
{
    struct log_fixture *f = *state;
    const char *ada = new_id(f), *grace = new_id(f);
    struct receipt_list list = {0};
    struct receipt both[] = {a_receipt(f, ada, 5), a_receipt(f, grace, 2)};
    assert_int_equal(f->store->ops->raise_receipts(f->store, both, 2, &f->err), CC_OK);

    assert_int_equal(f->store->ops->receipts_of(f->store, f->chat, f->arena, &list, &f->err),
                     CC_OK);

    assert_int_equal(list.count, 2);
    size_t hers = strcmp(list.items[0].user_id, ada) == 0 ? 0 : 1;
    assert_string_equal(list.items[hers].user_id, ada);
    assert_int_equal(list.items[hers].read_seq, 5);
    assert_string_equal(list.items[1 - hers].user_id, grace);
    f->chat = new_id(f);
    assert_int_equal(f->store->ops->receipts_of(f->store, f->chat, f->arena, &list, &f->err),
                     CC_OK);
    assert_int_equal(list.count, 0);
}

/* More than the connections that a small server has to itself for one command. */
static void receipts_of_a_large_batch_rise_together(void **state)
{
    enum { PEOPLE = 250 };
    struct log_fixture *f = *state;
    struct receipt receipts[PEOPLE];
    for (int i = 0; i < PEOPLE; i++)
        receipts[i] = a_receipt(f, new_id(f), i + 1);

    assert_int_equal(f->store->ops->raise_receipts(f->store, receipts, PEOPLE, &f->err), CC_OK);

    assert_int_equal(get_receipt(f, receipts[0].user_id).read_seq, 1);
    assert_int_equal(get_receipt(f, receipts[PEOPLE - 1].user_id).read_seq, PEOPLE);
}

static void of_who_is_forgotten_only_what_they_wrote_stays(void **state)
{
    struct log_fixture *f = *state;
    const char *ada = new_id(f), *grace = new_id(f);
    struct change *first = a_create(f, 1, "hello");
    struct change *reactions[] = {a_reaction(f, first, 2, ada, "+1", true),
                                  a_reaction(f, first, 3, grace, "+1", true)};
    struct receipt both[] = {a_receipt(f, ada, 5), a_receipt(f, grace, 2)};
    bool on = true;
    must_materialise(f, &first, 1);
    must_materialise(f, reactions, 2);
    hide(f, ada, 1);
    assert_int_equal(f->store->ops->raise_receipts(f->store, both, 2, &f->err), CC_OK);

    assert_int_equal(f->store->ops->forget_person(f->store, ada, &f->err), CC_OK);
    assert_int_equal(f->store->ops->forget_person(f->store, ada, &f->err), CC_OK);

    assert_int_equal(get_receipt(f, ada).read_seq, 0);
    assert_int_equal(get_receipt(f, grace).read_seq, 2);
    const struct person_range range = {ada, f->chat, 1, 10};
    struct seq_list hidden;
    assert_int_equal(f->store->ops->hidden_in(f->store, &range, f->arena, &hidden, &f->err), CC_OK);
    assert_int_equal(hidden.count, 0);
    const char *message_id = first->message.message_id;
    assert_int_equal(f->store->ops->find_reaction(f->store, message_id, ada, "+1", &on, &f->err),
                     CC_OK);
    assert_false(on);
    assert_int_equal(f->store->ops->find_reaction(f->store, message_id, grace, "+1", &on, &f->err),
                     CC_OK);
    assert_true(on);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int message_store_contract_run(const char *name, struct message_store *store)
{
    const struct CMUnitTest tests[] = {
        TEST(a_change_is_found_as_it_was_appended),
        TEST(a_system_change_keeps_who_it_concerns),
        TEST(an_operation_that_never_came_is_not_found),
        TEST(the_same_operation_is_not_appended_twice),
        TEST(the_same_rev_is_not_given_out_twice),
        TEST(what_is_stored_of_a_batch_is_the_prefix_before_the_conflict),
        TEST(a_conflict_ends_the_longest_batch_too),
        TEST(a_refusal_is_found_and_takes_no_rev),
        TEST(a_refused_operation_can_not_be_accepted_later),
        TEST(changes_are_read_in_order_across_buckets),
        TEST(changes_are_limited_and_end_with_the_log),
        TEST(nothing_is_read_beyond_a_hole),
        TEST(materialising_twice_changes_nothing),
        TEST(what_takes_no_seq_is_not_in_the_timeline),
        TEST(a_range_of_messages_is_exact_across_buckets),
        TEST(chats_do_not_see_each_other),
        TEST(an_altered_message_is_found_as_it_is_now),
        TEST(what_is_newer_in_the_timeline_stays),
        TEST(the_versions_of_a_message_come_in_order),
        TEST(of_too_many_versions_the_newest_are_kept),
        TEST(a_deletion_takes_what_was_said_out_of_the_log_too),
        TEST(reactions_are_known_by_person_and_emoji),
        TEST(a_large_batch_of_alterations_is_applied),
        TEST(pinned_messages_are_listed_while_they_are_pinned),
        TEST(mentions_are_counted_by_person_after_a_seq),
        TEST(an_edit_and_a_deletion_say_anew_who_is_mentioned),
        TEST(who_is_mentioned_still_is_counted_still),
        TEST(what_one_person_hides_is_hidden_from_him_alone),
        TEST(the_chats_in_which_somebody_hides_are_named_once),
        TEST(a_message_expires_in_time_and_until_it_is_forgotten),
        TEST(a_late_sweep_misses_nothing),
        TEST(a_clock_that_runs_ahead_hides_nothing),
        TEST(a_chat_without_a_head_is_at_its_beginning),
        TEST(heads_behind_one_that_is_known_already_are_saved),
        TEST(a_head_moves_forward_and_never_back),
        TEST(somebody_without_a_receipt_has_read_nothing),
        TEST(receipts_rise_one_by_one_and_never_fall),
        TEST(of_who_is_forgotten_only_what_they_wrote_stays),
        TEST(the_receipts_of_a_chat_are_listed),
        TEST(receipts_of_a_large_batch_rise_together),
    };

    subject = store;
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
