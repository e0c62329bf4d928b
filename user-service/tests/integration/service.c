/*
 * The routes of user-service over HTTP, with real PostgreSQL, Redis and Kafka behind them. One
 * service for all tests; each test has people of its own.
 */

#include "service_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/relations.h"

static void somebody_enrolled_reads_the_own_profile(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f);

    struct cc_http_answer me = ASK(.path = "/v1/users/me", .token = ada.token);

    assert_int_equal(me.status, 200);
    assert_string_equal(cc_http_answer_header(&me, "ETag"), "\"1\"");
    must_hold(f, &me, "\"email\":\"ada@example.org\"");
    must_hold(f, &me, "\"version\":1");
    must_hold(f, &me, "\"metadata\":{}");
    must_hold(f, &me, ada.handle);
}

static void without_a_good_token_nothing_is_told(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f);
    static const char *const paths[] = {"/v1/users/me", "/v1/users?query=a",
                                        "/v1/users/presence?ids=a"};

    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(STATUS(.path = paths[i]), 401);
        assert_int_equal(STATUS(.path = paths[i], .token = "a.b.c"), 401);
    }
    const char *profile = cc_arena_printf(f->arena, "/v1/users/%s", ada.user_id);
    assert_int_equal(STATUS(.path = profile), 401);
}

static void internal_routes_are_not_on_the_service_listener(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f);

    assert_int_equal(STATUS(.path = cc_arena_printf(f->arena, "/internal/users/%s", ada.user_id),
                            .token = ada.token),
                     404);
}

static void a_change_needs_the_current_version(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f);
    const char *patch = "{\"bio\":\"Engines.\",\"metadata\":{\"theme\":\"dark\"}}";
    const char *type = "application/merge-patch+json";

    assert_int_equal(STATUS(.method = "PATCH", .path = "/v1/users/me", .token = ada.token,
                            .body = patch, .media_type = type),
                     428);
    struct cc_http_answer changed =
        ASK(.method = "PATCH", .path = "/v1/users/me", .token = ada.token, .body = patch,
            .media_type = type, .if_match = "\"1\"");
    assert_int_equal(changed.status, 200);
    assert_string_equal(cc_http_answer_header(&changed, "ETag"), "\"2\"");
    must_hold(f, &changed, "\"bio\":\"Engines.\"");
    must_hold(f, &changed, "\"metadata\":{\"theme\":\"dark\"}");
    struct cc_http_answer late =
        ASK(.method = "PATCH", .path = "/v1/users/me", .token = ada.token,
            .body = "{\"bio\":\"Late.\"}", .media_type = type, .if_match = "\"1\"");
    assert_int_equal(late.status, 412);
    must_hold(f, &late, "\"version_mismatch\"");

    struct cc_http_answer me = ASK(.path = "/v1/users/me", .token = ada.token);
    must_hold(f, &me, "\"bio\":\"Engines.\"");
    must_hold(f, &me, "\"version\":2");
}

static void metadata_is_merged_into_what_is_there(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f);
    struct ask ask = {.method = "PATCH",
                      .path = "/v1/users/me",
                      .token = ada.token,
                      .if_match = "*",
                      .body = "{\"metadata\":{\"a\":1,\"b\":{\"c\":2}}}"};
    assert_int_equal(send_ask(f, &ask).status, 200);

    ask.body = "{\"metadata\":{\"a\":null,\"b\":{\"d\":3}}}";
    struct cc_http_answer after = send_ask(f, &ask);

    must_hold(f, &after, "\"metadata\":{\"b\":{\"c\":2,\"d\":3}}");
}

static void a_patch_that_changes_nothing_keeps_the_version(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f);

    struct cc_http_answer same = ASK(.method = "PATCH", .path = "/v1/users/me", .token = ada.token,
                                     .body = "{\"display_name\":\"Ada\"}", .if_match = "\"1\"");

    assert_int_equal(same.status, 200);
    assert_string_equal(cc_http_answer_header(&same, "ETag"), "\"1\"");
}

static void a_faulty_patch_names_the_member(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f);
    struct ask ask = {.method = "PATCH",
                      .path = "/v1/users/me",
                      .token = ada.token,
                      .if_match = "\"1\"",
                      .body = "{\"role\":\"admin\"}"};

    struct cc_http_answer answer = send_ask(f, &ask);
    assert_int_equal(answer.status, 400);
    must_hold(f, &answer, "/role");
    ask.media_type = "text/plain";
    assert_int_equal(send_ask(f, &ask).status, 415);
}

