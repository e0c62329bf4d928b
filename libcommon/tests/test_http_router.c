/* Targets and the route table: decoding, precedence, methods. */
#include <string.h>

#include "testing.h"

#include "../src/http_private.h"

static const struct cc_route rows[] = {
    {.method = "GET", .pattern = "/v1/chats/{chat_id}"},
    {.method = "POST", .pattern = "/v1/chats/direct"},
    {.method = "*", .pattern = "/v1/chats/direct"},
    {.method = "GET", .pattern = "/v1/chats"},
    {.method = "*", .pattern = "/v1/chats/{chat_id}/{rest...}"},
    {.method = "GET", .pattern = "/v1/chats/{chat_id}/members"},
    {NULL},
};

struct fixture {
    struct cc_arena *arena;
    struct cc_http_router *router;
    struct cc_http_target target;
    struct cc_http_match match;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture.arena = cc_arena_create(0);
    fixture.router = cc_http_router_create(rows);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    cc_http_router_destroy(f->router);
    cc_arena_destroy(f->arena);
    return 0;
}

static enum cc_code match(struct fixture *f, const char *method, const char *target)
{
    assert_null(cc_http_target_read(f->arena, target, NULL, &f->target));
    return cc_http_router_match(f->router, f->arena, method, &f->target, &f->match);
}

static void literals_win_over_parameters_and_parameters_over_the_rest(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(match(f, "POST", "/v1/chats/direct"), CC_OK);
    assert_string_equal(f->match.entry->row->pattern, "/v1/chats/direct");
    assert_string_equal(f->match.entry->row->method, "POST");
    assert_int_equal(match(f, "GET", "/v1/chats/direct"), CC_OK);
    assert_string_equal(f->match.entry->row->method, "*");
    assert_int_equal(match(f, "GET", "/v1/chats/7/members"), CC_OK);
    assert_string_equal(f->match.entry->row->pattern, "/v1/chats/{chat_id}/members");
    assert_int_equal(match(f, "PUT", "/v1/chats/7/members"), CC_OK);
    assert_string_equal(f->match.entry->row->pattern, "/v1/chats/{chat_id}/{rest...}");
    assert_string_equal(f->match.params[1].value, "members");
}

static void empty_and_missing_segments_do_not_match(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(match(f, "GET", "/v1/chats/"), CC_NOT_FOUND);
    assert_int_equal(match(f, "GET", "/v1//chats"), CC_NOT_FOUND);
    assert_int_equal(match(f, "GET", "/"), CC_NOT_FOUND);
    assert_int_equal(match(f, "GET", "/v1/chats/7/"), CC_NOT_FOUND);
}

static void another_method_names_the_allowed_ones(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(match(f, "DELETE", "/v1/chats"), CC_METHOD_NOT_ALLOWED);
    assert_string_equal(f->match.allow, "GET, HEAD");
    assert_int_equal(match(f, "HEAD", "/v1/chats"), CC_OK);
}

static void an_escaped_slash_stays_inside_its_segment(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(match(f, "GET", "/v1/chats/a%2fmembers"), CC_OK);
    assert_string_equal(f->match.params[0].value, "a/members");
}

static void absolute_form_must_name_the_host(void **state)
{
    struct fixture *f = *state;

    assert_null(cc_http_target_read(f->arena, "http://h:1/v1/chats", "h:1", &f->target));
    assert_string_equal(f->target.path, "/v1/chats");
    assert_non_null(cc_http_target_read(f->arena, "http://h:2/v1", "h:1", &f->target));
    assert_non_null(cc_http_target_read(f->arena, "http://h:1", "h:1", &f->target));
    assert_non_null(cc_http_target_read(f->arena, "http://h:1/v1", NULL, &f->target));
}

static void malformed_targets_are_refused(void **state)
{
    static const char *const bad[] = {
        "",        "*",       "v1",         "/%",
        "/%4",     "/%g0",    "/%00",       "/%7f",
        "/a#b",    "/a b",    "/./a",       "/a/..",
        "/%2e",    "/\xff",   "/%e2%82",    "/%f5%80%80%80",
        "/?a=%zz", "/?%ff=1", "/?a=%0d%0a", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (cc_http_target_read(f->arena, bad[i], "h", &f->target) == NULL)
            fail_msg("target '%s' was accepted", bad[i]);
}

static void queries_are_decoded_pair_by_pair(void **state)
{
    struct fixture *f = *state;

    assert_null(cc_http_target_read(f->arena, "/?a=1&&b=x%3Dy+z&flag", NULL, &f->target));
    assert_int_equal(f->target.query_count, 3);
    assert_string_equal(f->target.query[1].value, "x=y z");
    assert_string_equal(f->target.query[2].name, "flag");
    assert_string_equal(f->target.query[2].value, "");
}

int main(void)
{
#define ROUTED(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ROUTED(literals_win_over_parameters_and_parameters_over_the_rest),
        ROUTED(empty_and_missing_segments_do_not_match),
        ROUTED(another_method_names_the_allowed_ones),
        ROUTED(an_escaped_slash_stays_inside_its_segment),
        ROUTED(absolute_form_must_name_the_host),
        ROUTED(malformed_targets_are_refused),
        ROUTED(queries_are_decoded_pair_by_pair),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
