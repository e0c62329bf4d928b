/* chat-service over HTTP, with real MongoDB, Kafka and Redis behind it. */

#include <pthread.h>
#include <string.h>

#include "bus_listener.h"
#include "chat_fixture.h"
#include "common/events/chat_updated.h"
#include "common/events/message_created.h"
#include "common/events/message_persisted.h"
#include "common/topics.h"
#include "events/consume_persisted.h"

#define PAIR_THREADS 8

static void a_group_is_stored_cached_and_announced(void **state)
{
    struct chat_fixture *f = *state;
    const char *owner = an_id(f->arena), **others = some_ids(f->arena, 2);
    char key[CC_REDIS_NAME_BYTES], op_id[CC_UUID_BYTES];

    const char *chat_id = must_create_group(f, owner, others, 2);
    struct payloads operations = chat_records(f, f->operations_topic, chat_id);
    struct payloads updates = chat_records(f, f->updates_topic, chat_id);

    assert_int_equal(operations.count, 1);
    struct ev_message_created operation = operation_in(f, operations.items[0]);
    cc_op_id("system", chat_id, cc_arena_printf(f->arena, "%s/1", chat_id), op_id);
    assert_string_equal(operation.op_id, op_id);
    assert_int_equal(operation.op, CC_OP_SYSTEM);
    assert_true(operation.counted);
    assert_int_equal(operation.member_count, 3);
    assert_int_equal(operation.member_version, 1);
    assert_string_equal(json_text(f, operation.system_json, "event"), "chat_created");
    assert_int_equal(updates.count, 1);
    assert_string_equal(json_text(f, updates.items[0], "change"), "created");
    cc_redis_name_mver(chat_id, key);
    assert_string_equal(redis_get(f, key), "1");
    cc_redis_name_members(chat_id, key);
    assert_non_null(strstr(redis_get(f, key), others[1]));
    assert_int_equal(unannounced(f, chat_id), 0);
}

static void a_group_is_seen_by_its_members(void **state)
{
    struct chat_fixture *f = *state;
    const char *owner = an_id(f->arena), **others = some_ids(f->arena, 2);
    const char *chat_id = must_create_group(f, owner, others, 2);

    struct answer one = chat_call(f, others[0], "GET", path_of(f, chat_id, ""), NULL, NULL);
    struct answer members =
        chat_call(f, others[0], "GET", path_of(f, chat_id, "/members"), NULL, NULL);
    struct answer list = chat_call(f, others[1], "GET", "/v1/chats", NULL, NULL);

    assert_int_equal(one.status, 200);
    assert_string_equal(json_text(f, one.body, "title"), "Engines");
    assert_int_equal(json_int(f, one.body, "member_count"), 3);
    assert_string_equal(cc_http_answer_header(&one.raw, "ETag"), "\"1\"");
    assert_int_equal(members.status, 200);
    assert_non_null(strstr(members.body, "\"role\":\"owner\""));
    assert_int_equal(list.status, 200);
    assert_non_null(strstr(list.body, chat_id));
}

static void strangers_get_the_same_answer_as_for_a_missing_chat(void **state)
{
    struct chat_fixture *f = *state;
    const char *chat_id = must_create_group(f, an_id(f->arena), some_ids(f->arena, 1), 1);
    const char *stranger = an_id(f->arena);

    struct answer strange = chat_call(f, stranger, "GET", path_of(f, chat_id, ""), NULL, NULL);
    struct answer missing =
        chat_call(f, stranger, "GET", path_of(f, an_id(f->arena), ""), NULL, NULL);
    struct answer members =
        chat_call(f, stranger, "GET", path_of(f, chat_id, "/members"), NULL, NULL);

    assert_int_equal(strange.status, 404);
    assert_int_equal(missing.status, 404);
    assert_int_equal(members.status, 404);
    assert_string_equal(json_text(f, strange.body, "detail"), json_text(f, missing.body, "detail"));
}

