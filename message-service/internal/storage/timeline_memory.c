/* The messages of a chat, in memory. Any thread: under the store's lock. */

#include <stdlib.h>
#include <string.h>

#include "storage/memory_private.h"

static void add_message(struct memory_store *store, const struct cc_message *message)
{
    struct stored_message *stored = CC_ARENA_NEW(store->arena, struct stored_message);

    stored->message = message_copy(store->arena, message);
    stored->next = cc_hash_map_get(store->timelines, stored->message.chat_id);
    cc_hash_map_put(store->timelines, stored->message.chat_id, stored);
    cc_hash_map_put(store->messages, stored->message.message_id, stored);
}

static void materialise_one(struct memory_store *store, const struct change *change)
{
    struct stored_message *there = cc_hash_map_get(store->messages, change->message.message_id);

    if (there == NULL && change_adds_message(change))
        add_message(store, &change->message);
    else if (there != NULL && there->message.rev < change->rev)
        there->message = message_copy(store->arena, &change->message);
    message_memory_plan_bucket(store, change);
    if (change_adds_message(change) && change->message.expires_at_ms != 0)
        message_memory_list_expiry(store, &change->message);
    if (change->op == CC_OP_REACT)
        message_memory_put_reaction(store, change);
    if (change->op == CC_OP_DELETE)
        message_memory_strip(store, change);
}

enum cc_code message_memory_materialise(struct message_store *base,
                                        const struct change *const *changes, size_t count,
                                        struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);

    (void)err;
    for (size_t i = 0; i < count; i++)
        materialise_one(store, changes[i]);
    return message_memory_leave(store, CC_OK);
}

static int by_seq(const void *a, const void *b)
{
    const struct cc_message *left = a, *right = b;
    return (left->seq > right->seq) - (left->seq < right->seq);
}

static int by_seq_descending(const void *a, const void *b)
{
    return by_seq(b, a);
}

enum cc_code message_memory_messages_by_seq(struct message_store *base, const char *chat_id,
                                            int64_t from_seq, int64_t to_seq,
                                            struct cc_arena *arena, struct message_list *out,
                                            struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);
    struct message_list list = {cc_arena_calloc(arena, MESSAGE_READ_RANGE_MAX, sizeof *list.items),
                                0};
    struct stored_message *at = cc_hash_map_get(store->timelines, chat_id);

    (void)err;
    for (; at != NULL && list.count < MESSAGE_READ_RANGE_MAX; at = at->next)
        if (at->message.seq >= from_seq && at->message.seq <= to_seq)
            list.items[list.count++] = message_copy(arena, &at->message);
    qsort(list.items, list.count, sizeof *list.items, by_seq);
    *out = list;
    return message_memory_leave(store, CC_OK);
}

enum cc_code message_memory_find_message(struct message_store *base, const char *chat_id,
                                         const char *message_id, struct cc_arena *arena,
                                         struct cc_message **out, struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);
    const struct stored_message *found = cc_hash_map_get(store->messages, message_id);

    (void)err;
    *out = NULL;
    if (found != NULL && (chat_id == NULL || strcmp(found->message.chat_id, chat_id) == 0)) {
        *out = CC_ARENA_NEW(arena, struct cc_message);
        **out = message_copy(arena, &found->message);
    }
    return message_memory_leave(store, CC_OK);
}

enum cc_code message_memory_pinned_messages(struct message_store *base, const char *chat_id,
                                            struct cc_arena *arena, struct message_list *out,
                                            struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);
    struct message_list list = {cc_arena_calloc(arena, MESSAGE_READ_RANGE_MAX, sizeof *list.items),
                                0};
    struct stored_message *at = cc_hash_map_get(store->timelines, chat_id);

    (void)err;
    for (; at != NULL && list.count < MESSAGE_READ_RANGE_MAX; at = at->next)
        if (at->message.pinned)
            list.items[list.count++] = message_copy(arena, &at->message);
    qsort(list.items, list.count, sizeof *list.items, by_seq_descending);
    *out = list;
    return message_memory_leave(store, CC_OK);
}
