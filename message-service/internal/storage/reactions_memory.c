/* Who reacted to what, with which emoji, in memory. Any thread: under the store's lock. */

#include <string.h>

#include "storage/memory_private.h"

static const char *key_of(struct memory_store *store, const char *message_id, const char *user_id,
                          const char *emoji)
{
    return cc_arena_printf(store->arena, "%s/%s/%s", message_id, user_id, emoji);
}

static const char *reaction_key(struct memory_store *store, const void *value)
{
    const struct change *change = value;
    return key_of(store, change->message.message_id, change->reaction.user_id,
                  change->reaction.emoji);
}

void message_memory_put_reaction(struct memory_store *store, const struct change *change)
{
    const char *key = reaction_key(store, change);
    const struct change *there = cc_hash_map_get(store->reactions, key);

    if (there == NULL || there->rev < change->rev)
        cc_hash_map_put(store->reactions, key, change_copy(store->arena, change));
}

enum cc_code message_memory_find_reaction(struct message_store *base, const char *message_id,
                                          const char *user_id, const char *emoji, bool *out,
                                          struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);
    const struct change *found =
        cc_hash_map_get(store->reactions, key_of(store, message_id, user_id, emoji));

    (void)err;
    *out = found != NULL && found->reaction.on;
    return message_memory_leave(store, CC_OK);
}

static bool is_own_reaction(const struct change *change, const struct person_range *range)
{
    const struct cc_message *message = &change->message;
    return change->reaction.on && strcmp(change->reaction.user_id, range->user_id) == 0 &&
           strcmp(message->chat_id, range->chat_id) == 0 && message->seq >= range->from_seq &&
           message->seq <= range->to_seq;
}

enum cc_code message_memory_reactions_of(struct message_store *base,
                                         const struct person_range *range, struct cc_arena *arena,
                                         struct reaction_list *out, struct cc_error *err)
{
    struct memory_store *store = message_memory_enter(base);
    size_t at = 0, room = cc_hash_map_count(store->reactions);
    struct reaction_list list = {cc_arena_calloc(arena, room + 1, sizeof *list.items), 0};
    void *value;

    (void)err;
    while (cc_hash_map_next(store->reactions, &at, &value)) {
        const struct change *change = value;
        if (is_own_reaction(change, range))
            list.items[list.count++] = (struct own_reaction){
                .message_id = cc_arena_strdup(arena, change->message.message_id),
                .emoji = cc_arena_strdup(arena, change->reaction.emoji),
            };
    }
    *out = list;
    return message_memory_leave(store, CC_OK);
}

static bool reacts(const void *change, const char *user_id)
{
    return strcmp(((const struct change *)change)->reaction.user_id, user_id) == 0;
}

void message_memory_drop_reactions_by(struct memory_store *store, const char *user_id)
{
    message_memory_drop_where(&store->reactions, store, reacts, reaction_key, user_id);
}

static bool reacts_to(const void *change, const char *message_id)
{
    return strcmp(((const struct change *)change)->message.message_id, message_id) == 0;
}

void message_memory_drop_reactions_to(struct memory_store *store, const char *message_id)
{
    message_memory_drop_where(&store->reactions, store, reacts_to, reaction_key, message_id);
}