static void bad_groups_are_refused_with_the_field_at_fault(void **state)
{
    struct chat_fixture *f = *state;
    const char *owner = an_id(f->arena), *member = an_id(f->arena), *nobody = NOBODY;
    const char *twice[] = {member, member};

    struct answer no_title =
        chat_call(f, owner, "POST", "/v1/chats", "{\"title\":\"\",\"member_ids\":[]}", NULL);
    struct answer repeated = create_group(f, owner, twice, 2, NULL);
    struct answer unknown_key = chat_call(f, owner, "POST", "/v1/chats",
                                          "{\"title\":\"x\",\"member_ids\":[],\"admin\":1}", NULL);
    struct answer unknown_person = create_group(f, owner, &nobody, 1, NULL);
    struct answer too_many = create_group(f, owner, some_ids(f->arena, 200), 200, NULL);

    assert_int_equal(no_title.status, 400);
    assert_non_null(strstr(no_title.body, "/title"));
    assert_int_equal(repeated.status, 400);
    assert_int_equal(unknown_key.status, 400);
    assert_int_equal(unknown_person.status, 404);
    assert_non_null(strstr(unknown_person.body, "/member_ids"));
    assert_int_equal(too_many.status, 400);
}

static void the_largest_group_can_be_made(void **state)
{
    struct chat_fixture *f = *state;
    const char *owner = an_id(f->arena);

    struct answer answer = create_group(f, owner, some_ids(f->arena, 199), 199, NULL);

    assert_int_equal(answer.status, 201);
    assert_int_equal(json_int(f, answer.body, "member_count"), 200);
}

static void a_repeated_key_finds_the_first_group(void **state)
{
    struct chat_fixture *f = *state;
    const char *owner = an_id(f->arena), **others = some_ids(f->arena, 2);

    struct answer first = create_group(f, owner, others, 2, "key-1");
    struct answer again = create_group(f, owner, others, 2, "key-1");
    struct answer other = create_group(f, owner, others, 1, "key-1");
    const char *chat_id = json_text(f, first.body, "chat_id");

    assert_int_equal(first.status, 201);
    assert_int_equal(again.status, 200);
    assert_string_equal(json_text(f, again.body, "chat_id"), chat_id);
    assert_string_equal(cc_http_answer_header(&again.raw, "Idempotent-Replayed"), "true");
    assert_int_equal(other.status, 409);
    assert_string_equal(json_text(f, other.body, "code"), "idempotency_conflict");
    assert_int_equal(chat_records(f, f->operations_topic, chat_id).count, 1);
}

struct pair_caller {
    pthread_t thread;
    struct chat_fixture copy; /* with an arena of its own */
    const char *caller, *other;
    struct answer answer;
};

static void *ask_for_pair(void *arg)
{
    struct pair_caller *asker = arg;

    asker->answer =
        chat_call(&asker->copy, asker->caller, "POST", "/v1/chats/direct",
                  cc_arena_printf(asker->copy.arena, "{\"user_id\":\"%s\"}", asker->other), NULL);
    return NULL;
}

static void two_people_who_call_each_other_at_once_meet_in_one_chat(void **state)
{
    struct chat_fixture *f = *state;
    const char *a = an_id(f->arena), *b = an_id(f->arena), *chat_id = NULL;
    struct pair_caller *askers = cc_arena_calloc(f->arena, PAIR_THREADS, sizeof(*askers));
    int created = 0, found = 0;

    for (int i = 0; i < PAIR_THREADS; i++) {
        askers[i].copy = *f;
        askers[i].copy.arena = cc_arena_create(0);
        askers[i].caller = i % 2 == 0 ? a : b;
        askers[i].other = i % 2 == 0 ? b : a;
    }
    for (int i = 0; i < PAIR_THREADS; i++)
        pthread_create(&askers[i].thread, NULL, ask_for_pair, &askers[i]);
    for (int i = 0; i < PAIR_THREADS; i++) {
        pthread_join(askers[i].thread, NULL);
        const char *its_id = json_text(f, askers[i].answer.body, "chat_id");
        created += askers[i].answer.status == 201;
        found += askers[i].answer.status == 200;
        assert_true(chat_id == NULL || strcmp(chat_id, its_id) == 0);
        chat_id = its_id;
        cc_arena_destroy(askers[i].copy.arena);
    }

    assert_int_equal(created, 1);
    assert_int_equal(found, PAIR_THREADS - 1);
    struct payloads operations = chat_records(f, f->operations_topic, chat_id);
    for (size_t i = 1; i < operations.count; i++) /* told twice at most in words, never in effect */
        assert_string_equal(operation_in(f, operations.items[i]).op_id,
                            operation_in(f, operations.items[0]).op_id);
}

