/* Expiry. Runs on the sweeper's thread alone. Judges nothing: the owner of the chat does, by
 * domain/decide.c, and finds a deletion that was asked for twice by its op_id. */

#include "sweeper.h"

#include <string.h>

#include "common/alloc.h"

#define CLIENT_MSG_ID_FORMAT "expiry/%s"
#define ASK_AGAIN_MS         60000 /* the pipeline may be behind */
#define ASKED_MAX            20000

struct asked {
    char message_id[CC_UUID_BYTES];
    int64_t at_mono_ms;
};

void sweeper_init(struct sweeper *sweeper)
{
    sweeper->asked = cc_hash_map_create();
}

static void forget_asked(struct sweeper *sweeper)
{
    size_t at = 0;
    void *value;

    while (cc_hash_map_next(sweeper->asked, &at, &value))
        cc_free(value);
    cc_hash_map_destroy(sweeper->asked);
    sweeper->asked = cc_hash_map_create();
}

void sweeper_finish(struct sweeper *sweeper)
{
    forget_asked(sweeper);
    cc_hash_map_destroy(sweeper->asked);
}

static bool was_asked_lately(const struct sweeper *sweeper, const char *message_id)
{
    const struct asked *asked = cc_hash_map_get(sweeper->asked, message_id);
    return asked != NULL && cc_mono_ms(sweeper->clock) - asked->at_mono_ms < ASK_AGAIN_MS;
}

static void remember(struct sweeper *sweeper, const char *message_id)
{
    struct asked *asked = cc_hash_map_get(sweeper->asked, message_id);

    if (asked == NULL) {
        if (cc_hash_map_count(sweeper->asked) >= ASKED_MAX)
            forget_asked(sweeper); /* coarse, bounded, and rare */
        asked = cc_calloc(1, sizeof *asked);
        memcpy(asked->message_id, message_id, strnlen(message_id, CC_UUID_BYTES - 1));
        cc_hash_map_put(sweeper->asked, asked->message_id, asked);
    }
    asked->at_mono_ms = cc_mono_ms(sweeper->clock);
}

static void forget_one(struct sweeper *sweeper, const char *message_id)
{
    cc_free(cc_hash_map_remove(sweeper->asked, message_id));
}

static void write_deletion(struct sweeper *sweeper, const struct expiry *expiry,
                           struct cc_arena *arena, struct ev_message_created *out)
{
    char *op_id = cc_arena_alloc(arena, CC_UUID_BYTES), *hash = cc_arena_alloc(arena, 65);

    *out = (struct ev_message_created){
        .op = CC_OP_DELETE,
        .client_msg_id = cc_arena_printf(arena, CLIENT_MSG_ID_FORMAT, expiry->message_id),
        .chat_id = expiry->chat_id,
        .sender_id = CC_SYSTEM_SENDER,
        .device_id = "",
        .origin = {"", "", ""},
        .type = "",
        .body = "",
        .emoji = "",
        .target_message_id = expiry->message_id,
        .received_at_ms = cc_wall_ms(sweeper->clock),
    };
    cc_op_id(out->sender_id, out->chat_id, out->client_msg_id, op_id);
    cc_request_hash(out, hash);
    out->op_id = op_id;
    out->request_hash = hash;
}

/* Asks for a deletion, unless there is nothing left to delete. */
static enum cc_code look_at(struct sweeper *sweeper, const struct expiry *expiry,
                            struct cc_arena *arena, struct ev_message_created *list, size_t *count,
                            struct cc_error *err)
{
    struct message_store *store = sweeper->store;
    struct cc_message *message;

    CC_TRY(
        store->ops->find_message(store, expiry->chat_id, expiry->message_id, arena, &message, err));
    if (message == NULL || message->deleted) {
        forget_one(sweeper, expiry->message_id);
        return store->ops->forget_expiry(store, expiry->message_id, err);
    }
    if (!was_asked_lately(sweeper, expiry->message_id))
        write_deletion(sweeper, expiry, arena, &list[(*count)++]);
    return CC_OK;
}

enum cc_code sweeper_sweep(struct sweeper *sweeper, size_t *out_count, struct cc_error *err)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct message_store *store = sweeper->store;
    struct ev_message_created *list = cc_arena_calloc(arena, SWEEP_MAX, sizeof *list);
    struct expiry_list due;
    size_t count = 0;

    *out_count = 0;
    CC_TRY(store->ops->expired(store, cc_wall_ms(sweeper->clock), SWEEP_MAX, arena, &due, err));
    for (size_t i = 0; i < due.count; i++)
        CC_TRY(look_at(sweeper, &due.items[i], arena, list, &count, err));
    if (count == 0)
        return CC_OK;
    CC_TRY(sweeper->produce(sweeper->arg, list, count, arena, err));
    for (size_t i = 0; i < count; i++)
        remember(sweeper, list[i].target_message_id);
    *out_count = count;
    return CC_OK;
}
