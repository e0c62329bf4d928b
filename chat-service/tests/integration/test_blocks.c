/* Direct chats of people who block each other, with real MongoDB, Kafka and Redis behind. */

#include <string.h>

#include "chat_fixture.h"
#include "common/topics.h"
#include "events/consume_blocks.h"

struct pair {
    const char *chat_id, *ada, *bob;
};

static struct pair a_direct_chat(struct chat_fixture *f)
{
    struct pair p = {.ada = an_id(f->arena), .bob = an_id(f->arena)};

    p.chat_id = must_create_direct(f, p.ada, p.bob);
    return p;
}

/* user-service knows of it from its `unseen`-th question on; nobody is told. */
static void block(struct chat_fixture *f, size_t slot, const char *blocker, const char *blocked,
                  int unseen)
{
    f->blocks[slot].blocker = blocker;
    f->blocks[slot].blocked = blocked;
    atomic_store(&f->blocks[slot].unseen, unseen);
    atomic_store(&f->blocks[slot].holds, true);
}

static void unblock(struct chat_fixture *f, size_t slot)
{
    atomic_store(&f->blocks[slot].holds, false);
}

static void must_tell_blocks_of(struct chat_fixture *f, const char *user_id)
{
    assert_int_equal(tell_user_change(f, user_id, "blocks"), CC_OK);
}

static struct chat *chat_of(struct chat_fixture *f, const char *chat_id)
{
    struct chat *chat = NULL;

    assert_int_equal(f->app.store->ops->find_chat(f->app.store, chat_id, f->arena, &chat, &f->err),
                     CC_OK);
    return chat;
}

static void assert_posting(struct chat_fixture *f, const struct pair *p, enum cc_chat_posting post,
                           int64_t version)
{
    struct chat *chat = chat_of(f, p->chat_id);

    assert_int_equal(chat->rules.post, post);
    assert_int_equal(chat->version, version);
    assert_int_equal(unannounced(f, p->chat_id), 0);
}

static void a_block_closes_the_chat_in_the_timeline_and_in_the_rights(void **state)
{
    struct chat_fixture *f = *state;
    struct pair p = a_direct_chat(f);
    char key[CC_REDIS_NAME_BYTES];

    block(f, 0, p.bob, p.ada, 0);
    must_tell_blocks_of(f, p.bob);

    assert_posting(f, &p, CC_POST_NOBODY, 2);
    struct payloads operations = chat_records(f, f->operations_topic, p.chat_id);
    struct payloads updates = chat_records(f, f->updates_topic, p.chat_id);
    assert_int_equal(operations.count, 2);
    struct ev_message_created operation = operation_in(f, operations.items[1]);
    assert_string_equal(json_text(f, operation.system_json, "event"), "settings_changed");
    assert_non_null(strstr(operation.system_json, "\"post\":\"nobody\""));
    assert_int_equal(operation.member_version, 2);
    assert_false(operation.counted);
    assert_string_equal(json_text(f, updates.items[1], "change"), "settings");
    assert_string_equal(json_text(f, updates.items[1], "actor_id"), CC_SYSTEM_SENDER);
    cc_redis_name_members(p.chat_id, key);
    assert_string_equal(json_text(f, redis_get(f, key), "post"), "nobody");
    struct answer shown = chat_call(f, p.ada, "GET", path_of(f, p.chat_id, ""), NULL, NULL);
    assert_non_null(strstr(shown.body, "\"post\":\"nobody\""));
}

static void it_opens_when_neither_blocks_the_other_any_more(void **state)
{
    struct chat_fixture *f = *state;
    struct pair p = a_direct_chat(f);

    block(f, 0, p.bob, p.ada, 0);
    must_tell_blocks_of(f, p.bob);
    block(f, 1, p.ada, p.bob, 0);
    must_tell_blocks_of(f, p.ada);
    unblock(f, 0);
    must_tell_blocks_of(f, p.bob);
    assert_posting(f, &p, CC_POST_NOBODY, 2);
    unblock(f, 1);
    must_tell_blocks_of(f, p.ada);

    assert_posting(f, &p, CC_POST_ALL, 3);
}

static void what_is_told_again_changes_nothing(void **state)
{
    struct chat_fixture *f = *state;
    struct pair p = a_direct_chat(f);

    block(f, 0, p.bob, p.ada, 0);
    for (int i = 0; i < 3; i++) {
        must_tell_blocks_of(f, p.bob);
        must_tell_blocks_of(f, p.ada);
    }

    assert_posting(f, &p, CC_POST_NOBODY, 2);
    assert_int_equal(chat_records(f, f->operations_topic, p.chat_id).count, 2);
    assert_int_equal(chat_records(f, f->updates_topic, p.chat_id).count, 2);
}

static void while_blocks_can_not_be_asked_the_batch_waits(void **state)
{
    struct chat_fixture *f = *state;
    struct pair p = a_direct_chat(f);

    block(f, 0, p.bob, p.ada, 0);
    atomic_store(&f->relations_unknown, true);
    assert_int_equal(tell_user_change(f, p.bob, "blocks"), CC_UNAVAILABLE);
    assert_posting(f, &p, CC_POST_ALL, 1);
    atomic_store(&f->relations_unknown, false);
    must_tell_blocks_of(f, p.bob);

    assert_posting(f, &p, CC_POST_NOBODY, 2);
}