static void assert_refused_alike(struct chat_fixture *f, struct answer one, struct answer other)
{
    assert_int_equal(one.status, 404);
    assert_int_equal(other.status, 404);
    assert_string_equal(json_text(f, one.body, "detail"), json_text(f, other.body, "detail"));
    assert_string_equal(strstr(one.body, "\"errors\""), strstr(other.body, "\"errors\""));
}

static void a_direct_chat_needs_somebody_else_who_exists(void **state)
{
    struct chat_fixture *f = *state;
    const char *a = an_id(f->arena);

    struct answer nobody =
        chat_call(f, a, "POST", "/v1/chats/direct", "{\"user_id\":\"" NOBODY "\"}", NULL);
    struct answer oneself = chat_call(f, a, "POST", "/v1/chats/direct",
                                      cc_arena_printf(f->arena, "{\"user_id\":\"%s\"}", a), NULL);

    assert_int_equal(nobody.status, 404);
    assert_int_equal(oneself.status, 400);
}

/* Word for word as for somebody who does not exist. */
static void nobody_begins_anything_with_who_has_blocked_them(void **state)
{
    struct chat_fixture *f = *state;
    const char *a = an_id(f->arena), *b = an_id(f->arena), *blocker = BLOCKER, *nobody = NOBODY;
    const char *members = path_of(f, must_create_group(f, a, &b, 1), "/members");
    const char *add = "{\"user_ids\":[\"" BLOCKER "\"]}",
               *add_nobody = "{\"user_ids\":[\"" NOBODY "\"]}";

    struct answer direct =
        chat_call(f, a, "POST", "/v1/chats/direct", "{\"user_id\":\"" BLOCKER "\"}", NULL);
    struct answer direct_nobody =
        chat_call(f, a, "POST", "/v1/chats/direct", "{\"user_id\":\"" NOBODY "\"}", NULL);
    struct answer founded = create_group(f, a, &blocker, 1, NULL);
    struct answer founded_nobody = create_group(f, a, &nobody, 1, NULL);
    struct answer added = chat_call(f, a, "POST", members, add, NULL);
    struct answer added_nobody = chat_call(f, a, "POST", members, add_nobody, NULL);

    assert_refused_alike(f, direct, direct_nobody);
    assert_refused_alike(f, founded, founded_nobody);
    assert_refused_alike(f, added, added_nobody);
}

static void nobody_is_invited_while_blocks_can_not_be_asked(void **state)
{
    struct chat_fixture *f = *state;
    const char *a = an_id(f->arena), *b = an_id(f->arena);
    const char *body = cc_arena_printf(f->arena, "{\"user_id\":\"%s\"}", b);
    atomic_store(&f->relations_unknown, true);

    struct answer away = chat_call(f, a, "POST", "/v1/chats/direct", body, NULL);
    struct answer away_group = create_group(f, a, &b, 1, NULL);
    atomic_store(&f->relations_unknown, false);
    struct answer back = chat_call(f, a, "POST", "/v1/chats/direct", body, NULL);
    atomic_store(&f->relations_unknown, true);
    struct answer known = chat_call(f, a, "POST", "/v1/chats/direct", body, NULL);

    assert_int_equal(away.status, 503);
    assert_int_equal(away_group.status, 503);
    assert_int_equal(back.status, 201);
    assert_int_equal(known.status, 200); /* it is there: nothing begins */
}

