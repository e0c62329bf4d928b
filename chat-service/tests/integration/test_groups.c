/* Roles, bans, ownership and settings over HTTP, with real MongoDB, Kafka and Redis behind. */

#include <string.h>

#include "chat_fixture.h"
#include "common/topics.h"

struct group {
    const char *chat_id, *owner, *admin, *member, *other;
};

static const char *member_path(struct chat_fixture *f, const char *chat_id, const char *user_id)
{
    return path_of(f, chat_id, cc_arena_printf(f->arena, "/members/%s", user_id));
}

static struct answer patch_member(struct chat_fixture *f, const struct group *g, const char *actor,
                                  const char *target, const char *body)
{
    return chat_call(f, actor, "PATCH", member_path(f, g->chat_id, target), body, NULL);
}

/* A group of four, one of them an admin. */
static struct group a_group_with_an_admin(struct chat_fixture *f)
{
    const char **others = some_ids(f->arena, 3);
    struct group g = {
        .owner = an_id(f->arena), .admin = others[0], .member = others[1], .other = others[2]};

    g.chat_id = must_create_group(f, g.owner, others, 3);
    assert_int_equal(patch_member(f, &g, g.owner, g.admin, "{\"role\":\"admin\"}").status, 200);
    return g;
}

static struct answer transfer(struct chat_fixture *f, const struct group *g, const char *actor,
                              const char *heir)
{
    return chat_call(f, actor, "POST", path_of(f, g->chat_id, "/transfer"),
                     cc_arena_printf(f->arena, "{\"user_id\":\"%s\"}", heir), NULL);
}

static const char *role_of(struct chat_fixture *f, const struct group *g, const char *user_id)
{
    struct membership *member = NULL;

    assert_int_equal(f->app.store->ops->find_member(f->app.store, g->chat_id, user_id, f->arena,
                                                    &member, &f->err),
                     CC_OK);
    return cc_chat_role_names[member->role];
}

static void a_role_that_is_given_is_in_the_timeline_and_in_the_rights(void **state)
{
    struct chat_fixture *f = *state;
    struct group g = a_group_with_an_admin(f);
    char key[CC_REDIS_NAME_BYTES];

    struct answer again = patch_member(f, &g, g.owner, g.admin, "{\"role\":\"admin\"}");
    struct payloads operations = chat_records(f, f->operations_topic, g.chat_id);
    struct payloads updates = chat_records(f, f->updates_topic, g.chat_id);

    assert_int_equal(again.status, 200);
    assert_string_equal(json_text(f, again.body, "role"), "admin");
    assert_int_equal(operations.count, 2);
    struct ev_message_created operation = operation_in(f, operations.items[1]);
    assert_string_equal(json_text(f, operation.system_json, "event"), "role_changed");
    assert_string_equal(operation.members[0].role, "admin");
    assert_string_equal(operation.members[0].state, "active");
    assert_int_equal(operation.member_version, 2);
    assert_string_equal(json_text(f, updates.items[1], "change"), "role");
    cc_redis_name_mver(g.chat_id, key);
    assert_string_equal(redis_get(f, key), "2");
}

static void roles_are_given_by_owners_alone(void **state)
{
    struct chat_fixture *f = *state;
    struct group g = a_group_with_an_admin(f);

    assert_int_equal(patch_member(f, &g, g.admin, g.member, "{\"role\":\"admin\"}").status, 403);
    assert_int_equal(patch_member(f, &g, g.member, g.member, "{\"role\":\"admin\"}").status, 403);
    assert_int_equal(patch_member(f, &g, g.owner, g.owner, "{\"role\":\"member\"}").status, 409);
    assert_int_equal(patch_member(f, &g, g.owner, NOBODY, "{\"role\":\"admin\"}").status, 404);
    assert_int_equal(patch_member(f, &g, an_id(f->arena), g.member, "{\"role\":\"admin\"}").status,
                     404);
}

