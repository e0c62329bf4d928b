/* Names and derived ids of chats. Any thread. Knows nothing of stores or JSON. */

#include "domain/chat.h"

#include <string.h>

const char *const chat_type_names[] = {"direct", "group", NULL};
const char *const chat_posting_choices[] = {"all", "admins", NULL};

void chat_direct_id(const char *user_id, const char *other_id, char out[CC_UUID_BYTES])
{
    bool in_order = strcmp(user_id, other_id) < 0;
    const char *fields[] = {"direct", in_order ? user_id : other_id, in_order ? other_id : user_id};

    cc_uuid_hash(fields, 3, out);
}

void chat_keyed_id(const char *user_id, const char *idempotency_key, char out[CC_UUID_BYTES])
{
    const char *fields[] = {"group", user_id, idempotency_key};

    cc_uuid_hash(fields, 3, out);
}
