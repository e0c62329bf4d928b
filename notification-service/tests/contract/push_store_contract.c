/* What push_store.h promises, whichever store keeps it. Every test has people of its own. */

#include "push_store_contract.h"

#include <string.h>

#include "common/id.h"
#include "testing.h"

static struct push_store *store; /* of this run */
static struct cc_ids *ids;

struct owner {
    struct cc_arena *arena;
    const char *user_id, *session_id, *token;
};

static const char *an_id(struct cc_arena *arena)
{
    char *id = cc_arena_alloc(arena, CC_UUID_BYTES);

    cc_ids_next(ids, id);
    return id;
}

static int meet_owner(void **state)
{
    struct cc_arena *arena = cc_arena_create(0);
    struct owner *owner = CC_ARENA_NEW(arena, struct owner);

    *owner = (struct owner){arena, an_id(arena), an_id(arena), an_id(arena)};
    *state = owner;
    return 0;
}

static int forget_owner(void **state)
{
    cc_arena_destroy(((struct owner *)*state)->arena);
    return 0;
}

static void must_put(const struct owner *owner, const char *user_id, const char *device_id,
                     const char *token)
{
    const struct push_token row = {user_id, device_id, owner->session_id, token, FAKE_T0_MS};
    struct cc_error err;

    assert_int_equal(store->ops->put_token(store, &row, &err), CC_OK);
}

static struct push_token_list tokens_of(const struct owner *owner, const char *user_id)
{
    struct push_token_list list;
    struct cc_error err;

    assert_int_equal(store->ops->tokens_of(store, user_id, owner->arena, &list, &err), CC_OK);
    return list;
}

static void a_device_has_the_token_that_it_said_last(void **state)
{
    struct owner *ada = *state;

    must_put(ada, ada->user_id, "phone", an_id(ada->arena));
    must_put(ada, ada->user_id, "phone", ada->token);
    must_put(ada, ada->user_id, "tablet", an_id(ada->arena));

    struct push_token_list list = tokens_of(ada, ada->user_id);
    assert_int_equal(list.count, 2);
    const struct push_token *phone = &list.items[strcmp(list.items[0].device_id, "phone") != 0];
    assert_string_equal(phone->token, ada->token);
    assert_string_equal(phone->session_id, ada->session_id);
    assert_int_equal(phone->at_ms, FAKE_T0_MS);
}

static void a_token_is_nobody_else_s_any_more(void **state)
{
    struct owner *ada = *state;
    const char *bob = an_id(ada->arena);

    must_put(ada, ada->user_id, "phone", ada->token);
    must_put(ada, bob, "phone", ada->token);

    assert_int_equal(tokens_of(ada, ada->user_id).count, 0);
    assert_int_equal(tokens_of(ada, bob).count, 1);
}

static void tokens_go_by_device_by_session_and_by_themselves(void **state)
{
    struct owner *ada = *state;
    struct cc_error err;

    must_put(ada, ada->user_id, "phone", ada->token);
    assert_int_equal(store->ops->drop_device(store, ada->user_id, "tablet", &err), CC_OK);
    assert_int_equal(store->ops->drop_session(store, an_id(ada->arena), &err), CC_OK);
    assert_int_equal(store->ops->drop_token(store, "another", &err), CC_OK);
    assert_int_equal(tokens_of(ada, ada->user_id).count, 1);

    assert_int_equal(store->ops->drop_device(store, ada->user_id, "phone", &err), CC_OK);
    assert_int_equal(tokens_of(ada, ada->user_id).count, 0);
    must_put(ada, ada->user_id, "phone", ada->token);
    assert_int_equal(store->ops->drop_session(store, ada->session_id, &err), CC_OK);
    assert_int_equal(tokens_of(ada, ada->user_id).count, 0);
    must_put(ada, ada->user_id, "phone", ada->token);
    assert_int_equal(store->ops->drop_token(store, ada->token, &err), CC_OK);
    assert_int_equal(tokens_of(ada, ada->user_id).count, 0);
}

static void a_person_s_devices_go_together(void **state)
{
    struct owner *ada = *state;
    const char *bob = an_id(ada->arena);
    struct cc_error err;

    must_put(ada, ada->user_id, "phone", ada->token);
    must_put(ada, ada->user_id, "tablet", an_id(ada->arena));
    must_put(ada, bob, "phone", an_id(ada->arena));
    assert_int_equal(store->ops->drop_person(store, ada->user_id, &err), CC_OK);

    assert_int_equal(tokens_of(ada, ada->user_id).count, 0);
    assert_int_equal(tokens_of(ada, bob).count, 1);
}

static bool claims(const struct owner *owner, const char *notification_id, const char *device_id)
{
    const struct push_claim claim = {notification_id, owner->user_id, device_id, FAKE_T0_MS};
    struct cc_error err;
    bool first;

    assert_int_equal(store->ops->claim(store, &claim, &first, &err), CC_OK);
    return first;
}

static void a_push_is_claimed_once_for_each_device_until_it_is_given_back(void **state)
{
    struct owner *ada = *state;
    const char *told = an_id(ada->arena);
    const struct push_claim phone = {told, ada->user_id, "phone", FAKE_T0_MS};
    struct cc_error err;

    assert_true(claims(ada, told, "phone"));
    assert_false(claims(ada, told, "phone"));
    assert_true(claims(ada, told, "tablet"));
    assert_true(claims(ada, an_id(ada->arena), "phone"));

    assert_int_equal(store->ops->settle(store, &phone, NULL, &err), CC_OK);
    assert_true(claims(ada, told, "phone"));
    assert_int_equal(store->ops->settle(store, &phone, "delivered", &err), CC_OK);
    assert_false(claims(ada, told, "phone"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, meet_owner, forget_owner)

int push_store_contract_run(const char *name, struct push_store *subject)
{
    const struct CMUnitTest tests[] = {
        TEST(a_device_has_the_token_that_it_said_last),
        TEST(a_token_is_nobody_else_s_any_more),
        TEST(tokens_go_by_device_by_session_and_by_themselves),
        TEST(a_person_s_devices_go_together),
        TEST(a_push_is_claimed_once_for_each_device_until_it_is_given_back),
    };

    store = subject;
    ids = cc_ids_create(cc_clock_system(), cc_random_system());
    int failed = cmocka_run_group_tests_name(name, tests, NULL, NULL);
    cc_ids_destroy(ids);
    return failed;
}
