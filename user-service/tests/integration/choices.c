/* What people choose, over HTTP: whom they block, and what other daemons are told of it. */

#include "service_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/relations.h"

static void who_is_blocked_is_listed_until_unblocked(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f), grace = somebody_enrolled(f);

    assert_int_equal(block(f, &ada, grace.user_id), 204);
    assert_int_equal(block(f, &ada, grace.user_id), 204); /* may be repeated */
    struct cc_http_answer blocks = ASK(.path = "/v1/users/me/blocks", .token = ada.token);
    assert_int_equal(blocks.status, 200);
    must_hold(f, &blocks, grace.handle);
    must_hold(f, &blocks, "\"blocked_at\":\"");
    must_hold(f, &blocks, "\"next_cursor\":null");
    must_not_hold(f, &blocks, "@");

    struct ask unblock = {
        .method = "DELETE", .path = block_path(f, grace.user_id), .token = ada.token};
    assert_int_equal(send_ask(f, &unblock).status, 204);
    assert_int_equal(send_ask(f, &unblock).status, 204);
    blocks = ASK(.path = "/v1/users/me/blocks", .token = ada.token);
    must_hold(f, &blocks, "\"items\":[]");
}

static void blocks_come_in_pages(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f), first = somebody_enrolled(f),
                  second = somebody_enrolled(f);
    assert_int_equal(block(f, &ada, first.user_id), 204);
    assert_int_equal(block(f, &ada, second.user_id), 204);

    struct cc_http_answer page = ASK(.path = "/v1/users/me/blocks?limit=1", .token = ada.token);
    must_hold(f, &page, first.user_id);
    must_not_hold(f, &page, second.user_id);
    page = ASK(.path = cc_arena_printf(f->arena, "/v1/users/me/blocks?limit=1&cursor=%s",
                                       member(f, &page, "next_cursor")),
               .token = ada.token);
    must_hold(f, &page, second.user_id);
    must_hold(f, &page, "\"next_cursor\":null");

    assert_int_equal(STATUS(.path = "/v1/users/me/blocks?limit=201", .token = ada.token), 400);
    assert_int_equal(STATUS(.path = "/v1/users/me/blocks?cursor=x", .token = ada.token), 400);
}

static void what_can_not_be_blocked_is_refused(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f);

    assert_int_equal(block(f, &ada, ada.user_id), 400);
    assert_int_equal(block(f, &ada, new_id(f)), 404);
    assert_int_equal(block(f, &ada, "nobody"), 404);
    assert_int_equal(STATUS(.method = "PUT", .path = block_path(f, new_id(f))), 401);
}

static void other_daemons_learn_who_refuses_whom(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f), grace = somebody_enrolled(f);
    assert_int_equal(block(f, &ada, grace.user_id), 204);

    struct cc_http_answer answer = relation(f, CC_RELATIONS_CONTACT, grace.user_id, ada.user_id);
    assert_int_equal(answer.status, 200);
    must_hold(f, &answer, "\"blocked\":true");
    answer = relation(f, CC_RELATIONS_CONTACT, ada.user_id, grace.user_id);
    must_hold(f, &answer, "\"blocked\":false");
    answer = relation(f, CC_RELATIONS_CONTACT, "x", grace.user_id);
    assert_int_equal(answer.status, 400);
}

static void a_block_is_told_without_saying_whom_it_concerns(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f), grace = somebody_enrolled(f);
    struct heard heard[2];

    assert_int_equal(block(f, &ada, grace.user_id), 204);

    wait_heard(f, ada.user_id, heard, 2);
    assert_string_equal(heard[1].change, "blocks");
    assert_int_equal(heard[1].change_version, 0);
}

static void who_blocks_is_not_found_by_who_is_blocked(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f), grace = somebody_enrolled(f);
    const char *path = cc_arena_printf(f->arena, "/v1/users?query=%s", ada.handle);
    struct cc_http_answer found = ASK(.path = path, .token = grace.token);
    must_hold(f, &found, ada.user_id);

    assert_int_equal(block(f, &ada, grace.user_id), 204);

    found = ASK(.path = path, .token = grace.token);
    must_not_hold(f, &found, ada.user_id);
    path = cc_arena_printf(f->arena, "/v1/users/%s", ada.user_id);
    assert_int_equal(STATUS(.path = path, .token = grace.token), 200); /* of a group they share */
}

