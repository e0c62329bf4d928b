/* A person's own view over HTTP: states, deletion for oneself and for all, changes of the list. */

#include <string.h>

#include "chat_fixture.h"
#include "common/events/chat_updated.h"
#include "common/topics.h"

static struct answer put_me(struct chat_fixture *f, const char *chat_id, const char *user_id,
                            const char *body)
{
    return chat_call(f, user_id, "PUT", path_of(f, chat_id, "/me"), body, NULL);
}

static struct answer changes(struct chat_fixture *f, const char *user_id, const char *cursor)
{
    const char *path = cursor == NULL
                           ? "/v1/chats/changes"
                           : cc_arena_printf(f->arena, "/v1/chats/changes?cursor=%s", cursor);

    return chat_call(f, user_id, "GET", path, NULL, NULL);
}

static const char *cursor_of(struct chat_fixture *f, struct answer answer)
{
    return json_text(f, answer.body, "next_cursor");
}

static bool names(struct answer answer, const char *id)
{
    return strstr(answer.body, id) != NULL;
}

/* Whether an answer of changes names the chat as one that is gone. */
static bool names_as_removed(struct answer answer, const char *id)
{
    const char *removed = strstr(answer.body, "\"removed\":[");

    return removed != NULL && strstr(removed, id) != NULL;
}

static void what_a_person_says_of_a_chat_is_shown_to_nobody_else(void **state)
{
    struct chat_fixture *f = *state;
    const char *ada = an_id(f->arena), **others = some_ids(f->arena, 1);
    const char *chat_id = must_create_group(f, ada, others, 1);

    struct answer set = put_me(f, chat_id, ada,
                               "{\"mute_until\":\"2036-01-01T00:00:00.000Z\",\"pinned\":true,"
                               "\"notify\":\"mentions\"}");
    struct answer mine = chat_call(f, ada, "GET", path_of(f, chat_id, ""), NULL, NULL);
    struct answer list = chat_call(f, ada, "GET", "/v1/chats", NULL, NULL);
    struct answer theirs = chat_call(f, others[0], "GET", path_of(f, chat_id, ""), NULL, NULL);

    assert_int_equal(set.status, 200);
    assert_string_equal(json_text(f, set.body, "mute_until"), "2036-01-01T00:00:00.000Z");
    assert_int_equal(json_int(f, set.body, "version"), 1);
    assert_non_null(strstr(mine.body, "\"pinned\":true"));
    assert_non_null(strstr(list.body, "\"notify\":\"mentions\""));
    assert_non_null(strstr(theirs.body, "\"pinned\":false"));
    assert_int_equal(json_int(f, mine.body, "version"), 1); /* the chat's own did not move */
}

static void other_daemons_learn_how_loud_a_chat_is_for_whom(void **state)
{
    struct chat_fixture *f = *state;
    const char *ada = an_id(f->arena), **others = some_ids(f->arena, 1);
    const char *chat_id = must_create_group(f, ada, others, 1);

    put_me(f, chat_id, ada, "{\"notify\":\"none\",\"pinned\":true}");
    struct answer states = chat_call_internal(
        f, cc_arena_printf(f->arena, "/internal/chats/%s/states", chat_id), NULL);

    assert_int_equal(states.status, 200);
    assert_string_equal(
        states.body,
        cc_arena_printf(f->arena,
                        "{\"items\":[{\"user_id\":\"%s\",\"mute_until\":null,\"notify\":\"none\","
                        "\"version\":1}]}",
                        ada));
}

