/* The store in memory, for tests: as strict as the server about uniqueness, order and limits (one
 * contract suite runs against both). Any thread: one lock around everything. Keeps nothing. */

#include "common/alloc.h"
#include "storage/memory_private.h"

struct memory_store *message_memory_enter(struct message_store *base)
{
    struct memory_store *store = (struct memory_store *)base;
    pthread_mutex_lock(&store->lock);
    return store;
}

enum cc_code message_memory_leave(struct memory_store *store, enum cc_code code)
{
    pthread_mutex_unlock(&store->lock);
    return code;
}

const char *message_memory_key(struct memory_store *store, const char *chat_id, const char *rest)
{
    return cc_arena_printf(store->arena, "%s/%s", chat_id, rest);
}

const char *message_memory_rev_key(struct memory_store *store, const char *chat_id, int64_t rev)
{
    return cc_arena_printf(store->arena, "%s/%lld", chat_id, (long long)rev);
}

void message_memory_raise(int64_t *there, int64_t value)
{
    if (*there < value)
        *there = value;
}

/* Keeps the values of which `belongs` is not true. */
void message_memory_drop_where(struct cc_hash_map **map, struct memory_store *store,
                               bool (*belongs)(const void *value, const char *user_id),
                               const char *(*key)(struct memory_store *store, const void *value),
                               const char *user_id)
{
    struct cc_hash_map *kept = cc_hash_map_create();
    size_t at = 0;
    void *value;

    while (cc_hash_map_next(*map, &at, &value))
        if (!belongs(value, user_id))
            cc_hash_map_put(kept, key(store, value), value);
    cc_hash_map_destroy(*map);
    *map = kept;
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
    cc_hash_map_destroy(store->reactions);
    cc_hash_map_destroy(store->hidden);
    cc_hash_map_destroy(store->expiries);
    cc_hash_map_destroy(store->heads);
    cc_hash_map_destroy(store->receipts);
    cc_hash_map_destroy(store->erasures);
    cc_hash_map_destroy(store->plans);
    cc_hash_map_destroy(store->starts);
    cc_arena_destroy(store->arena);
    pthread_mutex_destroy(&store->lock);
    cc_free(store);
}

static const struct message_store_ops memory_ops = {
    .append_changes = message_memory_append_changes,
    .find_operation = message_memory_find_operation,
    .changes_after = message_memory_changes_after,
    .versions_of = message_memory_versions_of,
    .materialise = message_memory_materialise,
    .messages_by_seq = message_memory_messages_by_seq,
    .find_message = message_memory_find_message,
    .pinned_messages = message_memory_pinned_messages,
    .find_reaction = message_memory_find_reaction,
    .reactions_of = message_memory_reactions_of,
    .hide = message_memory_hide,
    .hidden_in = message_memory_hidden_in,
    .hidden_by = message_memory_hidden_by,
    .expired = message_memory_expired,
    .forget_expiry = message_memory_forget_expiry,
    .load_head = message_memory_load_head,
    .save_heads = message_memory_save_heads,
    .get_receipt = message_memory_get_receipt,
    .count_mentions = message_memory_count_mentions,
    .receipts_of = message_memory_receipts_of,
    .receipts_by = message_memory_receipts_by,
    .raise_receipts = message_memory_raise_receipts,
    .forget_person = message_memory_forget_person,
    .plan_erasure = message_memory_plan_erasure,
    .erasures = message_memory_erasures,
    .erase = message_memory_erase,
    .purge_log = message_memory_purge_log,
    .first_rev = message_memory_first_rev,
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
    store->reactions = cc_hash_map_create();
    store->hidden = cc_hash_map_create();
    store->expiries = cc_hash_map_create();
    store->heads = cc_hash_map_create();
    store->receipts = cc_hash_map_create();
    store->erasures = cc_hash_map_create();
    store->plans = cc_hash_map_create();
    store->starts = cc_hash_map_create();
    return &store->base;
}
