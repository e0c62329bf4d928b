/* The table of README.md "Who may do what", row by row: every role, every action, every target. */

#include <string.h>

#include "../builders.h"
#include "domain/permissions.h"

#define YES   CC_OK
#define NO    CC_FORBIDDEN
#define GONE  CC_NOT_FOUND
#define NEVER CC_CONFLICT

/* By the actor: owner, admin, member. */
struct row {
    enum chat_action action;
    enum cc_code by[3];
};

static void what_concerns_nobody_in_particular_depends_on_the_role(void **state)
{
    /* clang-format off: columns are the point */
    static const struct row table[] = {
        /*                      owner admin member */
        {CHAT_ACT_ADD, {YES, YES, NO}},       {CHAT_ACT_EDIT, {YES, YES, NO}},
        {CHAT_ACT_CONFIGURE, {YES, YES, NO}}, {CHAT_ACT_LIST_BANNED, {YES, YES, NO}},
        {CHAT_ACT_LEAVE, {YES, YES, YES}},    {CHAT_ACT_DELETE, {YES, NO, NO}},
    };
    /* clang-format on */
    const struct chat group = {.type = CHAT_GROUP, .owner_count = 1};

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        for (int role = CC_ROLE_MEMBER; role <= CC_ROLE_OWNER; role++) {
            struct membership actor = {.user_id = "a", .role = (enum cc_chat_role)role};

            if (chat_may(&group, &actor, table[i].action, NULL) !=
                table[i].by[CC_ROLE_OWNER - role])
                fail_msg("action %d by %s", table[i].action, cc_chat_role_names[role]);
        }
    (void)state;
}

/* The target: an owner, an admin, a member; who left; who is banned; who never was in it; oneself.
 */
enum target { T_OWNER, T_ADMIN, T_PLAIN, T_LEFT, T_BANNED, T_STRANGER, T_SELF, T_COUNT };

struct target_row {
    enum chat_action action;
    enum cc_chat_role actor;
    enum cc_code to[T_COUNT];
};

static const struct membership *target_of(enum target target, const struct membership *actor)
{
    static const struct membership others[] = {
        [T_OWNER] = {.user_id = "t", .role = CC_ROLE_OWNER},
        [T_ADMIN] = {.user_id = "t", .role = CC_ROLE_ADMIN},
        [T_PLAIN] = {.user_id = "t", .role = CC_ROLE_MEMBER},
        [T_LEFT] = {.user_id = "t", .role = CC_ROLE_MEMBER, .state = CC_MEMBER_LEFT},
        [T_BANNED] = {.user_id = "t", .role = CC_ROLE_MEMBER, .state = CC_MEMBER_BANNED},
    };

    if (target == T_SELF)
        return actor;
    return target == T_STRANGER ? NULL : &others[target];
}

static void what_is_done_to_somebody_depends_on_both(void **state)
{
    /* clang-format off: columns are the point */
    static const struct target_row table[] = {
        /*                                owner  admin member left  banned strgr self */
        {CHAT_ACT_REMOVE, CC_ROLE_OWNER, {NO, YES, YES, GONE, GONE, GONE, NEVER}},
        {CHAT_ACT_REMOVE, CC_ROLE_ADMIN, {NO, NO, YES, GONE, GONE, GONE, NEVER}},
        {CHAT_ACT_REMOVE, CC_ROLE_MEMBER, {NO, NO, NO, NO, NO, NO, NO}},
        {CHAT_ACT_BAN, CC_ROLE_OWNER, {NO, YES, YES, YES, YES, GONE, NEVER}},
        {CHAT_ACT_BAN, CC_ROLE_ADMIN, {NO, NO, YES, YES, YES, GONE, NEVER}},
        {CHAT_ACT_BAN, CC_ROLE_MEMBER, {NO, NO, NO, NO, NO, NO, NO}},
        {CHAT_ACT_UNBAN, CC_ROLE_OWNER, {GONE, GONE, GONE, GONE, YES, GONE, NEVER}},
        {CHAT_ACT_UNBAN, CC_ROLE_ADMIN, {GONE, GONE, GONE, GONE, YES, GONE, NEVER}},
        {CHAT_ACT_UNBAN, CC_ROLE_MEMBER, {NO, NO, NO, NO, NO, NO, NO}},
        {CHAT_ACT_SET_ROLE, CC_ROLE_OWNER, {NO, YES, YES, GONE, GONE, GONE, NEVER}},
        {CHAT_ACT_SET_ROLE, CC_ROLE_ADMIN, {NO, NO, NO, NO, NO, NO, NO}},
        {CHAT_ACT_SET_ROLE, CC_ROLE_MEMBER, {NO, NO, NO, NO, NO, NO, NO}},
        {CHAT_ACT_TRANSFER, CC_ROLE_OWNER, {NO, YES, YES, GONE, GONE, GONE, NEVER}},
        {CHAT_ACT_TRANSFER, CC_ROLE_ADMIN, {NO, NO, NO, NO, NO, NO, NO}},
        {CHAT_ACT_TRANSFER, CC_ROLE_MEMBER, {NO, NO, NO, NO, NO, NO, NO}},
    };
    /* clang-format on */
    const struct chat group = {.type = CHAT_GROUP, .owner_count = 1};

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        for (int target = 0; target < T_COUNT; target++) {
            struct membership actor = {.user_id = "a", .role = table[i].actor};
            enum cc_code code = chat_may_to(&group, &actor, table[i].action,
                                            target_of((enum target)target, &actor), NULL);

            if (code != table[i].to[target])
                fail_msg("action %d by %s to %d: %s", table[i].action,
                         cc_chat_role_names[table[i].actor], target, cc_code_name(code));
        }
    (void)state;
}

static void an_owner_steps_down_only_while_another_one_stays(void **state)
{
    const struct membership owner = {.user_id = "a", .role = CC_ROLE_OWNER};
    const struct chat last = {.type = CHAT_GROUP, .owner_count = 1},
                      two = {.type = CHAT_GROUP, .owner_count = 2};

    assert_int_equal(chat_may_to(&last, &owner, CHAT_ACT_SET_ROLE, &owner, NULL), CC_CONFLICT);
    assert_int_equal(chat_may_to(&two, &owner, CHAT_ACT_SET_ROLE, &owner, NULL), CC_OK);
    (void)state;
}

static void a_direct_chat_keeps_its_two_people_and_has_no_roles(void **state)
{
    const struct chat chat = {.type = CHAT_DIRECT};
    const struct membership one = {.user_id = "a", .role = CC_ROLE_OWNER}, other = {.user_id = "b"};

    for (int action = 0; action < CHAT_ACTION_COUNT; action++) {
        assert_int_equal(chat_may(&chat, &one, (enum chat_action)action, NULL), CC_CONFLICT);
        assert_int_equal(chat_may_to(&chat, &one, (enum chat_action)action, &other, NULL),
                         CC_CONFLICT);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_concerns_nobody_in_particular_depends_on_the_role),
        cmocka_unit_test(what_is_done_to_somebody_depends_on_both),
        cmocka_unit_test(an_owner_steps_down_only_while_another_one_stays),
        cmocka_unit_test(a_direct_chat_keeps_its_two_people_and_has_no_roles),
    };

    return cmocka_run_group_tests_name("chat-service permissions", tests, NULL, NULL);
}