static void a_change_of_a_member_names_one_thing(void **state)
{
    static const char *const bodies[] = {"{}", "{\"role\":\"king\"}", "{\"banned\":1}",
                                         "{\"role\":\"admin\",\"banned\":false}",
                                         "{\"role\":\"admin\",\"state\":\"active\"}"};
    struct chat_fixture *f = *state;
    struct group g = a_group_with_an_admin(f);

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        assert_int_equal(patch_member(f, &g, g.owner, g.member, bodies[i]).status, 400);
}

static void a_group_is_handed_over_once(void **state)
{
    struct chat_fixture *f = *state;
    struct group g = a_group_with_an_admin(f);

    assert_int_equal(transfer(f, &g, g.admin, g.member).status, 403);
    assert_int_equal(transfer(f, &g, g.owner, g.owner).status, 409);
    assert_int_equal(transfer(f, &g, g.owner, NOBODY).status, 404);
    struct answer handed = transfer(f, &g, g.owner, g.member);

    assert_int_equal(handed.status, 200);
    assert_string_equal(role_of(f, &g, g.member), "owner");
    assert_string_equal(role_of(f, &g, g.owner), "admin");
    assert_int_equal(transfer(f, &g, g.owner, g.other).status, 403);
    struct payloads operations = chat_records(f, f->operations_topic, g.chat_id);
    struct ev_message_created operation = operation_in(f, operations.items[2]);
    assert_int_equal(operation.member_count, 2);
    assert_string_equal(operation.members[0].role, "owner");
    assert_string_equal(operation.members[1].role, "admin");
}

static void owners_who_leave_are_succeeded_only_when_none_is_left(void **state)
{
    struct chat_fixture *f = *state;
    struct group g = a_group_with_an_admin(f);
    const char *leave = path_of(f, g.chat_id, "/leave");

    patch_member(f, &g, g.owner, g.member, "{\"role\":\"owner\"}");
    assert_int_equal(chat_call(f, g.owner, "POST", leave, NULL, NULL).status, 204);
    assert_string_equal(role_of(f, &g, g.admin), "admin");
    assert_int_equal(chat_call(f, g.member, "POST", leave, NULL, NULL).status, 204);

    assert_string_equal(role_of(f, &g, g.admin), "owner");
}

static void who_is_banned_is_out_and_cannot_be_added(void **state)
{
    struct chat_fixture *f = *state;
    struct group g = a_group_with_an_admin(f);
    const char *add = cc_arena_printf(f->arena, "{\"user_ids\":[\"%s\"]}", g.member);
    const char *members = path_of(f, g.chat_id, "/members");

    struct answer banned = patch_member(f, &g, g.admin, g.member, "{\"banned\":true}");
    struct answer again = patch_member(f, &g, g.admin, g.member, "{\"banned\":true}");
    struct answer list =
        chat_call(f, g.admin, "GET", path_of(f, g.chat_id, "/members?state=banned"), NULL, NULL);

    assert_int_equal(banned.status, 200);
    assert_string_equal(json_text(f, banned.body, "state"), "banned");
    assert_int_equal(again.status, 200);
    assert_int_equal(chat_call(f, g.member, "GET", path_of(f, g.chat_id, ""), NULL, NULL).status,
                     404);
    assert_int_equal(chat_call(f, g.owner, "POST", members, add, NULL).status, 403);
    assert_non_null(strstr(list.body, g.member));
    assert_null(strstr(list.body, g.other));
    assert_int_equal(
        chat_call(f, g.other, "GET", path_of(f, g.chat_id, "/members?state=banned"), NULL, NULL)
            .status,
        403);
    struct payloads operations = chat_records(f, f->operations_topic, g.chat_id);
    assert_int_equal(operations.count, 3);
    assert_string_equal(operation_in(f, operations.items[2]).members[0].state, "banned");
}

