/* What every store of people's states promises. Tests share one store and no id. */

#include "personal_store_contract.h"

#include <string.h>

#include "../builders.h"

static struct personal_store *the_store; /* cmocka gives group state only by reference to setups */

struct fixture {
    struct personal_store *store;
    struct cc_arena *arena;
    struct cc_error err;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.store = the_store, .arena = cc_arena_create(0)};
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    cc_arena_destroy(f->arena);
    return 0;
}

#define must(expression) assert_int_equal((expression), CC_OK)

static struct personal a_state_of(struct fixture *f, const char *user_id)
{
    return (struct personal){.chat_id = an_id(f->arena),
                             .user_id = user_id,
                             .version = 1,
                             .at_ms = T0,
                             .wish = {.mute_until_ms = T0 + 5,
                                      .pinned = true,
                                      .marked_unread = true,
                                      .notify = PERSONAL_MENTIONS},
                             .cleared = true,
                             .cleared_seq = 7};
}

static struct personal *find(struct fixture *f, const struct personal *like)
{
    struct personal *found = NULL;

    must(f->store->ops->find(f->store, like->chat_id, like->user_id, f->arena, &found, &f->err));
    return found;
}

static bool waits(struct fixture *f, const struct personal *like)
{
    struct personal_list pending = {0};

    must(f->store->ops->list_unannounced(f->store, f->arena, &pending, &f->err));
    for (size_t i = 0; i < pending.count; i++)
        if (strcmp(pending.items[i].chat_id, like->chat_id) == 0)
            return true;
    return false;
}

static void of_whom_nothing_was_said_has_version_0(void **state)
{
    struct fixture *f = *state;
    struct personal one = a_state_of(f, an_id(f->arena));
    struct personal *found = find(f, &one);

    assert_int_equal(found->version, 0);
    assert_string_equal(found->chat_id, one.chat_id);
    assert_string_equal(found->user_id, one.user_id);
    assert_false(found->wish.pinned);
    assert_int_equal(found->wish.notify, PERSONAL_DEFAULT);
}

static void a_state_is_found_as_it_was_put(void **state)
{
    struct fixture *f = *state;
    struct personal one = a_state_of(f, an_id(f->arena));

    must(f->store->ops->put(f->store, &one, &f->err));
    struct personal *found = find(f, &one);

    assert_int_equal(found->version, 1);
    assert_int_equal(found->at_ms, T0);
    assert_int_equal(found->wish.mute_until_ms, T0 + 5);
    assert_true(found->wish.pinned);
    assert_false(found->wish.archived);
    assert_true(found->wish.marked_unread);
    assert_int_equal(found->wish.notify, PERSONAL_MENTIONS);
    assert_true(found->cleared);
    assert_int_equal(found->cleared_seq, 7);
    assert_false(found->announced);
}

static void only_the_next_version_replaces_what_is_there(void **state)
{
    struct fixture *f = *state;
    struct personal first = a_state_of(f, an_id(f->arena)), second = first, fourth = first;

    second.version = 2;
    second.wish.pinned = false;
    fourth.version = 4;
    assert_int_equal(f->store->ops->put(f->store, &second, &f->err), CC_CONFLICT);
    must(f->store->ops->put(f->store, &first, &f->err));
    assert_int_equal(f->store->ops->put(f->store, &first, &f->err), CC_CONFLICT);
    must(f->store->ops->put(f->store, &second, &f->err));
    assert_int_equal(f->store->ops->put(f->store, &fourth, &f->err), CC_CONFLICT);

    assert_int_equal(find(f, &first)->version, 2);
    assert_false(find(f, &first)->wish.pinned);
}

static void a_person_has_the_states_of_all_chats_and_of_nobody_else(void **state)
{
    struct fixture *f = *state;
    const char *person = an_id(f->arena);
    struct personal_list mine = {0};

    for (int i = 0; i < 40; i++) {
        struct personal one = a_state_of(f, person), other = a_state_of(f, an_id(f->arena));

        must(f->store->ops->put(f->store, &one, &f->err));
        must(f->store->ops->put(f->store, &other, &f->err));
    }
    must(f->store->ops->list(f->store, person, f->arena, &mine, &f->err));

    assert_int_equal(mine.count, 40);
    for (size_t i = 0; i < mine.count; i++)
        assert_string_equal(mine.items[i].user_id, person);
}

static void a_chat_has_the_states_of_its_people_alone(void **state)
{
    struct fixture *f = *state;
    struct personal one = a_state_of(f, an_id(f->arena)), other = a_state_of(f, an_id(f->arena));
    struct personal elsewhere = a_state_of(f, one.user_id);
    struct personal_list states = {0};

    other.chat_id = one.chat_id;
    must(f->store->ops->put(f->store, &one, &f->err));
    must(f->store->ops->put(f->store, &other, &f->err));
    must(f->store->ops->put(f->store, &elsewhere, &f->err));
    must(f->store->ops->list_of_chat(f->store, one.chat_id, f->arena, &states, &f->err));

    assert_int_equal(states.count, 2);
    for (size_t i = 0; i < states.count; i++)
        assert_string_equal(states.items[i].chat_id, one.chat_id);
}

static void what_is_put_waits_until_it_is_announced(void **state)
{
    struct fixture *f = *state;
    struct personal first = a_state_of(f, an_id(f->arena)), second = first;

    second.version = 2;
    must(f->store->ops->put(f->store, &first, &f->err));
    assert_true(waits(f, &first));
    must(f->store->ops->mark_announced(f->store, &first, &f->err));
    assert_false(waits(f, &first));
    assert_true(find(f, &first)->announced);
    must(f->store->ops->put(f->store, &second, &f->err));
    must(
        f->store->ops->mark_announced(f->store, &first, &f->err)); /* of the one before: too late */

    assert_true(waits(f, &first));
}

static void who_is_forgotten_never_said_anything(void **state)
{
    struct fixture *f = *state;
    const char *ada = an_id(f->arena);
    struct personal mine = a_state_of(f, ada), also = a_state_of(f, ada);
    struct personal other = a_state_of(f, an_id(f->arena));
    struct personal_list states;

    must(f->store->ops->put(f->store, &mine, &f->err));
    must(f->store->ops->put(f->store, &also, &f->err));
    must(f->store->ops->put(f->store, &other, &f->err));
    must(f->store->ops->forget(f->store, ada, &f->err));
    must(f->store->ops->forget(f->store, ada, &f->err));

    must(f->store->ops->list(f->store, ada, f->arena, &states, &f->err));
    assert_int_equal(states.count, 0);
    assert_int_equal(find(f, &other)->version, 1);
}

#define contract_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int personal_store_contract_run(const char *name, struct personal_store *store)
{
    const struct CMUnitTest contract[] = {
        contract_test(of_whom_nothing_was_said_has_version_0),
        contract_test(a_state_is_found_as_it_was_put),
        contract_test(only_the_next_version_replaces_what_is_there),
        contract_test(a_person_has_the_states_of_all_chats_and_of_nobody_else),
        contract_test(a_chat_has_the_states_of_its_people_alone),
        contract_test(what_is_put_waits_until_it_is_announced),
        contract_test(who_is_forgotten_never_said_anything),
    };

    the_store = store;
    return cmocka_run_group_tests_name(name, contract, NULL, NULL);
}
