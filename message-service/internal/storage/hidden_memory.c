/* Messages that somebody deleted for themselves, in memory. Any thread: under the store's lock. */

#include <stdlib.h>
#include <string.h>

#include "storage/memory_private.h"

enum cc_code message_memory_hide(struct message_store *base, const struct hidden *hidden,
                                 struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);
    struct hidden *copy = CC_ARENA_NEW(store->arena, struct hidden);

    (void)err;
    copy->user_id = cc_arena_strdup(store->arena, hidden->user_id);
    copy->chat_id = cc_arena_strdup(store->arena, hidden->chat_id);
    copy->message_id = cc_arena_strdup(store->arena, hidden->message_id);
    copy->seq = hidden->seq;
    cc_hash_map_put(store->hidden, message_memory_key(store, copy->user_id, copy->message_id),
                    copy);
    return message_memory_leave(store, CC_OK);
}

static int by_value(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

enum cc_code message_memory_hidden_in(struct message_store *base, const struct person_range *range,
                                      struct cc_arena *arena, struct seq_list *out,
                                      struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);
    size_t at = 0, room = cc_hash_map_count(store->hidden);
    struct seq_list list = {cc_arena_calloc(arena, room + 1, sizeof *list.items), 0};
    void *value;

    (void)err;
    while (cc_hash_map_next(store->hidden, &at, &value)) {
        const struct hidden *hidden = value;
        bool inside = hidden->seq >= range->from_seq && hidden->seq <= range->to_seq;
        if (inside && strcmp(hidden->user_id, range->user_id) == 0 &&
            strcmp(hidden->chat_id, range->chat_id) == 0)
            list.items[list.count++] = hidden->seq;
    }
    qsort(list.items, list.count, sizeof *list.items, by_value);
    *out = list;
    return message_memory_leave(store, CC_OK);
}

enum cc_code message_memory_hidden_by(struct message_store *base, const char *user_id, size_t limit,
                                      struct cc_arena *arena, struct hidden_list *out,
                                      struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);
    size_t at = 0;
    void *value;

    (void)err;
    *out = (struct hidden_list){.items = cc_arena_calloc(arena, limit + 1, sizeof *out->items)};
    while (out->count < limit && cc_hash_map_next(store->hidden, &at, &value)) {
        const struct hidden *hidden = value;
        if (strcmp(hidden->user_id, user_id) == 0)
            out->items[out->count++] = (struct hidden){
                .chat_id = cc_arena_strdup(arena, hidden->chat_id), .seq = hidden->seq};
    }
    out->more = out->count == limit;
    return message_memory_leave(store, CC_OK);
}

static bool hides(const void *hidden, const char *user_id)
{
    return strcmp(((const struct hidden *)hidden)->user_id, user_id) == 0;
}

static const char *hidden_key(struct memory_store *store, const void *value)
{
    const struct hidden *hidden = value;
    return message_memory_key(store, hidden->user_id, hidden->message_id);
}

void message_memory_drop_hidden_by(struct memory_store *store, const char *user_id)
{
    message_memory_drop_where(&store->hidden, store, hides, hidden_key, user_id);
}