static void a_handle_belongs_to_one_person(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f), grace = somebody_enrolled(f), third = somebody(f);
    const char *shouted = cc_arena_printf(f->arena, "USVC%s", ada.handle + 4);

    assert_int_equal(enroll(f, &third, shouted), 409);
    struct cc_http_answer taken =
        ASK(.method = "PATCH", .path = "/v1/users/me", .token = grace.token, .if_match = "\"1\"",
            .body = cc_arena_printf(f->arena, "{\"handle\":\"%s\"}", shouted));

    assert_int_equal(taken.status, 409);
    must_hold(f, &taken, "\"pointer\":\"/handle\"");
}

static void everybody_sees_a_profile_but_not_what_is_private(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f), grace = somebody_enrolled(f);
    const char *path = cc_arena_printf(f->arena, "/v1/users/%s", ada.user_id);

    struct cc_http_answer seen = ASK(.path = path, .token = grace.token);

    assert_int_equal(seen.status, 200);
    must_hold(f, &seen, ada.handle);
    must_not_hold(f, &seen, "@");
    must_not_hold(f, &seen, "metadata");
    path = cc_arena_printf(f->arena, "/v1/users/%s", new_id(f));
    assert_int_equal(STATUS(.path = path, .token = grace.token), 404);
    assert_int_equal(STATUS(.path = "/v1/users/nobody", .token = grace.token), 404);
}

static void people_are_found_by_the_beginning_of_their_handle_page_by_page(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody(f);
    const char *handles[] = {"zz_find_a", "zz_find_b", "zz_find_c"};
    for (int i = 0; i < 3; i++) {
        struct person found = somebody(f);
        assert_int_equal(enroll(f, &found, handles[i]), 204);
    }

    struct cc_http_answer first =
        ASK(.path = "/v1/users?query=@ZZ_find&limit=2", .token = ada.token);
    must_hold(f, &first, "zz_find_a");
    must_hold(f, &first, "zz_find_b");
    must_not_hold(f, &first, "zz_find_c");
    must_not_hold(f, &first, "@");
    struct cc_http_answer second =
        ASK(.path = cc_arena_printf(f->arena, "/v1/users?query=zz_find&limit=2&cursor=%s",
                                    member(f, &first, "next_cursor")),
            .token = ada.token);
    must_hold(f, &second, "zz_find_c");
    must_not_hold(f, &second, "zz_find_b");
    must_hold(f, &second, "\"next_cursor\":null");

    struct cc_http_answer by_mail =
        ASK(.path = "/v1/users?query=ada@example.org", .token = ada.token);
    must_hold(f, &by_mail, "\"items\":[]");
    assert_int_equal(STATUS(.path = "/v1/users", .token = ada.token), 400);
    assert_int_equal(STATUS(.path = "/v1/users?query=a&limit=0", .token = ada.token), 400);
    assert_int_equal(STATUS(.path = "/v1/users?query=a&cursor=!", .token = ada.token), 400);
}

static int enroll_named(struct fixture *f, const struct person *person, const char *name)
{
    return STATUS(.server = f->ops, .method = "PUT",
                  .path = cc_arena_printf(f->arena, "/internal/users/%s", person->user_id),
                  .body = cc_arena_printf(f->arena,
                                          "{\"handle\":\"%s\",\"display_name\":\"%s\","
                                          "\"email\":\"hidden@example.org\"}",
                                          person->handle, name));
}

static void people_are_found_by_name_behind_those_found_by_handle(void **state)
{
    struct fixture *f = *state;
    struct person asker = somebody(f), by_handle = somebody(f), first = somebody(f),
                  second = somebody(f);
    by_handle.handle = "qq_quaint";
    assert_int_equal(enroll_named(f, &by_handle, "QQ_Quaint"), 204); /* found once */
    assert_int_equal(enroll_named(f, &first, "Q\303\266\303\266 Qq Able"), 204);
    assert_int_equal(enroll_named(f, &second, "QQ Baker"), 204);

    struct cc_http_answer page = ASK(.path = "/v1/users?query=qq&limit=2", .token = asker.token);
    must_hold(f, &page, by_handle.user_id);
    must_hold(f, &page, first.user_id);
    must_not_hold(f, &page, second.user_id);
    page = ASK(.path = cc_arena_printf(f->arena, "/v1/users?query=qq&limit=2&cursor=%s",
                                       member(f, &page, "next_cursor")),
               .token = asker.token);
    must_hold(f, &page, second.user_id);
    must_not_hold(f, &page, by_handle.user_id);
    must_hold(f, &page, "\"next_cursor\":null");

    page = ASK(.path = "/v1/users?query=%40qq", .token = asker.token); /* a handle alone */
    must_hold(f, &page, by_handle.user_id);
    must_not_hold(f, &page, first.user_id);
    page = ASK(.path = "/v1/users?query=qoo%20qq", .token = asker.token);
    must_hold(f, &page, first.user_id);
}

