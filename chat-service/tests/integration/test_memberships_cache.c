/* Whose chats are whose, from a real Redis and the memory store: the list is the store's at every
 * moment, whoever writes in between, and whatever Redis has lost. */

#include "memberships_cache.h"

#include <string.h>

#include "../builders.h"

#define EVER CHAT_MEMBERS_EVER

struct cache_fixture {
    struct cc_arena *arena;
    struct cc_redis *redis;
    struct chat_store *store;
    struct cc_error err;
};

static int start(void **state)
{
    static struct cache_fixture fixture;

    fixture =
        (struct cache_fixture){.arena = cc_arena_create(0), .store = chat_store_memory_create()};
    assert_int_equal(
        cc_redis_create(test_env("CHAT_TEST_REDIS_URL"), 2, &fixture.redis, &fixture.err), CC_OK);
    *state = &fixture;
    return 0;
}

static int finish(void **state)
{
    struct cache_fixture *f = *state;

    cc_redis_destroy(f->redis);
    chat_store_destroy(f->store);
    cc_arena_destroy(f->arena);
    return 0;
}

static struct chat_member_list list(struct cache_fixture *f, struct cc_redis *redis,
                                    const char *user_id, enum chat_member_filter filter)
{
    struct chat_member_list found = {0};

    assert_int_equal(
        chat_memberships_list(redis, f->store, user_id, filter, f->arena, &found, &f->err), CC_OK);
    return found;
}

static void must_store(struct cache_fixture *f, const struct chat_change *change)
{
    assert_int_equal(f->store->ops->materialise(f->store, change, &f->err), CC_OK);
}

static void must_put(struct cache_fixture *f, const struct chat_change *change)
{
    assert_int_equal(
        chat_memberships_cache_put(f->redis, change->members, change->member_count, &f->err),
        CC_OK);
}

static void must_change(struct cache_fixture *f, const struct chat_change *change)
{
    must_store(f, change);
    must_put(f, change);
}

/* The store says something that nobody put into Redis: who sees it has asked the store. */
static bool asks_the_store(struct cache_fixture *f, const char *user_id)
{
    struct chat_change *unseen = a_group_of(f->arena, user_id, some_ids(f->arena, 1), 1);

    must_store(f, unseen);
    struct chat_member_list found = list(f, f->redis, user_id, EVER);
    for (size_t i = 0; i < found.count; i++)
        if (strcmp(found.items[i].chat_id, unseen->after.chat_id) == 0)
            return true;
    return false;
}

static void assert_same(const struct membership *a, const struct membership *b)
{
    assert_string_equal(a->chat_id, b->chat_id);
    assert_string_equal(a->user_id, b->user_id);
    assert_int_equal(a->role, b->role);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->joined_at_ms, b->joined_at_ms);
    assert_int_equal(a->joined_seq, b->joined_seq);
    assert_int_equal(a->place, b->place);
}

static void the_list_from_redis_is_that_of_the_store(void **state)
{
    struct cache_fixture *f = *state;
    const char *ada = an_id(f->arena);
    struct chat_member_list stored = {0};

    for (int i = 0; i < 20; i++) {
        struct chat_change *group = a_group_of(f->arena, ada, some_ids(f->arena, 2), 2);

        must_change(f, group);
        if (i % 3 == 0)
            must_change(f, change_leave(f->arena, &group->after, &group->members[0],
                                        &group->members[1], T0 + 1));
    }
    struct chat_member_list first = list(f, f->redis, ada, EVER);
    struct chat_member_list again = list(f, f->redis, ada, EVER);

    assert_int_equal(
        f->store->ops->list_memberships(f->store, ada, EVER, f->arena, &stored, &f->err), CC_OK);
    assert_int_equal(stored.count, 20);
    assert_int_equal(first.count, stored.count);
    assert_int_equal(again.count, stored.count);
    for (size_t i = 0; i < stored.count; i++) {
        assert_same(&first.items[i], &stored.items[i]);
        assert_same(&again.items[i], &stored.items[i]);
    }
    assert_int_equal(list(f, f->redis, ada, CHAT_MEMBERS_ACTIVE).count, 13);
    assert_false(asks_the_store(f, ada));
}

static void who_is_in_no_chat_is_asked_about_once(void **state)
{
    struct cache_fixture *f = *state;
    const char *nobody = an_id(f->arena);

    assert_int_equal(list(f, f->redis, nobody, EVER).count, 0);
    assert_false(asks_the_store(f, nobody));
}

static void a_removal_is_seen_at_once(void **state)
{
    struct cache_fixture *f = *state;
    struct chat_change *group = a_group(f->arena);
    const char *removed = group->members[1].user_id;

    must_change(f, group);
    assert_int_equal(list(f, f->redis, removed, CHAT_MEMBERS_ACTIVE).count, 1);
    must_change(
        f, change_remove(f->arena, &group->after, group->actor_id, &group->members[1], T0 + 1));

    assert_int_equal(list(f, f->redis, removed, CHAT_MEMBERS_ACTIVE).count, 0);
    assert_int_equal(list(f, f->redis, removed, EVER).items[0].state, CC_MEMBER_REMOVED);
}

