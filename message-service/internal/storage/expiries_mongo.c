/* Collection `expiries`: which messages are to be deleted when. Any thread. The owner inserts rows,
 * a sweep (slots_mongo.c) deletes them; nobody updates one. */

#include "common/clock.h"
#include "storage/mongo_private.h"

#define SWEEP_ID "expiries"

static bool is_to_expire(const struct change *change)
{
    return change_adds_message(change) && change->message.expires_at_ms != 0;
}

static void fill_row(bson_t *row, const struct cc_message *message, int64_t now_ms)
{
    BSON_APPEND_UTF8(row, "_id", message->message_id);
    BSON_APPEND_UTF8(row, "chat_id", message->chat_id);
    mongo_slot_write(row, message->expires_at_ms, now_ms);
}

enum cc_code message_mongo_put_expiries(struct message_store *store,
                                        const struct change *const *changes, size_t count,
                                        struct cc_error *err)
{
    int64_t now_ms = cc_wall_ms(cc_clock_system());
    size_t found = 0, filled = 0;

    for (size_t i = 0; i < count; i++)
        found += is_to_expire(changes[i]) ? 1 : 0;
    if (found == 0)
        return CC_OK;
    struct mongo_rows rows MONGO_ROWS = mongo_rows_create(found);
    for (size_t i = 0; i < count; i++)
        if (is_to_expire(changes[i]))
            fill_row(&rows.rows[filled++], &changes[i]->message, now_ms);
    return message_mongo_insert_missing(store, EXPIRIES_COLLECTION, &rows, err);
}

struct due_rows {
    struct cc_arena *arena;
    struct expiry_list list;
};

static void take(const bson_t *row, void *arg)
{
    struct due_rows *rows = arg;

    rows->list.items[rows->list.count++] = (struct expiry){
        .message_id = cc_arena_strdup(rows->arena, cc_bson_text(row, "_id")),
        .chat_id = cc_arena_strdup(rows->arena, cc_bson_text(row, "chat_id")),
    };
}

enum cc_code message_mongo_expired(struct message_store *store, int64_t now_ms, size_t limit,
                                   struct cc_arena *arena, struct expiry_list *out,
                                   struct cc_error *err)
{
    struct due_rows rows = {.arena = arena};
    const struct mongo_due due = {.collection = EXPIRIES_COLLECTION,
                                  .sweep_id = SWEEP_ID,
                                  .now_ms = now_ms,
                                  .limit = limit,
                                  .take = take,
                                  .arg = &rows};

    rows.list.items = cc_arena_calloc(arena, limit + 1, sizeof *rows.list.items);
    CC_TRY(message_mongo_visit_due(store, &due, err));
    *out = rows.list;
    return CC_OK;
}

enum cc_code message_mongo_forget_expiry(struct message_store *store, const char *message_id,
                                         struct cc_error *err)
{
    return message_mongo_delete(store, EXPIRIES_COLLECTION, "_id", message_id, err);
}
