/* A group of 10,000: what is done to it, or read of it, costs as much as is done or read. What was
 * measured is printed; the limit is for what would read the whole chat each time, on a machine that
 * has much else to do. */

#include <string.h>

#include "chat_fixture.h"
#include "common/topics.h"

#define LIMIT_MS   10000
#define AT_ONCE    500
#define PAGE_COUNT 500 /* as message-service and the gateways ask for */

struct large {
    const char *chat_id, *owner;
    const struct chat_change *founding;
};

/* Put into the store as its changes would be: making it takes a hundred requests otherwise. */
static struct large a_large_group(struct chat_fixture *f, size_t count)
{
    struct large g = {.owner = an_id(f->arena)};
    struct chat_change *founding =
        a_group_of(f->arena, g.owner, some_ids(f->arena, count - 1), count - 1);

    for (size_t i = 0; i < count; i += AT_ONCE) {
        struct chat_change part = *founding;

        part.members += i;
        part.member_count = count - i < AT_ONCE ? count - i : AT_ONCE;
        assert_int_equal(f->app.store->ops->materialise(f->app.store, &part, &f->err), CC_OK);
    }
    g.founding = founding;
    g.chat_id = founding->after.chat_id;
    return g;
}

struct timer {
    int64_t since_ms;
};

static void must_be_quick(struct timer *timer, const char *what)
{
    int64_t now_ms = cc_mono_ms(cc_clock_system()), took_ms = now_ms - timer->since_ms;

    print_message("             %s: %lld ms\n", what, (long long)took_ms);
    if (took_ms > LIMIT_MS)
        fail_msg("%s took %lld ms", what, (long long)took_ms);
    timer->since_ms = cc_mono_ms(cc_clock_system());
}

static size_t occurrences(const char *text, const char *word)
{
    size_t count = 0;

    for (const char *at = text; (at = strstr(at, word)) != NULL; at += strlen(word))
        count++;
    return count;
}

static void read_all_rights(struct chat_fixture *f, const struct large *g, struct timer *timer)
{
    const char *after = "0";
    size_t seen = 0, pages = 0;

    while (after != NULL) {
        struct answer page = chat_call_internal(
            f,
            cc_arena_printf(f->arena, "/internal/chats/%s/members?limit=%d&after=%s", g->chat_id,
                            PAGE_COUNT, after),
            NULL);

        assert_int_equal(page.status, 200);
        must_be_quick(timer, "a page of 500 rights");
        seen += occurrences(page.body, "\"user_id\"");
        after = strstr(page.body, "\"next_cursor\":null") != NULL
                    ? NULL
                    : json_text(f, page.body, "next_cursor");
        assert_true(++pages <= 20);
    }
    assert_int_equal(seen, CHAT_MEMBERS_MAX);
}

static void a_group_of_ten_thousand_is_read_and_changed_in_portions(void **state)
{
    struct chat_fixture *f = *state;
    struct large g = a_large_group(f, CHAT_MEMBERS_MAX - 100);
    const char *members = path_of(f, g.chat_id, "/members");
    const char *add = cc_arena_printf(f->arena, "{\"user_ids\":%s}",
                                      json_ids(f, some_ids(f->arena, CHAT_ADD_MAX), CHAT_ADD_MAX));
    struct timer timer = {cc_mono_ms(cc_clock_system())};
    char key[CC_REDIS_NAME_BYTES];

    struct answer added = chat_call(f, g.owner, "POST", members, add, NULL);
    must_be_quick(&timer, "adding 100");
    struct answer full =
        chat_call(f, g.owner, "POST", members,
                  cc_arena_printf(f->arena, "{\"user_ids\":[\"%s\"]}", an_id(f->arena)), NULL);
    timer.since_ms = cc_mono_ms(cc_clock_system());
    struct answer page = chat_call(
        f, g.owner, "GET", path_of(f, g.chat_id, "/members?limit=200&cursor=9700"), NULL, NULL);
    must_be_quick(&timer, "a page of 200 members near the end");
    read_all_rights(f, &g, &timer);
    struct answer removed = chat_call(
        f, g.owner, "DELETE",
        cc_arena_printf(f->arena, "%s/%s", members, g.founding->members[77].user_id), NULL, NULL);
    must_be_quick(&timer, "removing one");
    struct answer list = chat_call(f, g.owner, "GET", "/v1/chats", NULL, NULL);
    must_be_quick(&timer, "the list that shows it");

    assert_int_equal(added.status, 200);
    assert_int_equal(json_int(f, added.body, "member_count"), CHAT_MEMBERS_MAX);
    assert_int_equal(full.status, 409);
    assert_int_equal(occurrences(page.body, "\"user_id\""), 200);
    assert_int_equal(removed.status, 204);
    assert_non_null(strstr(list.body, "\"member_count\":9999"));
    cc_redis_name_members(g.chat_id, key);
    assert_null(redis_get(f, key)); /* too many to be cached: asked for by page */
    cc_redis_name_mver(g.chat_id, key);
    assert_string_equal(redis_get(f, key), "3");
}

/* As the sweeper would. */
static void sweep_once(struct chat_fixture *f)
{
    size_t count = 0;
    enum cc_code code = chat_announcer_sweep(&f->app.announcer, INT64_MAX, &count, &f->err);

    assert_true(code == CC_OK || code == CC_TIMEOUT);
}

static void a_large_group_ends_for_all_of_its_members(void **state)
{
    struct chat_fixture *f = *state;
    struct large g = a_large_group(f, 1500);
    const char *last = g.founding->members[1499].user_id;
    struct timer timer = {cc_mono_ms(cc_clock_system())};

    struct answer deleted =
        chat_call(f, g.owner, "DELETE", path_of(f, g.chat_id, "?scope=everyone"), NULL, NULL);
    must_be_quick(&timer, "deleting a group of 1500");
    assert_int_equal(chat_call(f, last, "GET", path_of(f, g.chat_id, ""), NULL, NULL).status, 404);
    struct answer rights = chat_call_internal(
        f, cc_arena_printf(f->arena, "/internal/chats/%s/members?limit=1000&after=700", g.chat_id),
        NULL);
    for (int i = 0; i < 20 && unannounced(f, g.chat_id) > 0; i++)
        sweep_once(f);

    assert_true(deleted.status == 204 || deleted.status == 202);
    assert_null(strstr(rights.body, "\"active\""));
    assert_int_equal(unannounced(f, g.chat_id), 0);
    assert_null(strstr(chat_call(f, last, "GET", "/v1/chats", NULL, NULL).body, g.chat_id));
}

#define group_test(function)                                                                       \
    cmocka_unit_test_setup_teardown(function, chat_fixture_begin, chat_fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        group_test(a_group_of_ten_thousand_is_read_and_changed_in_portions),
        group_test(a_large_group_ends_for_all_of_its_members),
    };

    return cmocka_run_group_tests_name("chat-service large group", tests, chat_fixture_start,
                                       chat_fixture_stop);
}
