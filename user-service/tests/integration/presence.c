/* Who is there, over HTTP, and who may see it. */

#include "service_fixture.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/relations.h"
#include "common/topics.h"

static void presence_knows_who_has_a_live_socket(void **state)
{
    struct fixture *f = *state;
    struct person here = somebody(f), gone = somebody(f), never = somebody(f);
    char key[CC_REDIS_NAME_BYTES];
    const char *later =
        cc_arena_printf(f->arena, "%lld", (long long)cc_wall_ms(f->app.clock) + 60000);
    const char *before =
        cc_arena_printf(f->arena, "%lld", (long long)cc_wall_ms(f->app.clock) - 60000);
    cc_redis_name_presence(here.user_id, key);
    redis(f, "ZADD", key, later, "node/1");
    cc_redis_name_presence(gone.user_id, key);
    redis(f, "ZADD", key, before, "node/2");
    cc_redis_name_last_seen(gone.user_id, key);
    redis(f, "SET", key, "1767225600000", NULL);

    struct cc_http_answer answer =
        ASK(.path = cc_arena_printf(f->arena, "/v1/users/presence?ids=%s,%s,%s", here.user_id,
                                    gone.user_id, never.user_id),
            .token = here.token);

    assert_int_equal(answer.status, 200);
    must_hold(f, &answer, cc_arena_printf(f->arena, "\"%s\",\"state\":\"online\"", here.user_id));
    must_hold(f, &answer,
              cc_arena_printf(f->arena,
                              "\"%s\",\"state\":\"offline\",\"last_seen_at\":"
                              "\"2026-01-01T00:00:00.000Z\"",
                              gone.user_id));
    must_hold(f, &answer,
              cc_arena_printf(f->arena, "\"%s\",\"state\":\"offline\",\"last_seen_at\":null",
                              never.user_id));
}

static void presence_alone_fails_while_redis_is_away(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f);
    struct cc_error err = {0};
    struct cc_redis *there = f->app.redis;
    must(cc_redis_create("redis://127.0.0.1:1/0", 1, &f->app.redis, &err), &err);

    int presence =
        STATUS(.path = cc_arena_printf(f->arena, "/v1/users/presence?ids=%s", ada.user_id),
               .token = ada.token);
    int profile = STATUS(.path = "/v1/users/me", .token = ada.token);

    cc_redis_destroy(f->app.redis);
    f->app.redis = there;
    assert_int_equal(presence, 503);
    assert_int_equal(profile, 200);
}

static void presence_refuses_too_many_and_malformed_ids(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody(f);
    char path[101 * 37 + 64] = "/v1/users/presence?ids=";
    for (int i = 0; i < 101; i++) {
        size_t length = strlen(path);
        snprintf(path + length, sizeof path - length, "%s%s", i == 0 ? "" : ",", ada.user_id);
    }

    assert_int_equal(STATUS(.path = path, .token = ada.token), 400);
    path[strlen(path) - 37] = '\0';
    assert_int_equal(STATUS(.path = path, .token = ada.token), 200);
    assert_int_equal(STATUS(.path = "/v1/users/presence?ids=x", .token = ada.token), 400);
    assert_int_equal(STATUS(.path = "/v1/users/presence", .token = ada.token), 400);
}

/* One live connection of somebody, of this device; away or not. */
static void connect(struct fixture *f, const struct person *who, const char *device, bool away)
{
    char key[CC_REDIS_NAME_BYTES];
    const char *expiry =
        cc_arena_printf(f->arena, "%" PRId64, cc_wall_ms(f->app.clock) + INT64_C(60000));
    cc_redis_name_presence(who->user_id, key);
    redis(f, "ZADD", key, expiry, device);
    cc_redis_name_presence_away(who->user_id, key);
    if (away)
        redis(f, "ZADD", key, expiry, device);
}

static const char *state_of(struct fixture *f, const struct person *who, const struct person *asker)
{
    struct cc_http_answer answer =
        ASK(.path = cc_arena_printf(f->arena, "/v1/users/presence?ids=%s", who->user_id),
            .token = asker->token);
    assert_int_equal(answer.status, 200);
    return member(f, &answer, "state");
}

