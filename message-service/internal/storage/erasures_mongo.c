/* Collection `erasures`: deleted chats whose content is still to be taken out, and how far that has
 * come. Any thread. Several processes may work at one chat at once: of two notes one may be lost,
 * which costs doing the same again. */

#include "common/clock.h"
#include "storage/mongo_private.h"

#define SWEEP_ID "erasures"

enum cc_code message_mongo_plan_erasure(struct message_store *store, const char *chat_id,
                                        int64_t rev, struct cc_error *err)
{
    struct mongo_rows rows MONGO_ROWS = mongo_rows_create(1);
    int64_t now_ms = cc_wall_ms(cc_clock_system());

    BSON_APPEND_UTF8(&rows.rows[0], "_id", chat_id);
    BSON_APPEND_INT64(&rows.rows[0], "rev", rev);
    BSON_APPEND_INT64(&rows.rows[0], "bucket", 0);
    mongo_slot_write(&rows.rows[0], now_ms, now_ms);
    return message_mongo_insert_missing(store, ERASURES_COLLECTION, &rows, err);
}

struct due_rows {
    struct cc_arena *arena;
    struct erasure_list list;
};

static void take(const bson_t *row, void *arg)
{
    struct due_rows *rows = arg;

    rows->list.items[rows->list.count++] = (struct erasure){
        .chat_id = cc_arena_strdup(rows->arena, cc_bson_text(row, "_id")),
        .rev = cc_bson_int(row, "rev", 0),
        .bucket = cc_bson_int(row, "bucket", 0),
    };
}

enum cc_code message_mongo_erasures(struct message_store *store, size_t limit,
                                    struct cc_arena *arena, struct erasure_list *out,
                                    struct cc_error *err)
{
    struct due_rows rows = {.arena = arena};
    const struct mongo_due due = {.collection = ERASURES_COLLECTION,
                                  .sweep_id = SWEEP_ID,
                                  .now_ms = cc_wall_ms(cc_clock_system()),
                                  .limit = limit,
                                  .take = take,
                                  .arg = &rows};

    rows.list.items = cc_arena_calloc(arena, limit + 1, sizeof *rows.list.items);
    CC_TRY(message_mongo_visit_due(store, &due, err));
    *out = rows.list;
    return CC_OK;
}

static enum cc_code update_rows(struct message_store *store, const char *collection,
                                const bson_t *filter, const bson_t *update, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = message_mongo_borrow(store, collection);
    bson_error_t fault;
    bool done = mongoc_collection_update_many(loan.collection, filter, update, NULL, NULL, &fault);

    return done ? CC_OK : cc_mongo_fail(&fault, err);
}

/* What hangs on messages, by those that have it. */
static enum cc_code forget_what_hangs_on(struct message_store *store,
                                         const struct message_list *said, struct cc_error *err)
{
    for (size_t i = 0; i < said->count; i++) {
        const struct cc_message *message = &said->items[i];
        bool mentions = message->mention_all || message->mention_count > 0 || message->version > 1;

        if (mentions)
            CC_TRY(message_mongo_delete(store, MENTIONS_COLLECTION, "message_id",
                                        message->message_id, err));
        if (message->reactions_json != NULL)
            CC_TRY(message_mongo_delete(store, REACTIONS_COLLECTION, "message_id",
                                        message->message_id, err));
    }
    return CC_OK;
}

static enum cc_code note_done(struct message_store *store, const struct erasure *erasure,
                              struct cc_error *err)
{
    int64_t next = erasure->bucket + 1;
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(erasure->chat_id));
    CC_AUTO(bson) bson_t *update = BCON_NEW("$max", "{", "bucket", BCON_INT64(next), "}");

    if (next <= erasure->rev >> BUCKET_BITS)
        return update_rows(store, ERASURES_COLLECTION, filter, update, err);
    CC_TRY(message_mongo_delete(store, RECEIPTS_COLLECTION, "chat_id", erasure->chat_id, err));
    return message_mongo_delete(store, ERASURES_COLLECTION, "_id", erasure->chat_id, err);
}

/* The log first: whoever takes it over meanwhile makes no message from it that says anything. */
enum cc_code message_mongo_erase(struct message_store *store, const struct erasure *erasure,
                                 const struct message_list *said, struct cc_error *err)
{
    char bucket[MESSAGE_ROW_ID_BYTES];
    CC_AUTO(bson) bson_t *update = bson_new();

    message_row_erase(update);
    message_row_id(erasure->chat_id, erasure->bucket, bucket);
    CC_AUTO(bson)
    bson_t *filter = BCON_NEW("bucket", BCON_UTF8(bucket), "chat_id", BCON_UTF8(erasure->chat_id));
    CC_TRY(forget_what_hangs_on(store, said, err));
    CC_TRY(update_rows(store, CHANGES_COLLECTION, filter, update, err));
    CC_TRY(update_rows(store, MESSAGES_COLLECTION, filter, update, err));
    return note_done(store, erasure, err);
}
