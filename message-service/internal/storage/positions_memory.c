/* Heads of chats and read positions of people, in memory. Any thread: under the store's lock. */

#include <string.h>

#include "storage/memory_private.h"

enum cc_code message_memory_load_head(struct message_store *base, struct chat_head *out,
                                      struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);
    struct chat_head *found = cc_hash_map_get(store->heads, out->chat_id);

    (void)err;
    if (found != NULL)
        chat_head_copy(out, found);
    return message_memory_leave(store, CC_OK);
}

static void save_head(struct memory_store *store, const struct chat_head *head)
{
    struct chat_head *there = cc_hash_map_get(store->heads, head->chat_id);

    if (there == NULL) {
        there = CC_ARENA_NEW(store->arena, struct chat_head);
        chat_head_init(there, head->chat_id);
        cc_hash_map_put(store->heads, there->chat_id, there);
    }
    if (there->rev < head->rev)
        chat_head_copy(there, head);
}

enum cc_code message_memory_save_heads(struct message_store *base, const struct chat_head *heads,
                                       size_t count, struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);

    (void)err;
    for (size_t i = 0; i < count; i++)
        save_head(store, &heads[i]);
    return message_memory_leave(store, CC_OK);
}

enum cc_code message_memory_get_receipt(struct message_store *base, const char *chat_id,
                                        const char *user_id, struct receipt *out,
                                        struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);
    struct receipt *found =
        cc_hash_map_get(store->receipts, message_memory_key(store, chat_id, user_id));

    (void)err;
    *out = (struct receipt){0};
    if (found != NULL)
        *out = *found;
    return message_memory_leave(store, CC_OK);
}

typedef bool (*receipt_choice)(const void *receipt, const char *id);

static enum cc_code list_receipts(struct message_store *base, receipt_choice is_chosen,
                                  const char *id, struct cc_arena *arena, struct receipt_list *out)
{
    struct memory_store *store = message_memory_enter(base);
    size_t at = 0, room = cc_hash_map_count(store->receipts);
    struct receipt_list list = {cc_arena_calloc(arena, room + 1, sizeof *list.items), 0};
    void *value;

    while (cc_hash_map_next(store->receipts, &at, &value))
        if (is_chosen(value, id))
            list.items[list.count++] = *(const struct receipt *)value;
    *out = list;
    return message_memory_leave(store, CC_OK);
}

static bool is_of_chat(const void *receipt, const char *chat_id)
{
    return strcmp(((const struct receipt *)receipt)->chat_id, chat_id) == 0;
}

enum cc_code message_memory_receipts_of(struct message_store *base, const char *chat_id,
                                        struct cc_arena *arena, struct receipt_list *out,
                                        struct cc_error *err)
{
    (void)err;
    return list_receipts(base, is_of_chat, chat_id, arena, out);
}

static bool reads(const void *receipt, const char *user_id)
{
    return strcmp(((const struct receipt *)receipt)->user_id, user_id) == 0;
}

enum cc_code message_memory_receipts_by(struct message_store *base, const char *user_id,
                                        struct cc_arena *arena, struct receipt_list *out,
                                        struct cc_error *err)
{
    (void)err;
    return list_receipts(base, reads, user_id, arena, out);
}

static void raise_receipt(struct memory_store *store, const struct receipt *receipt)
{
    const char *key = message_memory_key(store, receipt->chat_id, receipt->user_id);
    struct receipt *there = cc_hash_map_get(store->receipts, key);

    if (there == NULL) {
        there = CC_ARENA_NEW(store->arena, struct receipt);
        *there = *receipt;
        cc_hash_map_put(store->receipts, key, there);
        return;
    }
    message_memory_raise(&there->read_seq, receipt->read_seq);
    message_memory_raise(&there->delivered_seq, receipt->delivered_seq);
    message_memory_raise(&there->from_seq, receipt->from_seq);
    message_memory_raise(&there->cleared_seq, receipt->cleared_seq);
    message_memory_raise(&there->at_ms, receipt->at_ms);
}

enum cc_code message_memory_raise_receipts(struct message_store *base,
                                           const struct receipt *receipts, size_t count,
                                           struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);

    (void)err;
    for (size_t i = 0; i < count; i++)
        raise_receipt(store, &receipts[i]);
    return message_memory_leave(store, CC_OK);
}

static const char *receipt_key(struct memory_store *store, const void *value)
{
    const struct receipt *receipt = value;
    return message_memory_key(store, receipt->chat_id, receipt->user_id);
}

void message_memory_drop_receipts_of(struct memory_store *store, const char *chat_id)
{
    message_memory_drop_where(&store->receipts, store, is_of_chat, receipt_key, chat_id);
}

void message_memory_drop_receipts_by(struct memory_store *store, const char *user_id)
{
    message_memory_drop_where(&store->receipts, store, reads, receipt_key, user_id);
}
