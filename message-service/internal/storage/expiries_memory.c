/* Messages that are to expire, in memory. Any thread: under the store's lock. */

#include "storage/memory_private.h"

/* Listed again when it is materialised again, as by the server. */
void message_memory_list_expiry(struct memory_store *store, const struct cc_message *message)
{
    struct cc_message *copy = CC_ARENA_NEW(store->arena, struct cc_message);

    *copy = message_copy(store->arena, message);
    cc_hash_map_put(store->expiries, copy->message_id, copy);
}

enum cc_code message_memory_expired(struct message_store *base, int64_t now_ms, size_t limit,
                                    struct cc_arena *arena, struct expiry_list *out,
                                    struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);
    struct expiry_list list = {cc_arena_calloc(arena, limit + 1, sizeof *list.items), 0};
    size_t at = 0;
    void *value;

    (void)err;
    while (list.count < limit && cc_hash_map_next(store->expiries, &at, &value)) {
        const struct cc_message *message = value;
        if (message->expires_at_ms <= now_ms)
            list.items[list.count++] = (struct expiry){
                .message_id = cc_arena_strdup(arena, message->message_id),
                .chat_id = cc_arena_strdup(arena, message->chat_id),
            };
    }
    *out = list;
    return message_memory_leave(store, CC_OK);
}

enum cc_code message_memory_forget_expiry(struct message_store *base, const char *message_id,
                                          struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);

    (void)err;
    cc_hash_map_remove(store->expiries, message_id);
    return message_memory_leave(store, CC_OK);
}
