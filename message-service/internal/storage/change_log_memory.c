/* The log of changes, in memory. Any thread: under the store's lock. */

#include <stdlib.h>
#include <string.h>

#include "storage/memory_private.h"

static bool is_taken(struct memory_store *store, const struct change *change)
{
    if (cc_hash_map_get(store->changes_by_op,
                        message_memory_key(store, change->chat_id, change->op_id)))
        return true;
    return change_accepted(change) &&
           cc_hash_map_get(store->changes_by_rev,
                           message_memory_rev_key(store, change->chat_id, change->rev));
}

static void put_change(struct memory_store *store, const struct change *change)
{
    struct change *copy = change_copy(store->arena, change);

    if (!change_accepted(change))
        message_memory_plan_refusal(store, change);
    cc_hash_map_put(store->changes_by_op, message_memory_key(store, copy->chat_id, copy->op_id),
                    copy);
    if (change_accepted(copy))
        cc_hash_map_put(store->changes_by_rev,
                        message_memory_rev_key(store, copy->chat_id, copy->rev), copy);
}

enum cc_code message_memory_append_changes(struct message_store *base,
                                           const struct change *const *changes, size_t count,
                                           size_t *out_stored, struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);
    size_t stored = 0;

    while (stored < count && !is_taken(store, changes[stored]))
        put_change(store, changes[stored++]);
    *out_stored = stored;
    message_memory_leave(store, CC_OK);
    return stored == count ? CC_OK : cc_fail_detail(err, CC_CONFLICT, "row %zu is taken", stored);
}

enum cc_code message_memory_find_operation(struct message_store *base, const char *chat_id,
                                           const char *op_id, struct cc_arena *arena,
                                           struct change **out, struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);
    struct change *found =
        cc_hash_map_get(store->changes_by_op, message_memory_key(store, chat_id, op_id));

    (void)err;
    *out = found == NULL ? NULL : change_copy(arena, found);
    return message_memory_leave(store, CC_OK);
}

enum cc_code message_memory_changes_after(struct message_store *base, const char *chat_id,
                                          int64_t after_rev, size_t limit, struct cc_arena *arena,
                                          struct change_list *out, struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);
    struct change_list list = {cc_arena_calloc(arena, limit, sizeof *list.items), 0};

    (void)err;
    while (list.count < limit) {
        int64_t rev = after_rev + (int64_t)list.count + 1;
        struct change *found =
            cc_hash_map_get(store->changes_by_rev, message_memory_rev_key(store, chat_id, rev));
        if (found == NULL)
            break;
        list.items[list.count++] = change_copy(arena, found);
    }
    *out = list;
    return message_memory_leave(store, CC_OK);
}

static int by_rev(const void *a, const void *b)
{
    const struct change *left = *(struct change *const *)a, *right = *(struct change *const *)b;
    return (left->rev > right->rev) - (left->rev < right->rev);
}

enum cc_code message_memory_versions_of(struct message_store *base, const char *chat_id,
                                        const char *message_id, struct cc_arena *arena,
                                        struct change_list *out, struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);
    size_t at = 0, room = cc_hash_map_count(store->changes_by_op);
    struct change_list list = {cc_arena_calloc(arena, room + 1, sizeof *list.items), 0};
    void *value;

    (void)err;
    while (cc_hash_map_next(store->changes_by_op, &at, &value)) {
        const struct change *change = value;
        if (change_accepted(change) && change_makes_version(change) &&
            strcmp(change->chat_id, chat_id) == 0 &&
            strcmp(change->message.message_id, message_id) == 0)
            list.items[list.count++] = change_copy(arena, change);
    }
    qsort(list.items, list.count, sizeof list.items[0], by_rev);
    if (list.count > MESSAGE_VERSIONS_MAX) {
        list.items += list.count - MESSAGE_VERSIONS_MAX;
        list.count = MESSAGE_VERSIONS_MAX;
    }
    *out = list;
    return message_memory_leave(store, CC_OK);
}

/* Leaves of what the message said only that it was there. */
void message_memory_strip_message(struct cc_message *said)
{
    said->deleted = true;
    said->body = "";
    said->attachments_json = said->reply_to = said->reactions_json = NULL;
    said->mention_count = 0;
    said->mention_all = false;
}

void message_memory_strip(struct memory_store *store, const struct change *deletion)
{
    size_t at = 0;
    void *value;

    while (cc_hash_map_next(store->changes_by_op, &at, &value)) {
        struct change *change = value;
        struct cc_message *said = &change->message;
        if (!change_accepted(change) || change->rev >= deletion->rev ||
            strcmp(said->message_id, deletion->message.message_id) != 0)
            continue;
        message_memory_strip_message(said);
    }
}