static void somebody_is_away_on_all_devices_or_online(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f), grace = somebody_enrolled(f);

    connect(f, &ada, "n/phone", true);
    assert_string_equal(state_of(f, &ada, &grace), "away");
    connect(f, &ada, "n/desk", false);
    assert_string_equal(state_of(f, &ada, &grace), "online");
}

static void must_set(struct fixture *f, const struct person *who, const char *presence)
{
    const char *body = cc_arena_printf(f->arena, "{\"presence\":%s}", presence);
    assert_int_equal(put_settings(f, who, body, "*").status, 200);
}

static bool daemons_may_show(struct fixture *f, const struct person *who,
                             const struct person *asker)
{
    struct cc_http_answer answer = relation(f, CC_RELATIONS_PRESENCE, asker->user_id, who->user_id);
    assert_int_equal(answer.status, 200);
    return strstr(text_of(f, &answer), "\"presence_visible\":true") != NULL;
}

static void assert_seen(struct fixture *f, const struct person *who, const struct person *asker,
                        bool seen)
{
    assert_string_equal(state_of(f, who, asker), seen ? "online" : "offline");
    assert_int_equal(daemons_may_show(f, who, asker), seen);
}

static void people_choose_who_sees_them(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f), grace = somebody_enrolled(f);
    connect(f, &ada, "n/1", false);

    assert_seen(f, &ada, &grace, true);
    must_set(f, &ada, "{\"visible_to\":\"nobody\"}");
    assert_seen(f, &ada, &grace, false);
    assert_seen(f, &ada, &ada, true); /* oneself, always */
    must_set(f, &ada, "{\"visible_to\":\"everybody\",\"invisible\":true}");
    assert_seen(f, &ada, &grace, false);
    must_set(f, &ada, "{\"visible_to\":\"everybody\"}");
    assert_seen(f, &ada, &grace, true);
}

static void shared_chats_are_asked_of_chat_service(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f), grace = somebody_enrolled(f);
    connect(f, &ada, "n/1", false);
    must_set(f, &ada, "{\"visible_to\":\"shared_chats\"}");

    atomic_store(&f->chats_are_shared, true);
    assert_seen(f, &ada, &grace, true);
    atomic_store(&f->chat_service_away, true);
    assert_seen(f, &ada, &grace, false); /* in doubt not */
    atomic_store(&f->chat_service_away, false);
    atomic_store(&f->chats_are_shared, false);
    assert_seen(f, &ada, &grace, false);
}

static void a_block_hides_both_from_each_other(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f), grace = somebody_enrolled(f);
    connect(f, &ada, "n/1", false);
    connect(f, &grace, "n/2", false);

    assert_int_equal(block(f, &ada, grace.user_id), 204);

    assert_seen(f, &ada, &grace, false);
    assert_seen(f, &grace, &ada, false);
}

/* The answer for somebody hidden is, to the letter, that for somebody who never was there. */
static void who_is_hidden_looks_like_who_was_never_there(void **state)
{
    struct fixture *f = *state;
    struct person ada = somebody_enrolled(f), grace = somebody_enrolled(f);
    char key[CC_REDIS_NAME_BYTES];
    connect(f, &ada, "n/1", false);
    cc_redis_name_last_seen(ada.user_id, key);
    redis(f, "SET", key, "1767225600000", NULL);
    must_set(f, &ada, "{\"invisible\":true}");

    struct cc_http_answer answer =
        ASK(.path = cc_arena_printf(f->arena, "/v1/users/presence?ids=%s", ada.user_id),
            .token = grace.token);

    must_hold(f, &answer, "\"state\":\"offline\",\"last_seen_at\":null");
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presence_knows_who_has_a_live_socket),
        cmocka_unit_test(presence_alone_fails_while_redis_is_away),
        cmocka_unit_test(presence_refuses_too_many_and_malformed_ids),
        cmocka_unit_test(somebody_is_away_on_all_devices_or_online),
        cmocka_unit_test(people_choose_who_sees_them),
        cmocka_unit_test(shared_chats_are_asked_of_chat_service),
        cmocka_unit_test(a_block_hides_both_from_each_other),
        cmocka_unit_test(who_is_hidden_looks_like_who_was_never_there),
    };
    return cmocka_run_group_tests(tests, start_service, stop_service);
}