static void settings_are_replaced_as_a_whole_in_the_version_that_was_seen(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f);

    struct cc_http_answer first = ASK(.path = SETTINGS, .token = ada.token);
    assert_int_equal(first.status, 200);
    assert_string_equal(cc_http_answer_header(&first, "ETag"), "\"0\"");
    must_hold(f, &first, "\"presence\":{\"visible_to\":\"everybody\",\"invisible\":false}");
    assert_int_equal(put_settings(f, &ada, "{}", NULL).status, 428);
    assert_int_equal(put_settings(f, &ada, "{}", "\"3\"").status, 412);

    struct cc_http_answer set = put_settings(
        f, &ada, "{\"presence\":{\"invisible\":true},\"client\":{\"theme\":\"dark\"}}", "\"0\"");
    assert_int_equal(set.status, 200);
    assert_string_equal(cc_http_answer_header(&set, "ETag"), "\"1\"");
    must_hold(f, &set, "\"invisible\":true");
    must_hold(f, &set, "\"client\":{\"theme\":\"dark\"},\"version\":1");
    assert_int_equal(put_settings(f, &ada, "{}", "\"0\"").status, 412);

    set = put_settings(f, &ada, "{\"notifications\":{\"do_not_disturb\":true}}", "\"1\"");
    must_hold(f, &set, "\"invisible\":false");
    must_hold(f, &set, "\"do_not_disturb\":true,\"do_not_disturb_until\":null");
    must_hold(f, &set, "\"client\":{}");
    struct cc_http_answer now = ASK(.path = SETTINGS, .token = ada.token);
    assert_string_equal(text_of(f, &now), text_of(f, &set));
}

static void faulty_settings_name_the_member_and_change_nothing(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f);
    static const struct {
        const char *body, *pointer;
    } faulty[] = {
        {"{\"presence\":{\"visible_to\":\"friends\"}}", "/presence/visible_to"},
        {"{\"presence\":{\"role\":\"admin\"}}", "/presence/role"},
        {"{\"notifications\":{\"do_not_disturb\":1}}", "/notifications/do_not_disturb"},
        {"{\"notifications\":{\"do_not_disturb_until\":\"soon\"}}",
         "/notifications/do_not_disturb_until"},
        {"{\"client\":[]}", "/client"},
        {"{\"client\":{\"$set\":1}}", "/client"},
        {"{\"user_id\":\"x\"}", "/user_id"},
        {"{\"version\":7}", "/version"},
        {"[]", NULL},
    };

    for (size_t i = 0; i < sizeof faulty / sizeof faulty[0]; i++) {
        struct cc_http_answer answer = put_settings(f, &ada, faulty[i].body, "*");
        if (answer.status != 400)
            fail_msg("%d for %s", answer.status, faulty[i].body);
        if (faulty[i].pointer != NULL)
            must_hold(f, &answer, faulty[i].pointer);
    }

    struct cc_http_answer now = ASK(.path = SETTINGS, .token = ada.token);
    must_hold(f, &now, "\"version\":0");
}

static void settings_are_told_with_their_version_and_nothing_more(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f);
    struct heard heard[3];

    assert_int_equal(put_settings(f, &ada, "{}", "*").status, 200);
    assert_int_equal(put_settings(f, &ada, "{}", "*").status, 200);

    wait_heard(f, ada.user_id, heard, 3);
    assert_string_equal(heard[1].change, "settings");
    assert_int_equal(heard[1].change_version, 1);
    assert_int_equal(heard[2].change_version, 2);
}

static void who_does_not_want_to_be_disturbed_is_told_to_other_daemons(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f), grace = somebody_enrolled(f);
    struct cc_http_answer answer;
    static const struct {
        const char *body, *told;
    } cases[] = {
        {"{\"notifications\":{\"do_not_disturb\":true}}", "\"do_not_disturb\":true"},
        {"{\"notifications\":{\"do_not_disturb\":true,"
         "\"do_not_disturb_until\":\"2000-01-01T00:00:00Z\"}}",
         "\"do_not_disturb\":false"},
        {"{\"notifications\":{\"do_not_disturb\":true,"
         "\"do_not_disturb_until\":\"2999-01-01T00:00:00Z\"}}",
         "\"do_not_disturb\":true"},
        {"{}", "\"do_not_disturb\":false"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(put_settings(f, &ada, cases[i].body, "*").status, 200);
        answer = relation(f, CC_RELATIONS_CONTACT, grace.user_id, ada.user_id);
        must_hold(f, &answer, cases[i].told);
    }
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_blocked_is_listed_until_unblocked),
        cmocka_unit_test(blocks_come_in_pages),
        cmocka_unit_test(what_can_not_be_blocked_is_refused),
        cmocka_unit_test(other_daemons_learn_who_refuses_whom),
        cmocka_unit_test(a_block_is_told_without_saying_whom_it_concerns),
        cmocka_unit_test(who_blocks_is_not_found_by_who_is_blocked),
        cmocka_unit_test(settings_are_replaced_as_a_whole_in_the_version_that_was_seen),
        cmocka_unit_test(faulty_settings_name_the_member_and_change_nothing),
        cmocka_unit_test(settings_are_told_with_their_version_and_nothing_more),
        cmocka_unit_test(who_does_not_want_to_be_disturbed_is_told_to_other_daemons),
    };
    return cmocka_run_group_tests(tests, start_service, stop_service);
}
