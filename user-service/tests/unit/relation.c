/* What follows from what two people have chosen. */

#include "testing.h"

#include "domain/relation.h"

#define ADA   "0190a000-0000-7000-8000-000000000001"
#define GRACE "0190a000-0000-7000-8000-000000000002"

/* Grace looks at Ada, who has chosen nothing. */
static struct user_bond a_bond(void)
{
    return (struct user_bond){
        .actor_id = GRACE, .user_id = ADA, .preferences = user_preferences_default()};
}

static void without_any_choice_everybody_sees_and_may_write(void **state)
{
    (void)state;
    struct user_bond bond = a_bond();

    assert_int_equal(user_bond_sight(&bond), USER_SIGHT_FULL);
    assert_false(user_bond_refuses_contact(&bond));
}

static void the_audience_decides_who_sees(void **state)
{
    (void)state;
    struct user_bond bond = a_bond();

    bond.preferences.presence_audience = USER_AUDIENCE_SHARED_CHATS;
    assert_int_equal(user_bond_sight(&bond), USER_SIGHT_IN_SHARED_CHATS);
    bond.preferences.presence_audience = USER_AUDIENCE_NOBODY;
    assert_int_equal(user_bond_sight(&bond), USER_SIGHT_NONE);
    assert_false(user_bond_refuses_contact(&bond));
}

static void the_invisible_are_seen_by_themselves_alone(void **state)
{
    (void)state;
    struct user_bond bond = a_bond();
    bond.preferences.invisible = true;

    assert_int_equal(user_bond_sight(&bond), USER_SIGHT_NONE);
    bond.actor_id = ADA;
    assert_int_equal(user_bond_sight(&bond), USER_SIGHT_FULL);
}

static void a_block_hides_both_but_refuses_one(void **state)
{
    (void)state;
    struct user_bond blocked = a_bond(), blocks = a_bond();
    blocked.blocked = true;
    blocks.blocks = true;

    assert_int_equal(user_bond_sight(&blocked), USER_SIGHT_NONE);
    assert_int_equal(user_bond_sight(&blocks), USER_SIGHT_NONE);
    assert_true(user_bond_refuses_contact(&blocked));
    assert_false(user_bond_refuses_contact(&blocks));
}

static void quiet_ends_by_itself(void **state)
{
    (void)state;
    struct user_preferences preferences = user_preferences_default();

    assert_false(user_preferences_quiet(&preferences, FAKE_T0_MS));
    preferences.do_not_disturb_until_ms = FAKE_T0_MS + 1; /* not switched on */
    assert_false(user_preferences_quiet(&preferences, FAKE_T0_MS));
    preferences.do_not_disturb = true;
    assert_true(user_preferences_quiet(&preferences, FAKE_T0_MS));
    assert_false(user_preferences_quiet(&preferences, FAKE_T0_MS + 1));
    preferences.do_not_disturb_until_ms = 0;
    assert_true(user_preferences_quiet(&preferences, FAKE_T0_MS + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_any_choice_everybody_sees_and_may_write),
        cmocka_unit_test(the_audience_decides_who_sees),
        cmocka_unit_test(the_invisible_are_seen_by_themselves_alone),
        cmocka_unit_test(a_block_hides_both_but_refuses_one),
        cmocka_unit_test(quiet_ends_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