static void a_state_is_told_to_its_person_alone(void **state)
{
    struct chat_fixture *f = *state;
    const char *ada = an_id(f->arena);
    const char *chat_id = must_create_group(f, ada, some_ids(f->arena, 1), 1);

    put_me(f, chat_id, ada, "{\"archived\":true}");
    struct answer again = put_me(f, chat_id, ada, "{\"archived\":true}");
    struct payloads updates = chat_records(f, f->updates_topic, chat_id);
    struct payloads operations = chat_records(f, f->operations_topic, chat_id);

    assert_int_equal(json_int(f, again.body, "version"), 1);
    assert_int_equal(operations.count, 1);
    assert_int_equal(updates.count, 2);
    struct ev_chat_updated event;
    struct cc_json_reader *reader = cc_json_reader_create(
        f->arena, updates.items[1], strlen(updates.items[1]), CC_IGNORE_UNKNOWN);
    assert_true(ev_chat_updated_read(reader, &event));
    cc_json_reader_destroy(reader);
    assert_int_equal(event.change, CC_CHAT_PERSONAL);
    assert_int_equal(event.target_count, 1);
    assert_string_equal(event.targets[0], ada);
    assert_non_null(strstr(event.me_json, "\"archived\":true"));
    assert_null(event.chat_json);
}

static void states_are_for_members_and_well_formed(void **state)
{
    static const char *const bodies[] = {"{\"mute_until\":\"soon\"}", "{\"pinned\":1}",
                                         "{\"notify\":\"loud\"}", "{\"colour\":\"red\"}"};
    struct chat_fixture *f = *state;
    const char *ada = an_id(f->arena);
    const char *chat_id = must_create_group(f, ada, some_ids(f->arena, 1), 1);

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        assert_int_equal(put_me(f, chat_id, ada, bodies[i]).status, 400);
    assert_int_equal(put_me(f, chat_id, an_id(f->arena), "{\"pinned\":true}").status, 404);
    assert_int_equal(put_me(f, an_id(f->arena), ada, "{\"pinned\":true}").status, 404);
}

static void a_chat_deleted_for_oneself_comes_back_with_the_next_message(void **state)
{
    struct chat_fixture *f = *state;
    const char *ada = an_id(f->arena), **others = some_ids(f->arena, 1);
    const char *chat_id = must_create_group(f, ada, others, 1);

    say_in(f, chat_id, 2, cc_wall_ms(f->app.clock));
    struct answer deleted = chat_call(f, ada, "DELETE", path_of(f, chat_id, ""), NULL, NULL);
    struct answer gone = chat_call(f, ada, "GET", "/v1/chats", NULL, NULL);
    struct answer itself = chat_call(f, ada, "GET", path_of(f, chat_id, ""), NULL, NULL);
    struct answer there = chat_call(f, others[0], "GET", "/v1/chats", NULL, NULL);
    say_in(f, chat_id, 3, cc_wall_ms(f->app.clock));
    struct answer back = chat_call(f, ada, "GET", "/v1/chats", NULL, NULL);

    assert_int_equal(deleted.status, 204);
    assert_false(names(gone, chat_id));
    assert_null(strstr(itself.body, "last_message"));
    assert_true(names(there, chat_id));
    assert_non_null(strstr(there.body, "last_message"));
    assert_true(names(back, chat_id));
    assert_non_null(strstr(back.body, "last_message"));
    assert_non_null(strstr(back.body, "\"cleared_seq\":2"));
}

static void a_deletion_that_message_service_has_not_heard_of_is_only_accepted(void **state)
{
    struct chat_fixture *f = *state;
    const char *ada = an_id(f->arena);
    const char *chat_id = must_create_group(f, ada, some_ids(f->arena, 1), 1);
    say_in(f, chat_id, 2, cc_wall_ms(f->app.clock));

    outcomes_are_known(f, false);
    struct answer accepted = chat_call(f, ada, "DELETE", path_of(f, chat_id, ""), NULL, NULL);
    outcomes_are_known(f, true);
    struct answer done = chat_call(f, ada, "DELETE", path_of(f, chat_id, ""), NULL, NULL);

    assert_int_equal(accepted.status, 202);
    assert_int_equal(done.status, 204);
}