static void after_a_crash_the_sweep_announces_exactly_what_was_missing(void **state)
{
    struct chat_fixture *f = *state;
    const char *owner = an_id(f->arena), **others = some_ids(f->arena, 1);
    const char *whole = must_create_group(f, owner, others, 1);
    struct chat_change *torn = a_group_of(f->arena, owner, others, 1);
    const char *chat_id = torn->after.chat_id;
    char op_id[CC_UUID_BYTES];
    size_t count = 0;

    /* The crash: only the insert has happened. */
    assert_int_equal(f->app.store->ops->append(f->app.store, torn, &f->err), CC_OK);
    assert_int_equal(chat_call(f, owner, "GET", path_of(f, chat_id, ""), NULL, NULL).status, 404);
    assert_int_equal(chat_announcer_sweep(&f->app.announcer, INT64_MAX, &count, &f->err), CC_OK);
    assert_int_equal(count, 1);
    assert_int_equal(chat_announcer_sweep(&f->app.announcer, INT64_MAX, &count, &f->err), CC_OK);
    assert_int_equal(count, 0);

    change_op_id(torn, op_id);
    struct payloads operations = chat_records(f, f->operations_topic, chat_id);
    assert_int_equal(operations.count, 1);
    assert_string_equal(operation_in(f, operations.items[0]).op_id, op_id);
    assert_int_equal(chat_records(f, f->updates_topic, chat_id).count, 1);
    assert_int_equal(chat_records(f, f->operations_topic, whole).count, 1);
    assert_int_equal(chat_call(f, owner, "GET", path_of(f, chat_id, ""), NULL, NULL).status, 200);
}

static struct bus_listener *listen_to(const char *chat_id)
{
    char name[CC_REDIS_NAME_BYTES];
    const char *channel = name;

    cc_redis_name_chat(chat_id, name);
    return bus_listener_start(test_env("CHAT_TEST_REDIS_URL"), &channel, 1);
}

static bool hears_of_members(void *ears)
{
    return bus_listener_count(ears, CC_BUS_MEMBER, NULL, "") > 0;
}

static void a_removal_is_answered_when_nobody_can_act_on_the_old_rights(void **state)
{
    struct chat_fixture *f = *state;
    const char *owner = an_id(f->arena), **others = some_ids(f->arena, 2);
    const char *chat_id = must_create_group(f, owner, others, 2);
    struct bus_listener *ears = listen_to(chat_id);
    char key[CC_REDIS_NAME_BYTES];

    struct answer removed = chat_call(
        f, owner, "DELETE",
        path_of(f, chat_id, cc_arena_printf(f->arena, "/members/%s", others[0])), NULL, NULL);
    cc_redis_name_mver(chat_id, key);

    assert_int_equal(removed.status, 204);
    assert_string_equal(redis_get(f, key), "2");
    test_wait_for(hears_of_members, ears, 2000);
    assert_int_equal(bus_listener_expect(ears, 1, CC_BUS_MEMBER, NULL, "").member_version, 2);
    assert_int_equal(chat_call(f, others[0], "GET", path_of(f, chat_id, ""), NULL, NULL).status,
                     404);
    struct payloads operations = chat_records(f, f->operations_topic, chat_id);
    assert_int_equal(operations.count, 2);
    struct ev_message_created operation = operation_in(f, operations.items[1]);
    assert_string_equal(operation.members[0].state, "removed");
    assert_int_equal(operation.member_version, 2);
    bus_listener_stop(ears);
}

static void a_removal_whose_outcome_is_late_is_answered_202(void **state)
{
    struct chat_fixture *f = *state;
    const char *owner = an_id(f->arena), **others = some_ids(f->arena, 1);
    const char *chat_id = must_create_group(f, owner, others, 1);

    outcomes_are_known(f, false);
    struct answer left = chat_call(f, others[0], "POST", path_of(f, chat_id, "/leave"), "{}", NULL);

    assert_int_equal(left.status, 202);
    assert_int_equal(unannounced(f, chat_id), 0);
}

static void members_are_added_by_those_who_may(void **state)
{
    struct chat_fixture *f = *state;
    const char *owner = an_id(f->arena), **others = some_ids(f->arena, 2);
    const char *chat_id = must_create_group(f, owner, others, 1);
    const char *body =
        cc_arena_printf(f->arena, "{\"user_ids\":[\"%s\",\"%s\"]}", others[0], others[1]);

    struct answer by_member =
        chat_call(f, others[0], "POST", path_of(f, chat_id, "/members"), body, NULL);
    struct answer by_owner =
        chat_call(f, owner, "POST", path_of(f, chat_id, "/members"), body, NULL);
    struct answer again = chat_call(f, owner, "POST", path_of(f, chat_id, "/members"), body, NULL);

    assert_int_equal(by_member.status, 403);
    assert_int_equal(by_owner.status, 200);
    assert_int_equal(json_int(f, by_owner.body, "member_count"), 3);
    assert_int_equal(json_int(f, again.body, "version"), 2);
    struct payloads operations = chat_records(f, f->operations_topic, chat_id);
    assert_int_equal(operations.count, 2);
    assert_int_equal(operation_in(f, operations.items[1]).member_count, 1);
}

