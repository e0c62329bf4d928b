/* The contract of user_choices.h as tests; see contract_fixture.h. */

#include "contract_fixture.h"

#include <stdio.h>
#include <string.h>

static void must_block(struct fixture *f, const char *blocker_id, const char *blocked_id)
{
    struct cc_error err = {0};
    struct user_fact fact = a_fact(f, "blocks");
    must(user_choices_block(f->choices, blocker_id, blocked_id, &fact, &err), &err);
}

static void must_unblock(struct fixture *f, const char *blocker_id, const char *blocked_id)
{
    struct cc_error err = {0};
    struct user_fact fact = a_fact(f, "blocks");
    must(user_choices_unblock(f->choices, blocker_id, blocked_id, &fact, &err), &err);
}

static struct user_bond bond_of(struct fixture *f, const char *actor_id, const char *user_id)
{
    struct cc_error err = {0};
    struct user_bond bond = {.actor_id = actor_id, .user_id = user_id};
    must(user_choices_find_bonds(f->choices, &bond, 1, f->arena, &err), &err);
    return bond;
}

static size_t list_blocks(struct fixture *f, const char *blocker_id, const char *after_id,
                          size_t limit, const struct user_block **out)
{
    struct cc_error err = {0};
    size_t count;
    must(user_choices_list_blocks(f->choices, blocker_id, after_id, limit, f->arena, out, &count,
                                  &err),
         &err);
    return count;
}

static void a_block_has_a_direction(void **state)
{
    struct fixture *f = *state;
    struct user ada = must_enroll(f, "ada"), grace = must_enroll(f, "grace");

    must_block(f, ada.user_id, grace.user_id);

    struct user_bond bond = bond_of(f, grace.user_id, ada.user_id);
    assert_true(bond.blocked);
    assert_false(bond.blocks);
    bond = bond_of(f, ada.user_id, grace.user_id);
    assert_false(bond.blocked);
    assert_true(bond.blocks);
}

static void blocking_again_changes_nothing_and_tells_nothing(void **state)
{
    struct fixture *f = *state;
    const struct user_block *blocks;
    struct user ada = must_enroll(f, "ada"), grace = must_enroll(f, "grace");

    must_block(f, ada.user_id, grace.user_id);
    must_block(f, ada.user_id, grace.user_id);

    assert_int_equal(list_blocks(f, ada.user_id, "", 10, &blocks), 1);
    assert_int_equal(hear_all(f)->count, 3); /* two registrations, one block */
}

static void what_was_unblocked_is_as_before_and_told_once(void **state)
{
    struct fixture *f = *state;
    const struct user_block *blocks;
    struct user ada = must_enroll(f, "ada"), grace = must_enroll(f, "grace");
    must_block(f, ada.user_id, grace.user_id);

    must_unblock(f, ada.user_id, grace.user_id);
    must_unblock(f, ada.user_id, grace.user_id);

    assert_false(bond_of(f, grace.user_id, ada.user_id).blocked);
    assert_int_equal(list_blocks(f, ada.user_id, "", 10, &blocks), 0);
    assert_int_equal(hear_all(f)->count, 4);
}

static void a_block_is_told_of_its_owner_alone(void **state)
{
    struct fixture *f = *state;
    struct user ada = must_enroll(f, "ada"), grace = must_enroll(f, "grace");
    hear_all(f);

    must_block(f, ada.user_id, grace.user_id);

    struct listener *listener = hear_all(f);
    assert_int_equal(listener->count, 1);
    assert_string_equal(listener->heard[0].user_id, ada.user_id);
    assert_string_equal(listener->heard[0].change, "blocks");
    assert_string_equal(listener->heard[0].handle, "ada");
    assert_int_equal(listener->heard[0].change_version, 0);
}

static void only_people_with_a_profile_block_and_are_blocked(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    struct user ada = must_enroll(f, "ada");
    struct user_fact fact = a_fact(f, "blocks");

    assert_int_equal(user_choices_block(f->choices, ada.user_id, f->nobody_id, &fact, &err),
                     CC_NOT_FOUND);
    assert_int_equal(user_choices_block(f->choices, f->nobody_id, ada.user_id, &fact, &err),
                     CC_NOT_FOUND);

    assert_false(bond_of(f, ada.user_id, f->nobody_id).blocked);
    assert_int_equal(hear_all(f)->count, 1);
}

