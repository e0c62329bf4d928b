/* Who is mentioned where, in memory. Any thread: under the store's lock. */

#include <string.h>

#include "storage/memory_private.h"

static bool mentions(const struct cc_message *message, const char *user_id)
{
    bool named = message->mention_all;

    for (size_t i = 0; i < message->mention_count && !named; i++)
        named = strcmp(message->mentions[i], user_id) == 0;
    return named && !message->deleted;
}

enum cc_code message_memory_count_mentions(struct message_store *base, const char *chat_id,
                                           const char *user_id, int64_t after_seq, int64_t limit,
                                           int64_t *out, struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);
    const struct stored_message *at = cc_hash_map_get(store->timelines, chat_id);

    (void)err;
    for (*out = 0; at != NULL && *out < limit; at = at->next)
        *out += at->message.seq > after_seq && mentions(&at->message, user_id);
    return message_memory_leave(store, CC_OK);
}
