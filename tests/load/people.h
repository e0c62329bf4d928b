#ifndef LOAD_PEOPLE_H
#define LOAD_PEOPLE_H

/* Who takes part: the file that setup.py writes,
 * {"people":[{user_id,device_id,token}],"chats":[{chat_id,members}]}; members are user_ids of
 * those people. All of it lives in the arena. */

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"

struct person {
    const char *user_id, *device_id, *token;
};
struct load_chat {
    const char *chat_id;
    size_t *members; /* indexes of people */
    size_t member_count;
};
struct people {
    struct person *people;
    size_t person_count;
    struct load_chat *chats;
    size_t chat_count;
};

bool people_load(struct people *people, const char *path,
                 struct cc_arena *arena); /* false with a line on stderr */

#endif