static void a_title_is_changed_only_in_the_version_that_was_seen(void **state)
{
    struct chat_fixture *f = *state;
    const char *owner = an_id(f->arena), **others = some_ids(f->arena, 1);
    const char *chat_id = must_create_group(f, owner, others, 1);

    struct answer by_member =
        chat_call(f, others[0], "PATCH", path_of(f, chat_id, ""), "{\"title\":\"Mine\"}", NULL);
    struct answer renamed =
        chat_call(f, owner, "PATCH", path_of(f, chat_id, ""), "{\"title\":\"New\"}", NULL);

    assert_int_equal(by_member.status, 403);
    assert_int_equal(renamed.status, 200);
    assert_string_equal(json_text(f, renamed.body, "title"), "New");
    assert_string_equal(cc_http_answer_header(&renamed.raw, "ETag"), "\"2\"");
}

static void forget_cached(struct chat_fixture *f, const char *chat_id)
{
    assert_int_equal(cc_redis_do(f->app.redis, NULL, &f->err, "DEL",
                                 cc_arena_printf(f->arena, "chat-card:%s", chat_id),
                                 cc_arena_printf(f->arena, "chat-activity:%s", chat_id), NULL),
                     CC_OK);
}

static void the_list_is_ordered_by_activity_with_and_without_the_cache(void **state)
{
    struct chat_fixture *f = *state;
    const char *person = an_id(f->arena), *ids[3];
    int64_t now = cc_wall_ms(f->app.clock);

    for (int i = 0; i < 3; i++)
        ids[i] = must_create_group(f, person, some_ids(f->arena, 1), 1);
    say_in(f, ids[1], 2, now + 3000);
    say_in(f, ids[0], 2, now + 2000);
    struct answer cached = chat_call(f, person, "GET", "/v1/chats", NULL, NULL);
    for (int i = 0; i < 3; i++)
        forget_cached(f, ids[i]);
    struct answer uncached = chat_call(f, person, "GET", "/v1/chats", NULL, NULL);

    assert_string_equal(cached.body, uncached.body);
    const char *first = strstr(cached.body, ids[1]), *second = strstr(cached.body, ids[0]);
    const char *third = strstr(cached.body, ids[2]);
    assert_true(first != NULL && first < second && second < third);
    assert_non_null(strstr(cached.body, "\"body\":\"hello\""));
}

static void pages_of_the_list_follow_their_cursor(void **state)
{
    struct chat_fixture *f = *state;
    const char *person = an_id(f->arena);
    const char *older = must_create_group(f, person, some_ids(f->arena, 1), 1);
    const char *newer = must_create_group(f, person, some_ids(f->arena, 1), 1);

    say_in(f, newer, 2, cc_wall_ms(f->app.clock) + 5000);
    struct answer first = chat_call(f, person, "GET", "/v1/chats?limit=1", NULL, NULL);
    struct answer second = chat_call(f, person, "GET",
                                     cc_arena_printf(f->arena, "/v1/chats?limit=1&cursor=%s",
                                                     json_text(f, first.body, "next_cursor")),
                                     NULL, NULL);
    struct answer bad = chat_call(f, person, "GET", "/v1/chats?cursor=abc", NULL, NULL);

    assert_non_null(strstr(first.body, newer));
    assert_null(strstr(first.body, older));
    assert_non_null(strstr(second.body, older));
    assert_non_null(strstr(second.body, "\"next_cursor\":null"));
    assert_int_equal(bad.status, 400);
}

