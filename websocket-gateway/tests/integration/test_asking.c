/* How much one connection may ask of others' time: pages, presence, tokens. The gateways here allow
 * 10 syncs and 1000 names at once, and one more a second. */

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "gateway_fixture.h"

#define IDS_BYTES 20000

static void ask_page(struct fixture *f, struct ws_client *client, int id)
{
    ws_client_send(client, "{\"id\":%d,\"t\":\"sync\",\"chat_id\":\"%s\",\"after_rev\":0}", id,
                   f->chat->chat_id);
}

static void expect_limit(struct ws_client *client, int id)
{
    char re[32];

    (void)snprintf(re, sizeof re, "\"re\":%d,", id);
    ws_client_expect(client, re, "\"rate_limited\"", "\"retry_after_ms\":", NULL);
}

static void expect_done(struct ws_client *client, int id)
{
    char re[32];

    (void)snprintf(re, sizeof re, "\"re\":%d,\"ok\":true", id);
    ws_client_expect(client, re, NULL);
}

static void whoever_comes_after_the_log_was_purged_is_told_to_reload(void **state)
{
    struct fixture *f = *state;
    struct ws_client *bob;

    world_store(f->world, f->chat, "long ago", false);
    world_set(f->world, &f->chat->purged, true);
    bob = connect_person(f, 0, f->bob);
    ask_page(f, bob, 1);

    ws_client_expect(bob, "\"re\":1,\"ok\":true", "\"items\":[],\"head_rev\":1", "\"more\":false",
                     "\"reload\":true", NULL);
    ws_client_close(bob);
}

/* The two of them, in any order. */
static void expect_pages_1_and_2(struct ws_client *client)
{
    bool came[2] = {false, false};

    for (int i = 0; i < 2; i++) {
        const char *page = ws_client_expect(client, "\"re\":", "\"ok\":true", "old", NULL);

        came[0] |= strstr(page, "\"re\":1,") != NULL;
        came[1] |= strstr(page, "\"re\":2,") != NULL;
    }
    assert_true(came[0] && came[1]);
}

static void two_pages_are_under_way_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct ws_client *bob = connect_person(f, 0, f->bob), *ann = connect_person(f, 0, f->ann);

    world_store(f->world, f->chat, "old", false);
    world_hold(f->world, &f->world->pages_gate, true);
    for (int id = 1; id <= 3; id++)
        ask_page(f, bob, id);
    expect_limit(bob, 3);
    world_hold(f->world, &f->world->pages_gate, false);

    expect_pages_1_and_2(bob);
    ask_page(f, bob, 4);
    expect_done(bob, 4);
    ask_page(f, ann, 1);
    expect_done(ann, 1);
    ws_client_close(ann);
    ws_client_close(bob);
}

/* False when it is refused for there being too many. */
static bool page_is_given(struct fixture *f, struct ws_client *client, int id)
{
    char re[32];

    ask_page(f, client, id);
    (void)snprintf(re, sizeof re, "\"re\":%d,", id);
    const char *answer = ws_client_expect(client, re, NULL);
    bool limited = strstr(answer, "\"rate_limited\"") != NULL;
    assert_true(!limited || strstr(answer, "\"retry_after_ms\":") != NULL);
    return !limited;
}

static void too_many_pages_are_refused_with_the_time_to_wait(void **state)
{
    enum { BURST = 10, MANY = 60 };
    struct fixture *f = *state;
    struct ws_client *bob = connect_person(f, 0, f->bob), *ann = connect_person(f, 0, f->ann);
    int id = 0;

    while (id < BURST) {
        ask_page(f, bob, ++id);
        expect_done(bob, id);
    }
    while (id < MANY && page_is_given(f, bob, ++id)) /* what has come back meanwhile */
        continue;

    assert_true(id < MANY);
    ask_page(f, ann, 1); /* another connection has its own */
    expect_done(ann, 1);
    ws_client_close(ann);
    ws_client_close(bob);
}

/* count people nobody knows, as a JSON array. */
static void name_people(struct fixture *f, int count, char out[IDS_BYTES])
{
    size_t at = 0;

    for (int i = 0; i < count; i++) {
        char id[CC_UUID_BYTES];
        world_new_id(f->world, id);
        at += (size_t)snprintf(out + at, IDS_BYTES - at, "%s\"%s\"", i == 0 ? "" : ",", id);
    }
}

static void ask_to_watch(struct ws_client *client, int id, const char *ids)
{
    ws_client_send(client, "{\"id\":%d,\"t\":\"watch\",\"user_ids\":[%s]}", id, ids);
}

static void whoever_is_watched_already_is_not_one_more(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);
    char ids[IDS_BYTES], others[IDS_BYTES];

    name_people(f, 300, ids);
    name_people(f, 300, others);
    ask_to_watch(ann, 1, ids);
    expect_done(ann, 1);
    ask_to_watch(ann, 2, ids);
    expect_done(ann, 2);

    ask_to_watch(ann, 3, others);
    ws_client_expect(ann, "\"re\":3,", "\"too_large\"", NULL);
    ws_client_close(ann);
}

static void too_many_names_are_refused_with_the_time_to_wait(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann), *bob = connect_person(f, 0, f->bob);
    char ids[IDS_BYTES];

    name_people(f, 400, ids);
    ask_to_watch(ann, 1, ids);
    expect_done(ann, 1);
    ws_client_send(ann, "{\"id\":2,\"t\":\"unwatch\",\"user_ids\":[%s]}", ids);
    expect_done(ann, 2);
    ask_to_watch(ann, 3, ids);
    expect_limit(ann, 3);
    ws_client_send(ann, "{\"id\":4,\"t\":\"unwatch\",\"user_ids\":[%s]}", ids);
    expect_limit(ann, 4);

    ask_to_watch(bob, 1, ids); /* another connection has its own */
    expect_done(bob, 1);
    ws_client_close(ann);
    ws_client_close(bob);
}

static void tokens_are_not_refreshed_all_the_time(void **state)
{
    enum { TIMES = 20 };
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);
    char *token = world_token(f->world, f->ann, f->session, now_ms());

    for (int id = 1; id <= TIMES; id++)
        ws_client_send(ann, "{\"id\":%d,\"t\":\"refresh\",\"token\":\"%s\"}", id, token);
    expect_done(ann, 1);
    expect_done(ann, 5);

    expect_limit(ann, TIMES);
    cc_free(token);
    ws_client_close(ann);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(whoever_comes_after_the_log_was_purged_is_told_to_reload),
        GATEWAY_TEST(two_pages_are_under_way_at_a_time),
        GATEWAY_TEST(too_many_pages_are_refused_with_the_time_to_wait),
        GATEWAY_TEST(whoever_is_watched_already_is_not_one_more),
        GATEWAY_TEST(too_many_names_are_refused_with_the_time_to_wait),
        GATEWAY_TEST(tokens_are_not_refreshed_all_the_time),
    };

    return cmocka_run_group_tests_name("websocket-gateway asking", tests, gateway_world_start,
                                       gateway_world_end);
}
