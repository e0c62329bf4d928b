#ifndef USER_RELATION_H
#define USER_RELATION_H

/* What two people have to do with each other, and what follows from it. Pure functions, any thread.
 * An actor is who would write, invite or look; the user is whom that concerns. */

#include <stdbool.h>
#include <stdint.h>

#include "domain/preferences.h"

/* One person may block so many others. */
#define USER_BLOCKS_MAX 1000

/* What is stored about a pair. Somebody without a profile has chosen nothing. */
struct user_bond {
    const char *actor_id, *user_id;
    bool blocked;                        /* the user has blocked the actor */
    bool gone;                           /* the user's account is deleted */
    bool blocks;                         /* the actor has blocked the user */
    struct user_preferences preferences; /* the user's, without `client` */
};

/* May the actor not begin anything with the user: a direct chat, an invitation, a notification?
 * Not across a block, nor with somebody who is gone. */
bool user_bond_refuses_contact(const struct user_bond *bond);

/* What an actor may learn of the user's presence. */
enum user_sight {
    USER_SIGHT_NONE, /* looks like somebody who was never there */
    USER_SIGHT_IN_SHARED_CHATS,
    USER_SIGHT_FULL,
};
enum user_sight user_bond_sight(const struct user_bond *bond);

#endif