static void a_ban_that_is_lifted_lets_somebody_be_added_again(void **state)
{
    struct chat_fixture *f = *state;
    struct group g = a_group_with_an_admin(f);
    const char *add = cc_arena_printf(f->arena, "{\"user_ids\":[\"%s\"]}", g.member);

    patch_member(f, &g, g.owner, g.member, "{\"banned\":true}");
    struct answer lifted = patch_member(f, &g, g.owner, g.member, "{\"banned\":false}");
    struct answer added =
        chat_call(f, g.owner, "POST", path_of(f, g.chat_id, "/members"), add, NULL);

    assert_int_equal(lifted.status, 200);
    assert_string_equal(json_text(f, lifted.body, "state"), "removed");
    assert_int_equal(added.status, 200);
    assert_int_equal(json_int(f, added.body, "member_count"), 4);
    assert_int_equal(patch_member(f, &g, g.owner, g.member, "{\"banned\":false}").status, 404);
}

static void a_ban_whose_outcome_is_late_is_answered_202(void **state)
{
    struct chat_fixture *f = *state;
    struct group g = a_group_with_an_admin(f);

    outcomes_are_known(f, false);
    struct answer banned = patch_member(f, &g, g.owner, g.member, "{\"banned\":true}");

    assert_int_equal(banned.status, 202);
    assert_int_equal(unannounced(f, g.chat_id), 0);
}

static void an_admin_has_no_power_over_the_same_or_a_higher_role(void **state)
{
    struct chat_fixture *f = *state;
    struct group g = a_group_with_an_admin(f);

    patch_member(f, &g, g.owner, g.member, "{\"role\":\"admin\"}");
    assert_int_equal(patch_member(f, &g, g.admin, g.owner, "{\"banned\":true}").status, 403);
    assert_int_equal(patch_member(f, &g, g.admin, g.member, "{\"banned\":true}").status, 403);
    assert_int_equal(
        chat_call(f, g.admin, "DELETE", member_path(f, g.chat_id, g.member), NULL, NULL).status,
        403);
    assert_int_equal(
        chat_call(f, g.admin, "DELETE", member_path(f, g.chat_id, g.other), NULL, NULL).status,
        204);
}

static struct answer edit(struct chat_fixture *f, const struct group *g, const char *actor,
                          const char *body)
{
    return chat_call(f, actor, "PATCH", path_of(f, g->chat_id, ""), body, NULL);
}

static void what_a_group_says_of_itself_is_changed_and_taken_away(void **state)
{
    struct chat_fixture *f = *state;
    struct group g = a_group_with_an_admin(f);
    const char *avatar = an_id(f->arena);

    struct answer set = edit(
        f, &g, g.admin,
        cc_arena_printf(f->arena, "{\"description\":\"Of all kinds\",\"avatar_media_id\":\"%s\"}",
                        avatar));
    struct answer again = edit(f, &g, g.admin, "{\"description\":\"Of all kinds\"}");
    struct answer unset = edit(f, &g, g.owner, "{\"description\":null,\"avatar_media_id\":null}");
    struct answer list = chat_call(f, g.member, "GET", "/v1/chats", NULL, NULL);

    assert_int_equal(set.status, 200);
    assert_string_equal(json_text(f, set.body, "description"), "Of all kinds");
    assert_string_equal(json_text(f, set.body, "avatar_media_id"), avatar);
    assert_string_equal(json_text(f, set.body, "title"), "Engines");
    assert_int_equal(json_int(f, again.body, "version"), json_int(f, set.body, "version"));
    assert_non_null(strstr(unset.body, "\"avatar_media_id\":null"));
    assert_string_equal(json_text(f, unset.body, "description"), "");
    assert_non_null(strstr(list.body, "\"avatar_media_id\":null"));
    assert_int_equal(edit(f, &g, g.member, "{\"description\":\"Mine\"}").status, 403);
    struct payloads updates = chat_records(f, f->updates_topic, g.chat_id);
    assert_string_equal(json_text(f, updates.items[updates.count - 1], "change"), "metadata");
}