static void searches_are_bounded_and_know_no_mail(void **state)
{
    struct fixture *f = *state;
    struct person asker = somebody(f), hidden = somebody(f);
    assert_int_equal(enroll_named(f, &hidden, "Nobody"), 204);
    static const char *const nothing[] = {"hidden@example.org", "hidden@", "hidden", "example.org",
                                          "%21%21"};
    static const char *const refused[] = {"?query=a",
                                          "?query=%40",
                                          "?query=ab&limit=51",
                                          "?query=ab&cursor=eA",
                                          "?query=ab&cursor=bg",
                                          ""};

    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
        struct cc_http_answer found =
            ASK(.path = cc_arena_printf(f->arena, "/v1/users?query=%s", nothing[i]),
                .token = asker.token);
        must_hold(f, &found, "\"items\":[]");
    }
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_int_equal(STATUS(.path = cc_arena_printf(f->arena, "/v1/users%s", refused[i]),
                                .token = asker.token),
                         400);
}

static struct cc_http_answer patch(struct fixture *f, const struct person *who, const char *body)
{
    return ASK(.method = "PATCH", .path = "/v1/users/me", .token = who->token, .if_match = "*",
               .body = body);
}

static void a_handle_rests_after_a_change_and_is_kept_from_others(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f), eve = somebody_enrolled(f);
    const char *other = cc_arena_printf(f->arena, "{\"handle\":\"%s_a\"}", ada.handle);
    const char *third = cc_arena_printf(f->arena, "{\"handle\":\"%s_b\"}", ada.handle);
    const char *given_up = cc_arena_printf(f->arena, "{\"handle\":\"%s\"}", ada.handle);

    struct cc_http_answer me = patch(f, &ada, "{\"bio\":\"x\"}");
    must_hold(f, &me, "\"handle_changeable_at\":null");
    me = patch(f, &ada, other);
    assert_int_equal(me.status, 200);
    must_hold(f, &me, "\"handle_changeable_at\":\"");
    me = patch(f, &ada, third);
    assert_int_equal(me.status, 422);
    must_hold(f, &me, "\"pointer\":\"/handle\"");
    assert_int_equal(patch(f, &ada, other).status, 200); /* no change */
    assert_int_equal(patch(f, &eve, given_up).status, 409);
}

static void an_avatar_is_set_and_taken_away(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f);
    const char *media_id = new_id(f);

    struct cc_http_answer me =
        patch(f, &ada, cc_arena_printf(f->arena, "{\"avatar_media_id\":\"%s\"}", media_id));
    assert_int_equal(me.status, 200);
    must_hold(f, &me, media_id);
    me = patch(f, &ada, "{\"avatar_media_id\":null}");
    must_hold(f, &me, "\"avatar_media_id\":null");
}

static void nobody_gives_themselves_what_is_not_theirs_to_give(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f);
    static const char *const members[] = {"role", "id", "verified", "user_id", "email"};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        struct cc_http_answer answer = patch(
            f, &ada, cc_arena_printf(f->arena, "{\"%s\":\"admin\",\"bio\":\"x\"}", members[i]));
        assert_int_equal(answer.status, 400);
        must_hold(f, &answer, cc_arena_printf(f->arena, "\"pointer\":\"/%s\"", members[i]));
    }
    struct cc_http_answer me = ASK(.path = "/v1/users/me", .token = ada.token);
    must_hold(f, &me, "\"version\":1");
    must_hold(f, &me, "\"bio\":\"\"");
}

