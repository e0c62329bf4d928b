/* Deleted chats whose content is to go, in memory. Any thread: under the store's lock. */

#include <string.h>

#include "storage/memory_private.h"

enum cc_code message_memory_plan_erasure(struct message_store *base, const char *chat_id,
                                         int64_t rev, struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);

    (void)err;
    if (cc_hash_map_get(store->erasures, chat_id) == NULL) {
        struct erasure *erasure = CC_ARENA_NEW(store->arena, struct erasure);
        *erasure = (struct erasure){cc_arena_strdup(store->arena, chat_id), rev, 0};
        cc_hash_map_put(store->erasures, erasure->chat_id, erasure);
    }
    return message_memory_leave(store, CC_OK);
}

enum cc_code message_memory_erasures(struct message_store *base, size_t limit,
                                     struct cc_arena *arena, struct erasure_list *out,
                                     struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);
    struct erasure_list list = {cc_arena_calloc(arena, limit + 1, sizeof *list.items), 0};
    size_t at = 0;
    void *value;

    (void)err;
    while (list.count < limit && cc_hash_map_next(store->erasures, &at, &value)) {
        list.items[list.count] = *(struct erasure *)value;
        list.items[list.count].chat_id = cc_arena_strdup(arena, list.items[list.count].chat_id);
        list.count++;
    }
    *out = list;
    return message_memory_leave(store, CC_OK);
}

static bool is_in_bucket(const struct erasure *erasure, int64_t number)
{
    return number >> BUCKET_BITS == erasure->bucket;
}

static void erase_message(struct cc_message *said)
{
    message_memory_strip_message(said);
    said->system_json = NULL;
    said->pinned = false;
}

static void erase_log(struct memory_store *store, const struct erasure *erasure)
{
    size_t at = 0;
    void *value;

    while (cc_hash_map_next(store->changes_by_op, &at, &value)) {
        struct change *change = value;
        if (strcmp(change->chat_id, erasure->chat_id) != 0 || !change_accepted(change) ||
            !is_in_bucket(erasure, change->rev))
            continue;
        erase_message(&change->message);
        if (change->op == CC_OP_REACT)
            change->reaction.emoji = "";
    }
}

static void note_erased(struct memory_store *store, const struct erasure *erasure)
{
    struct erasure *planned = cc_hash_map_get(store->erasures, erasure->chat_id);

    if (erasure->bucket == erasure->rev >> BUCKET_BITS) {
        message_memory_drop_receipts_of(store, erasure->chat_id);
        cc_hash_map_remove(store->erasures, erasure->chat_id);
    } else if (planned != NULL && planned->bucket <= erasure->bucket) {
        planned->bucket = erasure->bucket + 1;
    }
}

enum cc_code message_memory_erase(struct message_store *base, const struct erasure *erasure,
                                  const struct message_list *said, struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);
    struct stored_message *at = cc_hash_map_get(store->timelines, erasure->chat_id);

    (void)err;
    for (size_t i = 0; i < said->count; i++)
        message_memory_drop_reactions_to(store, said->items[i].message_id);
    erase_log(store, erasure);
    for (; at != NULL; at = at->next)
        if (is_in_bucket(erasure, at->message.seq))
            erase_message(&at->message);
    note_erased(store, erasure);
    return message_memory_leave(store, CC_OK);
}
