/* Looking targets up, once per batch. Runs on the message.created consumer's thread. Judges
 * nothing: domain/decide.c does. */

#include "targets.h"

#include <string.h>

#include "common/alloc.h"
#include "common/hash_map.h"

struct known_reaction {
    bool on;
};
struct targets {
    struct message_store *store;
    struct cc_arena *arena;
    struct cc_hash_map
        *messages; /* "<chat>/<message>" to struct cc_message, &absent: there is none */
    struct cc_hash_map *reactions; /* "<message>/<user>/<emoji>" to struct known_reaction */
};

static struct cc_message absent;

struct targets *targets_create(struct message_store *store, struct cc_arena *arena)
{
    struct targets *targets = cc_calloc(1, sizeof *targets);

    targets->store = store;
    targets->arena = arena;
    targets->messages = cc_hash_map_create();
    targets->reactions = cc_hash_map_create();
    return targets;
}

void targets_destroy(struct targets *targets)
{
    if (targets == NULL)
        return;
    cc_hash_map_destroy(targets->messages);
    cc_hash_map_destroy(targets->reactions);
    cc_free(targets);
}

void targets_forget(struct targets *targets)
{
    cc_hash_map_destroy(targets->messages);
    cc_hash_map_destroy(targets->reactions);
    targets->messages = cc_hash_map_create();
    targets->reactions = cc_hash_map_create();
}

/* By chat too: who names another chat's message must not make it absent for those of that chat. */
static const char *message_key(struct targets *targets, const char *chat_id, const char *message_id)
{
    return cc_arena_printf(targets->arena, "%s/%s", chat_id, message_id);
}

static enum cc_code find_message(struct targets *targets, const char *chat_id,
                                 const char *message_id, const struct cc_message **out,
                                 struct cc_error *err)
{
    struct message_store *store = targets->store;
    const char *key = message_key(targets, chat_id, message_id);
    struct cc_message *found = cc_hash_map_get(targets->messages, key);

    if (found == NULL) {
        CC_TRY(store->ops->find_message(store, chat_id, message_id, targets->arena, &found, err));
        found = found == NULL ? &absent : found;
        cc_hash_map_put(targets->messages, key, found);
    }
    *out = found;
    return CC_OK;
}

static const char *reaction_key(struct targets *targets, const char *message_id,
                                const struct cc_reaction *reaction)
{
    return cc_arena_printf(targets->arena, "%s/%s/%s", message_id, reaction->user_id,
                           reaction->emoji);
}

static void know_reaction(struct targets *targets, const char *key, bool on)
{
    struct known_reaction *known = CC_ARENA_NEW(targets->arena, struct known_reaction);

    known->on = on;
    cc_hash_map_put(targets->reactions, key, known);
}

static enum cc_code find_reaction(struct targets *targets, const char *message_id,
                                  const struct cc_reaction *wanted, bool *out, struct cc_error *err)
{
    struct message_store *store = targets->store;
    const char *key = reaction_key(targets, message_id, wanted);
    const struct known_reaction *known = cc_hash_map_get(targets->reactions, key);

    if (known != NULL) {
        *out = known->on;
        return CC_OK;
    }
    CC_TRY(store->ops->find_reaction(store, message_id, wanted->user_id, wanted->emoji, out, err));
    know_reaction(targets, key, *out);
    return CC_OK;
}

enum cc_code targets_find(struct targets *targets, const struct ev_message_created *ask,
                          struct decide_target *out, struct cc_error *err)
{
    const char *message_id = decide_target_id(ask);
    const struct cc_reaction wanted = {ask->sender_id, ask->emoji, ask->on};
    const struct cc_message *message;

    *out = (struct decide_target){0};
    if (message_id == NULL)
        return CC_OK;
    CC_TRY(find_message(targets, ask->chat_id, message_id, &message, err));
    bool elsewhere = message == &absent || strcmp(message->chat_id, ask->chat_id) != 0;
    if (elsewhere)
        return CC_OK;
    out->message = message;
    bool reacts = ask->op == CC_OP_REACT && !message->deleted && ask->emoji != NULL;
    if (!reacts || !cc_reaction_valid(ask->emoji))
        return CC_OK;
    return find_reaction(targets, message_id, &wanted, &out->reacted, err);
}

void targets_note(struct targets *targets, const struct change *decided)
{
    const struct cc_reaction *reaction = &decided->reaction;
    struct cc_message *message = CC_ARENA_NEW(targets->arena, struct cc_message);

    *message = decided->message; /* `decided` is written over when the batch is decided again */
    if (message->seq > 0)
        cc_hash_map_put(targets->messages,
                        message_key(targets, message->chat_id, message->message_id), message);
    if (reaction->user_id != NULL)
        know_reaction(targets, reaction_key(targets, message->message_id, reaction), reaction->on);
}