static void all_direct_chats_of_a_person_are_one_question(void **state)
{
    struct chat_fixture *f = *state;
    struct pair p = a_direct_chat(f);
    const char *cleo = an_id(f->arena), *both[] = {p.bob, cleo};
    const char *group = must_create_group(f, p.ada, both, 2);
    struct pair other = {.chat_id = must_create_direct(f, p.ada, cleo)};

    block(f, 0, p.ada, p.bob, 0);
    int before = atomic_load(&f->questions);
    must_tell_blocks_of(f, p.ada);

    assert_int_equal(atomic_load(&f->questions) - before, 2); /* and whether it still is so */
    assert_posting(f, &p, CC_POST_NOBODY, 2);
    assert_posting(f, &other, CC_POST_ALL, 1);
    assert_int_equal(chat_of(f, group)->version, 1);
}

static void tell_making_of(struct chat_fixture *f, const struct pair *p)
{
    struct payloads updates = chat_records(f, f->updates_topic, p->chat_id);

    for (size_t i = 0; i < updates.count; i++)
        assert_int_equal(tell_chat_update(f, updates.items[i]), CC_OK);
}

/* The question before the founding saw nothing, and the chat was not there for who asked after the
 * block; or who made it is who blocks, which is no reason to refuse. */
static void a_chat_that_is_made_while_a_block_begins_ends_closed(void **state)
{
    struct chat_fixture *f = *state;
    struct pair p = a_direct_chat(f), open = a_direct_chat(f);

    block(f, 0, p.bob, p.ada, 0);
    tell_making_of(f, &p);
    tell_making_of(f, &p);
    tell_making_of(f, &open);

    assert_posting(f, &p, CC_POST_NOBODY, 2);
    assert_posting(f, &open, CC_POST_ALL, 1);
}

/* Ada's block ends, and whoever was told of it has asked already when Bob's begins; whoever is told
 * of that finds the chat closed still. */
static void a_block_that_begins_while_another_ends_is_not_lost(void **state)
{
    struct chat_fixture *f = *state;
    struct pair p = a_direct_chat(f);

    block(f, 0, p.ada, p.bob, 0);
    must_tell_blocks_of(f, p.ada);
    unblock(f, 0);
    block(f, 1, p.bob, p.ada, 1);
    must_tell_blocks_of(f, p.ada);

    assert_posting(f, &p, CC_POST_NOBODY, 4);
}

static void who_loses_to_another_writer_looks_again(void **state)
{
    struct chat_fixture *f = *state;
    struct pair p = a_direct_chat(f);
    struct chat_change *torn = change_posting(f->arena, chat_of(f, p.chat_id), CC_POST_NOBODY, T0);

    /* Another one stored this version, and died. */
    assert_int_equal(f->app.store->ops->append(f->app.store, torn, &f->err), CC_OK);
    block(f, 0, p.bob, p.ada, 0);
    must_tell_blocks_of(f, p.bob);

    assert_posting(f, &p, CC_POST_NOBODY, 2);
    assert_int_equal(chat_records(f, f->operations_topic, p.chat_id).count, 2);
}

static void a_chat_whose_other_is_deleted_stays_as_it_was(void **state)
{
    struct chat_fixture *f = *state;
    struct pair p = a_direct_chat(f);

    assert_int_equal(tell_user_change(f, p.bob, "deleted"), CC_OK);
    block(f, 0, p.bob, p.ada, 0); /* as user-service says of who is deleted */
    must_tell_blocks_of(f, p.ada);

    assert_posting(f, &p, CC_POST_ALL, 2);
    assert_int_equal(chat_of(f, p.chat_id)->member_count, 1);
}

static void what_can_not_be_read_is_passed_over(void **state)
{
    static const struct cc_consumer_row *const rows[] = {&chat_blocks_row, &chat_created_row};
    struct chat_fixture *f = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cc_record record = {.payload = "{}", .payload_count = 2};
        struct cc_batch batch = {.records = &record, .count = 1, .arena = f->arena};

        assert_int_equal(rows[i]->apply(&f->app, &batch, &f->err), CC_OK);
        assert_true(record.rejected);
    }
}

#define block_test(function)                                                                       \
    cmocka_unit_test_setup_teardown(function, chat_fixture_begin, chat_fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        block_test(a_block_closes_the_chat_in_the_timeline_and_in_the_rights),
        block_test(it_opens_when_neither_blocks_the_other_any_more),
        block_test(what_is_told_again_changes_nothing),
        block_test(while_blocks_can_not_be_asked_the_batch_waits),
        block_test(all_direct_chats_of_a_person_are_one_question),
        block_test(a_chat_that_is_made_while_a_block_begins_ends_closed),
        block_test(a_block_that_begins_while_another_ends_is_not_lost),
        block_test(who_loses_to_another_writer_looks_again),
        block_test(a_chat_whose_other_is_deleted_stays_as_it_was),
        block_test(what_can_not_be_read_is_passed_over),
    };

    return cmocka_run_group_tests_name("chat-service blocks", tests, chat_fixture_start,
                                       chat_fixture_stop);
}