static void a_chat_deleted_for_all_is_gone_for_all(void **state)
{
    struct chat_fixture *f = *state;
    const char *ada = an_id(f->arena), **others = some_ids(f->arena, 2);
    const char *chat_id = must_create_group(f, ada, others, 2);
    const char *everyone = path_of(f, chat_id, "?scope=everyone");
    char key[CC_REDIS_NAME_BYTES];

    assert_int_equal(chat_call(f, others[0], "DELETE", everyone, NULL, NULL).status, 403);
    assert_int_equal(chat_call(f, ada, "DELETE", everyone, NULL, NULL).status, 204);
    assert_int_equal(chat_call(f, ada, "DELETE", everyone, NULL, NULL).status, 404);

    assert_int_equal(chat_call(f, others[0], "GET", path_of(f, chat_id, ""), NULL, NULL).status,
                     404);
    assert_false(names(chat_call(f, others[0], "GET", "/v1/chats", NULL, NULL), chat_id));
    struct payloads operations = chat_records(f, f->operations_topic, chat_id);
    struct payloads updates = chat_records(f, f->updates_topic, chat_id);
    assert_string_equal(json_text(f, operation_in(f, operations.items[1]).system_json, "event"),
                        "chat_deleted");
    assert_string_equal(json_text(f, operation_in(f, operations.items[1]).system_json, "title"),
                        "");
    assert_string_equal(json_text(f, updates.items[1], "change"), "deleted");
    assert_non_null(strstr(updates.items[1], others[1]));
    cc_redis_name_members(chat_id, key);
    assert_non_null(strstr(redis_get(f, key), "\"deleted\":true"));
    assert_null(strstr(redis_get(f, key), "\"state\":\"active\""));
}

/* Nobody has deleted it: the sweep of message-service is late. */
static void a_last_message_that_has_expired_is_not_shown(void **state)
{
    struct chat_fixture *f = *state;
    const char *ada = an_id(f->arena);
    const char *chat_id = must_create_group(f, ada, some_ids(f->arena, 1), 1);
    int64_t now_ms = cc_wall_ms(f->app.clock);

    say_until(f, chat_id, 2, now_ms, now_ms + 60000);
    assert_true(names(chat_call(f, ada, "GET", "/v1/chats", NULL, NULL), "hello"));
    say_until(f, chat_id, 3, now_ms, now_ms - 1);

    const char *paths[] = {"/v1/chats", "/v1/chats/changes", path_of(f, chat_id, "")};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct answer got = chat_call(f, ada, "GET", paths[i], NULL, NULL);

        assert_false(names(got, "hello"));
        assert_true(names(got, "\"deleted\":true"));
    }
}

static void a_direct_chat_is_deleted_for_oneself_only(void **state)
{
    struct chat_fixture *f = *state;
    const char *ada = an_id(f->arena), *grace = an_id(f->arena);
    const char *chat_id = must_create_direct(f, ada, grace);

    assert_int_equal(
        chat_call(f, ada, "DELETE", path_of(f, chat_id, "?scope=everyone"), NULL, NULL).status,
        409);
    assert_int_equal(
        chat_call(f, ada, "DELETE", path_of(f, chat_id, "?scope=all"), NULL, NULL).status, 400);
    assert_int_equal(
        chat_call(f, ada, "DELETE", path_of(f, chat_id, "?scope=me"), NULL, NULL).status, 204);
    assert_false(names(chat_call(f, ada, "GET", "/v1/chats", NULL, NULL), chat_id));
    assert_true(names(chat_call(f, grace, "GET", "/v1/chats", NULL, NULL), chat_id));
}

static void only_what_is_new_is_in_the_changes_of_the_list(void **state)
{
    struct chat_fixture *f = *state;
    const char *ada = an_id(f->arena);
    const char *quiet = must_create_group(f, ada, some_ids(f->arena, 1), 1);
    const char *busy = must_create_group(f, ada, some_ids(f->arena, 1), 1);

    struct answer all = changes(f, ada, NULL);
    struct answer none = changes(f, ada, cursor_of(f, all));
    say_in(f, busy, 2, cc_wall_ms(f->app.clock));
    struct answer said = changes(f, ada, cursor_of(f, none));
    put_me(f, busy, ada, "{\"pinned\":true}");
    struct answer pinned = changes(f, ada, cursor_of(f, said));

    assert_true(names(all, quiet) && names(all, busy));
    assert_non_null(strstr(none.body, "\"items\":[],\"removed\":[]"));
    assert_string_equal(cursor_of(f, none), cursor_of(f, all));
    assert_true(names(said, busy));
    assert_non_null(strstr(said.body, "\"body\":\"hello\""));
    assert_non_null(strstr(pinned.body, "\"pinned\":true"));
    assert_int_equal(changes(f, ada, "abc").status, 400);
}