static void edits_that_break_a_rule_are_refused(void **state)
{
    static const char *const bodies[] = {"{}",
                                         "{\"title\":null}",
                                         "{\"title\":\"\"}",
                                         "{\"members\":[]}",
                                         "{\"avatar_media_id\":\"x\"}",
                                         "{\"settings\":1}",
                                         "{\"settings\":{\"post\":\"nobody\"}}",
                                         "{\"settings\":{\"retention_s\":-1}}",
                                         "{\"settings\":{\"colour\":\"red\"}}"};
    struct chat_fixture *f = *state;
    struct group g = a_group_with_an_admin(f);

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        if (edit(f, &g, g.owner, bodies[i]).status != 400)
            fail_msg("%s", bodies[i]);
}

static void who_may_post_is_in_the_timeline_and_in_the_rights(void **state)
{
    struct chat_fixture *f = *state;
    struct group g = a_group_with_an_admin(f);
    char key[CC_REDIS_NAME_BYTES];

    struct answer set = edit(f, &g, g.owner, "{\"settings\":{\"post\":\"admins\"}}");
    struct answer kept = edit(f, &g, g.owner, "{\"settings\":{\"retention_s\":3600}}");
    struct payloads operations = chat_records(f, f->operations_topic, g.chat_id);
    struct payloads updates = chat_records(f, f->updates_topic, g.chat_id);

    assert_int_equal(set.status, 200);
    struct ev_message_created operation = operation_in(f, operations.items[2]);
    assert_string_equal(json_text(f, operation.system_json, "event"), "settings_changed");
    assert_non_null(strstr(operation.system_json, "\"post\":\"admins\""));
    assert_int_equal(operation.member_version, 3);
    assert_string_equal(json_text(f, updates.items[2], "change"), "settings");
    assert_non_null(
        strstr(kept.body, "\"post\":\"admins\",\"history\":\"all\",\"retention_s\":3600"));
    cc_redis_name_members(g.chat_id, key);
    assert_string_equal(json_text(f, redis_get(f, key), "post"), "admins");
    assert_int_equal(json_int(f, redis_get(f, key), "member_version"), 4);
}

static void an_edit_of_a_version_that_is_gone_is_refused(void **state)
{
    struct chat_fixture *f = *state;
    struct group g = a_group_with_an_admin(f);
    const char *path = path_of(f, g.chat_id, "");

    struct answer stale =
        chat_call_with(f, g.owner, "PATCH", path, "{\"description\":\"Old\"}", "If-Match", "\"1\"");
    struct answer fresh =
        chat_call_with(f, g.owner, "PATCH", path, "{\"description\":\"New\"}", "If-Match", "\"2\"");

    assert_int_equal(stale.status, 412);
    assert_int_equal(fresh.status, 200);
    assert_string_equal(cc_http_answer_header(&fresh.raw, "ETag"), "\"3\"");
}

#define group_test(function)                                                                       \
    cmocka_unit_test_setup_teardown(function, chat_fixture_begin, chat_fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        group_test(a_role_that_is_given_is_in_the_timeline_and_in_the_rights),
        group_test(roles_are_given_by_owners_alone),
        group_test(a_change_of_a_member_names_one_thing),
        group_test(a_group_is_handed_over_once),
        group_test(owners_who_leave_are_succeeded_only_when_none_is_left),
        group_test(who_is_banned_is_out_and_cannot_be_added),
        group_test(a_ban_that_is_lifted_lets_somebody_be_added_again),
        group_test(a_ban_whose_outcome_is_late_is_answered_202),
        group_test(an_admin_has_no_power_over_the_same_or_a_higher_role),
        group_test(what_a_group_says_of_itself_is_changed_and_taken_away),
        group_test(edits_that_break_a_rule_are_refused),
        group_test(who_may_post_is_in_the_timeline_and_in_the_rights),
        group_test(an_edit_of_a_version_that_is_gone_is_refused),
    };

    return cmocka_run_group_tests_name("chat-service groups", tests, chat_fixture_start,
                                       chat_fixture_stop);
}