static void a_deleted_account_leaves_a_tombstone(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f), grace = somebody_enrolled(f), late = somebody(f);
    struct ask deletion = {.server = f->ops,
                           .method = "DELETE",
                           .path = cc_arena_printf(f->arena, "/internal/users/%s", ada.user_id)};
    struct heard heard[2];

    assert_int_equal(send_ask(f, &deletion).status, 204);
    assert_int_equal(send_ask(f, &deletion).status, 204);

    struct cc_http_answer seen =
        ASK(.path = cc_arena_printf(f->arena, "/v1/users/%s", ada.user_id), .token = grace.token);
    assert_int_equal(seen.status, 200);
    must_hold(f, &seen, "\"display_name\":\"Deleted account\"");
    must_hold(f, &seen, "\"deleted\":true");
    must_not_hold(f, &seen, ada.handle);
    assert_int_equal(STATUS(.path = "/v1/users/me", .token = ada.token), 404);
    assert_int_equal(patch(f, &ada, "{\"bio\":\"x\"}").status, 404);
    assert_int_equal(put_settings(f, &ada, "{}", "*").status, 404);
    assert_int_equal(block(f, &grace, ada.user_id), 404);
    assert_int_equal(enroll(f, &late, ada.handle), 409);     /* held */
    assert_int_equal(enroll(f, &ada, "anything_else"), 204); /* a late repeat changes nothing */
    seen = relation(f, CC_RELATIONS_CONTACT, grace.user_id, ada.user_id);
    must_hold(f, &seen, "\"blocked\":true");
    wait_heard(f, ada.user_id, heard, 2);
    assert_string_equal(heard[1].change, "deleted");
    assert_string_equal(heard[1].handle, "");
}

static void other_daemons_look_many_people_up_at_once(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f), grace = somebody_enrolled(f);
    const char *body = cc_arena_printf(f->arena, "{\"user_ids\":[\"%s\",\"%s\",\"%s\"]}",
                                       ada.user_id, grace.user_id, new_id(f));

    struct cc_http_answer found =
        ASK(.server = f->ops, .method = "POST", .path = "/internal/users/lookup", .body = body);

    assert_int_equal(found.status, 200);
    must_hold(f, &found, ada.handle);
    must_hold(f, &found, grace.handle);
    must_not_hold(f, &found, "@");
}

static void what_others_can_see_is_told_through_kafka_in_order(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f);
    const char *handle = cc_arena_printf(f->arena, "%s_new", ada.handle);
    struct ask ask = {.method = "PATCH",
                      .path = "/v1/users/me",
                      .token = ada.token,
                      .if_match = "*",
                      .body = "{\"locale\":\"en-GB\"}"};
    assert_int_equal(send_ask(f, &ask).status, 200); /* nobody else's business */
    ask.body = cc_arena_printf(f->arena, "{\"handle\":\"%s\"}", handle);
    assert_int_equal(send_ask(f, &ask).status, 200);

    struct heard heard[2];
    wait_heard(f, ada.user_id, heard, 2);

    assert_string_equal(heard[0].change, "registered");
    assert_string_equal(heard[0].handle, ada.handle);
    assert_string_equal(heard[1].change, "profile");
    assert_string_equal(heard[1].handle, handle);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(somebody_enrolled_reads_the_own_profile),
        cmocka_unit_test(without_a_good_token_nothing_is_told),
        cmocka_unit_test(internal_routes_are_not_on_the_service_listener),
        cmocka_unit_test(a_change_needs_the_current_version),
        cmocka_unit_test(metadata_is_merged_into_what_is_there),
        cmocka_unit_test(a_patch_that_changes_nothing_keeps_the_version),
        cmocka_unit_test(a_faulty_patch_names_the_member),
        cmocka_unit_test(a_handle_belongs_to_one_person),
        cmocka_unit_test(everybody_sees_a_profile_but_not_what_is_private),
        cmocka_unit_test(people_are_found_by_the_beginning_of_their_handle_page_by_page),
        cmocka_unit_test(people_are_found_by_name_behind_those_found_by_handle),
        cmocka_unit_test(searches_are_bounded_and_know_no_mail),
        cmocka_unit_test(a_handle_rests_after_a_change_and_is_kept_from_others),
        cmocka_unit_test(an_avatar_is_set_and_taken_away),
        cmocka_unit_test(nobody_gives_themselves_what_is_not_theirs_to_give),
        cmocka_unit_test(a_deleted_account_leaves_a_tombstone),
        cmocka_unit_test(other_daemons_look_many_people_up_at_once),
        cmocka_unit_test(what_others_can_see_is_told_through_kafka_in_order),
    };
    return cmocka_run_group_tests(tests, start_service, stop_service);
}
