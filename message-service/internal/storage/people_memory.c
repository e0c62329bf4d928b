/* What a deleted account leaves behind, in memory. Any thread: under the store's lock. */

#include "storage/memory_private.h"

enum cc_code message_memory_forget_person(struct message_store *base, const char *user_id,
                                          struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);

    (void)err;
    message_memory_drop_receipts_by(store, user_id);
    message_memory_drop_hidden_by(store, user_id);
    message_memory_drop_reactions_by(store, user_id);
    return message_memory_leave(store, CC_OK);
}