static void other_daemons_learn_members_and_chats(void **state)
{
    struct chat_fixture *f = *state;
    const char *owner = an_id(f->arena), **others = some_ids(f->arena, 2);
    const char *chat_id = must_create_group(f, owner, others, 2);
    char key[CC_REDIS_NAME_BYTES];

    cc_redis_name_members(chat_id, key);
    assert_int_equal(cc_redis_do(f->app.redis, NULL, &f->err, "DEL", key, NULL), CC_OK);
    struct answer rights = chat_call_internal(
        f, cc_arena_printf(f->arena, "/internal/chats/%s/members", chat_id), NULL);
    struct answer page = chat_call_internal(
        f, cc_arena_printf(f->arena, "/internal/chats/%s/members?limit=2", chat_id), NULL);
    struct answer chats = chat_call_internal(
        f, cc_arena_printf(f->arena, "/internal/users/%s/chats", others[0]), NULL);
    struct answer list = chat_call_internal(
        f, cc_arena_printf(f->arena, "/internal/users/%s/chats/page?limit=5", others[0]), NULL);

    assert_int_equal(rights.status, 200);
    assert_int_equal(json_int(f, rights.body, "member_version"), 1);
    assert_string_equal(json_text(f, rights.body, "post"), "all");
    assert_string_equal(redis_get(f, key), rights.body);
    assert_string_equal(json_text(f, page.body, "next_cursor"), "2");
    assert_non_null(strstr(chats.body, chat_id));
    assert_non_null(strstr(chats.body, "\"member_version\":1"));
    assert_non_null(strstr(list.body, chat_id));
    assert_int_equal(
        chat_call_internal(
            f, cc_arena_printf(f->arena, "/internal/chats/%s/members", an_id(f->arena)), NULL)
            .status,
        404);
}

static void other_daemons_learn_who_shares_a_chat(void **state)
{
    struct chat_fixture *f = *state;
    const char *a = an_id(f->arena), *b = an_id(f->arena), *c = an_id(f->arena);
    const char *others[] = {b, c}, *path;
    must_create_group(f, a, &b, 1);
    must_create_group(f, c, &b, 1);
    path = cc_arena_printf(f->arena, "/internal/users/%s/shared", a);

    struct answer shared = chat_call_internal(
        f, path, cc_arena_printf(f->arena, "{\"user_ids\":%s}", json_ids(f, others, 2)));
    struct answer alone = chat_call_internal(
        f, cc_arena_printf(f->arena, "/internal/users/%s/shared", an_id(f->arena)),
        cc_arena_printf(f->arena, "{\"user_ids\":%s}", json_ids(f, others, 2)));

    assert_int_equal(shared.status, 200);
    assert_string_equal(shared.body, cc_arena_printf(f->arena, "{\"user_ids\":[\"%s\"]}", b));
    assert_string_equal(alone.body, "{\"user_ids\":[]}");
    assert_int_equal(chat_call_internal(f, path, "{}").status, 400);
}

#define service_test(function)                                                                     \
    cmocka_unit_test_setup_teardown(function, chat_fixture_begin, chat_fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        service_test(a_group_is_stored_cached_and_announced),
        service_test(a_group_is_seen_by_its_members),
        service_test(strangers_get_the_same_answer_as_for_a_missing_chat),
        service_test(bad_groups_are_refused_with_the_field_at_fault),
        service_test(the_largest_group_can_be_made),
        service_test(a_repeated_key_finds_the_first_group),
        service_test(two_people_who_call_each_other_at_once_meet_in_one_chat),
        service_test(a_direct_chat_needs_somebody_else_who_exists),
        service_test(nobody_begins_anything_with_who_has_blocked_them),
        service_test(nobody_is_invited_while_blocks_can_not_be_asked),
        service_test(after_a_crash_the_sweep_announces_exactly_what_was_missing),
        service_test(a_removal_is_answered_when_nobody_can_act_on_the_old_rights),
        service_test(a_removal_whose_outcome_is_late_is_answered_202),
        service_test(members_are_added_by_those_who_may),
        service_test(a_title_is_changed_only_in_the_version_that_was_seen),
        service_test(the_list_is_ordered_by_activity_with_and_without_the_cache),
        service_test(pages_of_the_list_follow_their_cursor),
        service_test(other_daemons_learn_members_and_chats),
        service_test(other_daemons_learn_who_shares_a_chat),
    };

    return cmocka_run_group_tests_name("chat-service", tests, chat_fixture_start,
                                       chat_fixture_stop);
}