static void blocks_are_listed_in_pages_with_who_is_blocked(void **state)
{
    struct fixture *f = *state;
    const struct user_block *blocks;
    struct user ada = must_enroll(f, "ada"), others[3];
    for (int i = 0; i < 3; i++) {
        others[i] = must_enroll(f, cc_arena_printf(f->arena, "other_%d", i));
        must_block(f, ada.user_id, others[i].user_id);
    }
    must_block(f, others[0].user_id, others[1].user_id); /* somebody else's */

    assert_int_equal(list_blocks(f, ada.user_id, "", 2, &blocks), 2);
    assert_string_equal(blocks[0].user.user_id, others[0].user_id); /* ids grow with time */
    assert_string_equal(blocks[1].user.handle, "other_1");
    assert_int_equal(blocks[0].blocked_at_ms, FAKE_T0_MS);
    assert_int_equal(list_blocks(f, ada.user_id, others[1].user_id, 2, &blocks), 1);
    assert_string_equal(blocks[0].user.user_id, others[2].user_id);
}

static void nobody_blocks_more_than_the_most(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    struct user ada = must_enroll(f, "ada"), first = must_enroll(f, "first");
    struct user_fact fact = a_fact(f, "blocks");
    must_block(f, ada.user_id, first.user_id);
    for (int i = 1; i < USER_BLOCKS_MAX; i++)
        must_block(f, ada.user_id,
                   must_enroll(f, cc_arena_printf(f->arena, "other_%d", i)).user_id);

    enum cc_code code =
        user_choices_block(f->choices, ada.user_id, must_enroll(f, "last").user_id, &fact, &err);

    assert_int_equal(code, CC_CONFLICT);
    must_block(f, ada.user_id, first.user_id); /* is there already */
}

static void many_bonds_are_found_in_the_order_of_the_question(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    struct user ada = must_enroll(f, "ada"), grace = must_enroll(f, "grace");
    must_block(f, ada.user_id, grace.user_id);
    struct user_bond bonds[] = {{.actor_id = ada.user_id, .user_id = f->nobody_id},
                                {.actor_id = grace.user_id, .user_id = ada.user_id},
                                {.actor_id = ada.user_id, .user_id = grace.user_id},
                                {.actor_id = grace.user_id, .user_id = ada.user_id}};

    must(user_choices_find_bonds(f->choices, bonds, 4, f->arena, &err), &err);

    assert_false(bonds[0].blocked || bonds[0].blocks);
    assert_true(bonds[1].blocked && !bonds[1].blocks);
    assert_true(!bonds[2].blocked && bonds[2].blocks);
    assert_true(bonds[3].blocked);
    must(user_choices_find_bonds(f->choices, bonds, 0, f->arena, &err), &err);
}

static void who_is_blocked_does_not_find_who_blocks(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    const struct user *found;
    size_t count;
    struct user ada = must_enroll(f, "ada"), grace = must_enroll(f, "grace");
    must_block(f, ada.user_id, grace.user_id);

    must(user_store_find_by_prefix(f->store, grace.user_id, "ada", "", 10, f->arena, &found, &count,
                                   &err),
         &err);
    assert_int_equal(count, 0);
    must(user_store_find_by_prefix(f->store, ada.user_id, "grace", "", 10, f->arena, &found, &count,
                                   &err),
         &err);
    assert_int_equal(count, 1); /* the other way, one finds whom to unblock */
}

static struct user_preferences find_preferences(struct fixture *f, const char *user_id)
{
    struct cc_error err = {0};
    struct user_preferences found;
    must(user_choices_find_preferences(f->choices, user_id, f->arena, &found, &err), &err);
    return found;
}

static enum cc_code save(struct fixture *f, const char *user_id,
                         const struct user_preferences *preferences, struct cc_error *err)
{
    struct user_fact fact = a_fact(f, "settings");
    return user_choices_save_preferences(f->choices, user_id, preferences, &fact, err);
}

static void must_save(struct fixture *f, const char *user_id,
                      const struct user_preferences *preferences)
{
    struct cc_error err = {0};
    must(save(f, user_id, preferences, &err), &err);
}

static void who_has_set_nothing_has_the_defaults(void **state)
{
    struct fixture *f = *state;
    struct user ada = must_enroll(f, "ada");

    struct user_preferences found = find_preferences(f, ada.user_id);

    assert_int_equal(found.version, 0);
    assert_int_equal(found.presence_audience, USER_AUDIENCE_EVERYBODY);
    assert_false(found.invisible || found.do_not_disturb);
    assert_string_equal(found.client, "{}");
    assert_int_equal(find_preferences(f, f->nobody_id).version, 0);
    found = bond_of(f, f->nobody_id, ada.user_id).preferences;
    assert_int_equal(found.presence_audience, USER_AUDIENCE_EVERYBODY);
}

