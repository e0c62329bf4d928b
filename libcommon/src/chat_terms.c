/* Names of what chats are made of. Any thread. */

#include "common/chat_terms.h"

#include <stddef.h>
#include <string.h>

const char *const cc_chat_role_names[] = {
    [CC_ROLE_MEMBER] = "member", [CC_ROLE_ADMIN] = "admin", [CC_ROLE_OWNER] = "owner", NULL};
const char *const cc_member_state_names[] = {[CC_MEMBER_ACTIVE] = "active",
                                             [CC_MEMBER_LEFT] = "left",
                                             [CC_MEMBER_REMOVED] = "removed",
                                             [CC_MEMBER_BANNED] = "banned",
                                             NULL};
const char *const cc_chat_posting_names[] = {
    [CC_POST_ALL] = "all", [CC_POST_ADMINS] = "admins", [CC_POST_NOBODY] = "nobody", NULL};
const char *const cc_chat_history_names[] = {
    [CC_HISTORY_ALL] = "all", [CC_HISTORY_JOINED] = "joined", NULL};

int cc_name_index(const char *const *names, const char *name, int fallback)
{
    if (name == NULL)
        return fallback;
    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return fallback;
}
