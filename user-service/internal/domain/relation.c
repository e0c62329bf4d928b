/* Rules between two people; see relation.h. Runs on the caller's thread. */

#include "domain/relation.h"

#include <string.h>

bool user_bond_refuses_contact(const struct user_bond *bond)
{
    return bond->blocked || bond->gone;
}

/* A block hides both from each other; being invisible goes before any audience. */
enum user_sight user_bond_sight(const struct user_bond *bond)
{
    static const enum user_sight by_audience[] = {
        [USER_AUDIENCE_EVERYBODY] = USER_SIGHT_FULL,
        [USER_AUDIENCE_SHARED_CHATS] = USER_SIGHT_IN_SHARED_CHATS,
        [USER_AUDIENCE_NOBODY] = USER_SIGHT_NONE,
    };
    if (bond->gone)
        return USER_SIGHT_NONE;
    if (strcmp(bond->actor_id, bond->user_id) == 0)
        return USER_SIGHT_FULL;
    if (bond->blocked || bond->blocks || bond->preferences.invisible)
        return USER_SIGHT_NONE;
    return by_audience[bond->preferences.presence_audience];
}