static void what_was_set_is_found_and_told_with_its_version(void **state)
{
    struct fixture *f = *state;
    struct user ada = must_enroll(f, "ada");
    struct user_preferences set = {.presence_audience = USER_AUDIENCE_NOBODY,
                                   .invisible = true,
                                   .do_not_disturb = true,
                                   .do_not_disturb_until_ms = FAKE_T0_MS,
                                   .client = "{\"theme\":\"dark \\\"\",\"a\":[1]}"};

    must_save(f, ada.user_id, &set);
    struct user_preferences found = find_preferences(f, ada.user_id);
    found.presence_audience = USER_AUDIENCE_SHARED_CHATS;
    must_save(f, ada.user_id, &found);

    assert_int_equal(found.version, 1);
    assert_string_equal(found.client, set.client);
    assert_true(found.invisible && found.do_not_disturb);
    assert_int_equal(found.do_not_disturb_until_ms, FAKE_T0_MS);
    found = bond_of(f, f->nobody_id, ada.user_id).preferences;
    assert_int_equal(found.version, 2);
    assert_int_equal(found.presence_audience, USER_AUDIENCE_SHARED_CHATS);
    assert_true(found.invisible);
    struct listener *listener = hear_all(f);
    assert_int_equal(listener->count, 3);
    assert_string_equal(listener->heard[2].change, "settings");
    assert_int_equal(listener->heard[1].change_version, 1);
    assert_int_equal(listener->heard[2].change_version, 2);
}

static void settings_of_another_version_are_not_replaced(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    struct user ada = must_enroll(f, "ada");
    struct user_preferences set = user_preferences_default();
    set.version = 1; /* nothing has been set yet */
    assert_int_equal(save(f, ada.user_id, &set, &err), CC_VERSION_MISMATCH);
    set.version = 0;
    must_save(f, ada.user_id, &set);
    set.invisible = true;

    assert_int_equal(save(f, ada.user_id, &set, &err), CC_VERSION_MISMATCH);
    assert_int_equal(save(f, f->nobody_id, &set, &err), CC_NOT_FOUND);

    assert_false(find_preferences(f, ada.user_id).invisible);
    assert_int_equal(hear_all(f)->count, 2);
}

static void who_is_deleted_leaves_no_choices_and_can_make_none(void **state)
{
    struct fixture *f = *state;
    struct cc_error err = {0};
    const struct user_block *blocks;
    struct user ada = must_enroll(f, "ada"), grace = must_enroll(f, "grace");
    struct user_preferences set = {.invisible = true, .client = "{\"a\":1}"};
    struct user_hold hold = {FAKE_T0_MS, FAKE_T0_MS};
    struct user_fact fact = a_fact(f, "deleted"), block = a_fact(f, "blocks");
    must_save(f, ada.user_id, &set);
    must_block(f, ada.user_id, grace.user_id);
    must_block(f, grace.user_id, ada.user_id);

    must(user_store_bury(f->store, ada.user_id, &fact, &hold, &err), &err);

    assert_int_equal(list_blocks(f, ada.user_id, "", 10, &blocks), 0);
    assert_int_equal(list_blocks(f, grace.user_id, "", 10, &blocks), 0);
    assert_int_equal(find_preferences(f, ada.user_id).version, 0);
    struct user_bond bond = bond_of(f, grace.user_id, ada.user_id);
    assert_true(bond.gone);
    assert_false(bond.blocked || bond.blocks || bond.preferences.invisible);
    assert_false(bond_of(f, ada.user_id, grace.user_id).gone);
    assert_int_equal(save(f, ada.user_id, &set, &err), CC_NOT_FOUND);
    assert_int_equal(user_choices_block(f->choices, grace.user_id, ada.user_id, &block, &err),
                     CC_NOT_FOUND);
    assert_int_equal(user_choices_block(f->choices, ada.user_id, grace.user_id, &block, &err),
                     CC_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, contract_begin, contract_end)

int user_choices_contract_run(const char *name)
{
    const struct CMUnitTest tests[] = {
        TEST(a_block_has_a_direction),
        TEST(blocking_again_changes_nothing_and_tells_nothing),
        TEST(what_was_unblocked_is_as_before_and_told_once),
        TEST(a_block_is_told_of_its_owner_alone),
        TEST(only_people_with_a_profile_block_and_are_blocked),
        TEST(blocks_are_listed_in_pages_with_who_is_blocked),
        TEST(nobody_blocks_more_than_the_most),
        TEST(many_bonds_are_found_in_the_order_of_the_question),
        TEST(who_is_blocked_does_not_find_who_blocks),
        TEST(who_has_set_nothing_has_the_defaults),
        TEST(what_was_set_is_found_and_told_with_its_version),
        TEST(settings_of_another_version_are_not_replaced),
        TEST(who_is_deleted_leaves_no_choices_and_can_make_none),
    };
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
