/* The store in memory, for tests: as strict as the server about uniqueness, order and limits (one
 * contract suite runs against both). Any thread: one lock around everything. Keeps nothing. */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/hash_map.h"
#include "storage/message_store.h"

struct stored_message {
    struct cc_message message;
    struct stored_message *next; /* in its chat */
};
struct memory_store {
    struct message_store base;
    pthread_mutex_t lock;
    struct cc_arena *arena;             /* keys and values, but for the lists of heads */
    struct cc_hash_map *changes_by_rev; /* chat/rev */
    struct cc_hash_map *changes_by_op;  /* chat/op */
    struct cc_hash_map *messages;       /* message_id */
    struct cc_hash_map *timelines;      /* chat: list of its messages */
    struct cc_hash_map *heads, *receipts;
};

static struct memory_store *enter(struct message_store *base)
{
    struct memory_store *store = (struct memory_store *)base;
    pthread_mutex_lock(&store->lock);
    return store;
}

static enum cc_code leave(struct memory_store *store, enum cc_code code)
{
    pthread_mutex_unlock(&store->lock);
    return code;
}

static const char *key_of(struct memory_store *store, const char *chat_id, const char *rest)
{
    return cc_arena_printf(store->arena, "%s/%s", chat_id, rest);
}

static const char *rev_key(struct memory_store *store, const char *chat_id, int64_t rev)
{
    return cc_arena_printf(store->arena, "%s/%lld", chat_id, (long long)rev);
}

static bool is_taken(struct memory_store *store, const struct change *change)
{
    if (cc_hash_map_get(store->changes_by_op, key_of(store, change->chat_id, change->op_id)))
        return true;
    return change_accepted(change) &&
           cc_hash_map_get(store->changes_by_rev, rev_key(store, change->chat_id, change->rev));
}

static void put_change(struct memory_store *store, const struct change *change)
{
    struct change *copy = change_copy(store->arena, change);

    cc_hash_map_put(store->changes_by_op, key_of(store, copy->chat_id, copy->op_id), copy);
    if (change_accepted(copy))
        cc_hash_map_put(store->changes_by_rev, rev_key(store, copy->chat_id, copy->rev), copy);
}

static enum cc_code append_changes(struct message_store *base, const struct change *const *changes,
                                   size_t count, size_t *out_stored, struct cc_error *err)
{
    struct memory_store *store = enter(base);
    size_t stored = 0;

    while (stored < count && !is_taken(store, changes[stored]))
        put_change(store, changes[stored++]);
    *out_stored = stored;
    leave(store, CC_OK);
    return stored == count ? CC_OK : cc_fail_detail(err, CC_CONFLICT, "row %zu is taken", stored);
}

static enum cc_code find_operation(struct message_store *base, const char *chat_id,
                                   const char *op_id, struct cc_arena *arena, struct change **out,
                                   struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct change *found = cc_hash_map_get(store->changes_by_op, key_of(store, chat_id, op_id));

    (void)err;
    *out = found == NULL ? NULL : change_copy(arena, found);
    return leave(store, CC_OK);
}

static enum cc_code changes_after(struct message_store *base, const char *chat_id,
                                  int64_t after_rev, size_t limit, struct cc_arena *arena,
                                  struct change_list *out, struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct change_list list = {cc_arena_calloc(arena, limit, sizeof *list.items), 0};

    (void)err;
    while (list.count < limit) {
        int64_t rev = after_rev + (int64_t)list.count + 1;
        struct change *found = cc_hash_map_get(store->changes_by_rev, rev_key(store, chat_id, rev));
        if (found == NULL)
            break;
        list.items[list.count++] = change_copy(arena, found);
    }
    *out = list;
    return leave(store, CC_OK);
}

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
}

static enum cc_code materialise(struct message_store *base, const struct change *const *changes,
                                size_t count, struct cc_error *err)
{
    struct memory_store *store = enter(base);

    (void)err;
    for (size_t i = 0; i < count; i++)
        materialise_one(store, changes[i]);
    return leave(store, CC_OK);
}

static int by_seq(const void *a, const void *b)
{
    const struct cc_message *left = a, *right = b;
    return (left->seq > right->seq) - (left->seq < right->seq);
}