static bool is_new(struct answer answer)
{
    return strstr(answer.body, "\"items\":[]") == NULL;
}

/* On another device: this service is not told of it. */
static void what_was_read_elsewhere_is_in_the_changes_of_the_list(void **state)
{
    struct chat_fixture *f = *state;
    const char *ada = an_id(f->arena);
    const char *chat_id = must_create_group(f, ada, some_ids(f->arena, 1), 1);
    const char *begin =
        json_text(f, chat_call(f, ada, "GET", "/v1/chats", NULL, NULL).body, "changes_cursor");

    assert_false(is_new(changes(f, ada, begin)));
    atomic_store(&f->read_seq, 4);
    atomic_store(&f->read_chat, chat_id);
    struct answer read = changes(f, ada, begin);
    struct answer after = changes(f, ada, cursor_of(f, read));
    const char *listed =
        json_text(f, chat_call(f, ada, "GET", "/v1/chats", NULL, NULL).body, "changes_cursor");

    assert_true(names(read, chat_id));
    assert_false(is_new(after));
    assert_false(is_new(changes(f, ada, listed)));
    atomic_store(&f->read_chat, NULL);
}

/* What a client has seen of them is kept until they are known again. */
static void read_positions_that_are_not_known_are_no_change(void **state)
{
    struct chat_fixture *f = *state;
    const char *ada = an_id(f->arena);
    const char *chat_id = must_create_group(f, ada, some_ids(f->arena, 1), 1);

    atomic_store(&f->read_seq, 4);
    atomic_store(&f->read_chat, chat_id);
    struct answer seen = changes(f, ada, NULL);
    atomic_store(&f->reads_unknown, true);
    struct answer unknown = changes(f, ada, cursor_of(f, seen));
    say_in(f, chat_id, 2, cc_wall_ms(f->app.clock));
    struct answer said = changes(f, ada, cursor_of(f, unknown));
    atomic_store(&f->reads_unknown, false);
    struct answer same = changes(f, ada, cursor_of(f, said));
    atomic_store(&f->read_seq, 5);
    struct answer moved = changes(f, ada, cursor_of(f, same));

    assert_int_equal(unknown.status, 200);
    assert_false(is_new(unknown));
    assert_true(names(said, chat_id));
    assert_false(is_new(same));
    assert_true(names(moved, chat_id));
    atomic_store(&f->read_chat, NULL);
}

static void the_first_page_of_the_list_says_where_its_changes_begin(void **state)
{
    struct chat_fixture *f = *state;
    const char *ada = an_id(f->arena);
    const char *left = must_create_group(f, ada, some_ids(f->arena, 1), 1);
    const char *kept = must_create_group(f, ada, some_ids(f->arena, 1), 1);
    const char *busy = must_create_group(f, ada, some_ids(f->arena, 1), 1);
    chat_call(f, ada, "POST", path_of(f, left, "/leave"), NULL, NULL);

    struct answer first = chat_call(f, ada, "GET", "/v1/chats?limit=1", NULL, NULL);
    struct answer second = chat_call(
        f, ada, "GET", cc_arena_printf(f->arena, "/v1/chats?cursor=%s", cursor_of(f, first)), NULL,
        NULL);
    const char *cursor = json_text(f, first.body, "changes_cursor");
    struct answer none = changes(f, ada, cursor);
    say_in(f, busy, 2, cc_wall_ms(f->app.clock));
    struct answer said = changes(f, ada, cursor);

    assert_int_equal(json_int(f, first.body, "total"), 2);
    assert_null(strstr(second.body, "changes_cursor"));
    assert_null(strstr(second.body, "total"));
    assert_false(names(first, left) || names(second, left));
    assert_non_null(strstr(none.body, "\"items\":[],\"removed\":[]"));
    assert_true(names(said, busy));
    assert_false(names(said, kept) || names(said, left));
}