/* As when a reader has the store's old answer in hand while somebody is removed: what it fills in
 * afterwards, and what is told twice, takes nothing back. */
static void nothing_older_replaces_what_is_there(void **state)
{
    struct cache_fixture *f = *state;
    struct chat_change *group = a_group(f->arena);
    const char *removed = group->members[1].user_id;

    must_store(f, group);
    must_put(f, change_remove(f->arena, &group->after, group->actor_id, &group->members[1], T0));
    struct chat_member_list filled = list(f, f->redis, removed, EVER); /* the store is behind */
    must_put(f, group);

    assert_int_equal(filled.count, 1);
    assert_int_equal(list(f, f->redis, removed, CHAT_MEMBERS_ACTIVE).count, 0);
}

/* One membership alone is no list, however it came there. */
static void what_is_not_whole_is_read_from_the_store(void **state)
{
    struct cache_fixture *f = *state;
    struct chat_change *first = a_group(f->arena);
    struct chat_change *second = a_group_of(f->arena, first->actor_id, some_ids(f->arena, 1), 1);

    must_store(f, first);
    must_change(f, second);
    assert_int_equal(list(f, f->redis, first->actor_id, EVER).count, 2);
}

static void with_redis(struct cache_fixture *f, const char *command, const char *user_id,
                       const char *word, const char *last)
{
    assert_int_equal(cc_redis_do(f->redis, NULL, &f->err, command,
                                 cc_arena_printf(f->arena, "memberships:%s", user_id), word, last,
                                 NULL),
                     CC_OK);
}

static void what_redis_has_lost_or_cannot_be_read_is_read_from_the_store(void **state)
{
    struct cache_fixture *f = *state;
    struct chat_change *group = a_group(f->arena);
    const char *ada = group->actor_id;

    must_change(f, group);
    assert_true(asks_the_store(f, ada));
    assert_false(asks_the_store(f, ada));
    with_redis(f, "DEL", ada, NULL, NULL);
    assert_true(asks_the_store(f, ada));
    with_redis(f, "HSET", ada, group->after.chat_id, "9 member of something else");
    assert_true(asks_the_store(f, ada));
}

/* A writer's row that is gone before a reader has filled in what it read earlier would be lost:
 * what would soon expire is no whole list any more, and begins anew. */
static void what_is_about_to_expire_begins_anew_with_a_change(void **state)
{
    struct cache_fixture *f = *state;
    struct chat_change *group = a_group(f->arena);

    must_change(f, group);
    assert_true(asks_the_store(f, group->actor_id));
    with_redis(f, "EXPIRE", group->actor_id, "30", NULL);
    assert_false(asks_the_store(f, group->actor_id));
    must_put(f, group);
    assert_true(asks_the_store(f, group->actor_id));
}

static void more_people_than_one_script_takes_are_all_noted(void **state)
{
    struct cache_fixture *f = *state;
    enum { OTHERS = 250 };
    const char **others = some_ids(f->arena, OTHERS);
    struct chat_change *group = a_group_of(f->arena, an_id(f->arena), others, OTHERS);

    for (size_t i = 0; i < OTHERS; i++)
        assert_int_equal(list(f, f->redis, others[i], EVER).count, 0);
    must_change(f, group);
    for (size_t i = 0; i < OTHERS; i++)
        assert_int_equal(list(f, f->redis, others[i], EVER).count, 1);
}

static void without_redis_the_list_is_the_stores(void **state)
{
    struct cache_fixture *f = *state;
    struct chat_change *group = a_group(f->arena);
    struct cc_redis *nobody = NULL;

    assert_int_equal(cc_redis_create("redis://127.0.0.1:1", 1, &nobody, &f->err), CC_OK);
    must_store(f, group);

    assert_int_equal(list(f, nobody, group->actor_id, EVER).count, 1);
    assert_int_not_equal(
        chat_memberships_cache_put(nobody, group->members, group->member_count, &f->err), CC_OK);
    cc_redis_destroy(nobody);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_list_from_redis_is_that_of_the_store),
        TEST(who_is_in_no_chat_is_asked_about_once),
        TEST(a_removal_is_seen_at_once),
        TEST(nothing_older_replaces_what_is_there),
        TEST(what_is_not_whole_is_read_from_the_store),
        TEST(what_redis_has_lost_or_cannot_be_read_is_read_from_the_store),
        TEST(what_is_about_to_expire_begins_anew_with_a_change),
        TEST(more_people_than_one_script_takes_are_all_noted),
        TEST(without_redis_the_list_is_the_stores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