static enum cc_code messages_by_seq(struct message_store *base, const char *chat_id,
                                    int64_t from_seq, int64_t to_seq, struct cc_arena *arena,
                                    struct message_list *out, struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct message_list list = {cc_arena_calloc(arena, MESSAGE_READ_RANGE_MAX, sizeof *list.items),
                                0};
    struct stored_message *at = cc_hash_map_get(store->timelines, chat_id);

    (void)err;
    for (; at != NULL && list.count < MESSAGE_READ_RANGE_MAX; at = at->next)
        if (at->message.seq >= from_seq && at->message.seq <= to_seq)
            list.items[list.count++] = message_copy(arena, &at->message);
    qsort(list.items, list.count, sizeof *list.items, by_seq);
    *out = list;
    return leave(store, CC_OK);
}

static enum cc_code load_head(struct message_store *base, struct chat_head *out,
                              struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct chat_head *found = cc_hash_map_get(store->heads, out->chat_id);

    (void)err;
    if (found != NULL)
        chat_head_copy(out, found);
    return leave(store, CC_OK);
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

static enum cc_code save_heads(struct message_store *base, const struct chat_head *heads,
                               size_t count, struct cc_error *err)
{
    struct memory_store *store = enter(base);

    (void)err;
    for (size_t i = 0; i < count; i++)
        save_head(store, &heads[i]);
    return leave(store, CC_OK);
}

static enum cc_code get_receipt(struct message_store *base, const char *chat_id,
                                const char *user_id, struct receipt *out, struct cc_error *err)
{
    struct memory_store *store = enter(base);
    struct receipt *found = cc_hash_map_get(store->receipts, key_of(store, chat_id, user_id));

    (void)err;
    *out = found == NULL ? (struct receipt){0} : *found;
    return leave(store, CC_OK);
}

static void raise_to(int64_t *there, int64_t value)
{
    if (*there < value)
        *there = value;
}

static void raise_receipt(struct memory_store *store, const struct receipt *receipt)
{
    const char *key = key_of(store, receipt->chat_id, receipt->user_id);
    struct receipt *there = cc_hash_map_get(store->receipts, key);

    if (there == NULL) {
        there = CC_ARENA_NEW(store->arena, struct receipt);
        *there = *receipt;
        cc_hash_map_put(store->receipts, key, there);
        return;
    }
    raise_to(&there->read_seq, receipt->read_seq);
    raise_to(&there->delivered_seq, receipt->delivered_seq);
    raise_to(&there->from_seq, receipt->from_seq);
    raise_to(&there->at_ms, receipt->at_ms);
}

static enum cc_code raise_receipts(struct message_store *base, const struct receipt *receipts,
                                   size_t count, struct cc_error *err)
{
    struct memory_store *store = enter(base);

    (void)err;
    for (size_t i = 0; i < count; i++)
        raise_receipt(store, &receipts[i]);
    return leave(store, CC_OK);
}

static void destroy(struct message_store *base)
{
    struct memory_store *store = (struct memory_store *)base;
    void *head;
    size_t at = 0;

    while (cc_hash_map_next(store->heads, &at, &head))
        chat_head_finish(head);
    cc_hash_map_destroy(store->changes_by_rev);
    cc_hash_map_destroy(store->changes_by_op);
    cc_hash_map_destroy(store->messages);
    cc_hash_map_destroy(store->timelines);
    cc_hash_map_destroy(store->heads);
    cc_hash_map_destroy(store->receipts);
    cc_arena_destroy(store->arena);
    pthread_mutex_destroy(&store->lock);
    cc_free(store);
}

static const struct message_store_ops memory_ops = {
    .append_changes = append_changes,
    .find_operation = find_operation,
    .changes_after = changes_after,
    .materialise = materialise,
    .messages_by_seq = messages_by_seq,
    .load_head = load_head,
    .save_heads = save_heads,
    .get_receipt = get_receipt,
    .raise_receipts = raise_receipts,
    .destroy = destroy,
};

struct message_store *message_store_memory_create(void)
{
    struct memory_store *store = cc_calloc(1, sizeof *store);

    store->base.ops = &memory_ops;
    pthread_mutex_init(&store->lock, NULL);
    store->arena = cc_arena_create(0);
    store->changes_by_rev = cc_hash_map_create();
    store->changes_by_op = cc_hash_map_create();
    store->messages = cc_hash_map_create();
    store->timelines = cc_hash_map_create();
    store->heads = cc_hash_map_create();
    store->receipts = cc_hash_map_create();
    return &store->base;
}