static void chats_that_are_gone_are_named_in_the_changes_of_the_list(void **state)
{
    struct chat_fixture *f = *state;
    const char *ada = an_id(f->arena);
    const char *left = must_create_group(f, ada, some_ids(f->arena, 1), 1);
    const char *deleted = must_create_group(f, ada, some_ids(f->arena, 1), 1);
    const char *hidden = must_create_group(f, ada, some_ids(f->arena, 1), 1);

    const char *cursor = cursor_of(f, changes(f, ada, NULL));
    chat_call(f, ada, "POST", path_of(f, left, "/leave"), NULL, NULL);
    chat_call(f, ada, "DELETE", path_of(f, deleted, "?scope=everyone"), NULL, NULL);
    chat_call(f, ada, "DELETE", path_of(f, hidden, ""), NULL, NULL);
    struct answer after = changes(f, ada, cursor);
    struct answer fresh = changes(f, ada, NULL);

    assert_true(names_as_removed(after, left));
    assert_true(names_as_removed(after, deleted));
    assert_true(names_as_removed(after, hidden));
    assert_false(names(fresh, left) || names(fresh, deleted) || names(fresh, hidden));
    assert_non_null(strstr(changes(f, ada, cursor_of(f, after)).body, "\"removed\":[]"));
}

static void changes_that_are_many_come_in_pages_and_each_chat_once(void **state)
{
    struct chat_fixture *f = *state;
    const char *ada = an_id(f->arena), *ids[9], *cursor = NULL;
    size_t seen[9] = {0}, pages = 0;
    struct answer page;

    for (int i = 0; i < 9; i++)
        ids[i] = must_create_group(f, ada, NULL, 0);
    do {
        page = chat_call(
            f, ada, "GET",
            cc_arena_printf(f->arena, "/v1/chats/changes?limit=2%s%s",
                            cursor == NULL ? "" : "&cursor=", cursor == NULL ? "" : cursor),
            NULL, NULL);
        cursor = cursor_of(f, page);
        for (int i = 0; i < 9; i++)
            seen[i] += names(page, ids[i]);
        assert_true(++pages < 20);
    } while (strstr(page.body, "\"more\":true") != NULL);

    assert_true(pages > 1);
    for (int i = 0; i < 9; i++)
        assert_int_equal(seen[i], 1);
    assert_non_null(strstr(changes(f, ada, cursor).body, "\"items\":[]"));
}

#define list_test(function)                                                                        \
    cmocka_unit_test_setup_teardown(function, chat_fixture_begin, chat_fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        list_test(what_a_person_says_of_a_chat_is_shown_to_nobody_else),
        list_test(other_daemons_learn_how_loud_a_chat_is_for_whom),
        list_test(a_state_is_told_to_its_person_alone),
        list_test(states_are_for_members_and_well_formed),
        list_test(a_chat_deleted_for_oneself_comes_back_with_the_next_message),
        list_test(a_deletion_that_message_service_has_not_heard_of_is_only_accepted),
        list_test(a_chat_deleted_for_all_is_gone_for_all),
        list_test(a_last_message_that_has_expired_is_not_shown),
        list_test(a_direct_chat_is_deleted_for_oneself_only),
        list_test(only_what_is_new_is_in_the_changes_of_the_list),
        list_test(what_was_read_elsewhere_is_in_the_changes_of_the_list),
        list_test(read_positions_that_are_not_known_are_no_change),
        list_test(the_first_page_of_the_list_says_where_its_changes_begin),
        list_test(chats_that_are_gone_are_named_in_the_changes_of_the_list),
        list_test(changes_that_are_many_come_in_pages_and_each_chat_once),
    };

    return cmocka_run_group_tests_name("chat-service lists", tests, chat_fixture_start,
                                       chat_fixture_stop);
}
