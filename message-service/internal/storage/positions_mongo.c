/* Collections `chat_heads` and `receipts`: where logs and readers stand. Any thread; each document
 * has one writer (the owner of its chat, the message.read consumer), because concurrent updates of
 * one document are not safe on every server. */

#include "common/alloc.h"
#include "common/mongo_bulk.h"
#include "storage/mongo_private.h"

static void take_head(const bson_t *row, void *arg)
{
    message_row_to_head(row, arg);
}

enum cc_code message_mongo_load_head(struct message_store *store, struct chat_head *out,
                                     struct cc_error *err)
{
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(out->chat_id));
    return message_mongo_visit(store, HEADS_COLLECTION, filter, take_head, out, err);
}

enum cc_code message_mongo_save_heads(struct message_store *store, const struct chat_head *heads,
                                      size_t count, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = message_mongo_borrow(store, HEADS_COLLECTION);
    bson_t **rows = cc_calloc(count + 1, sizeof *rows);

    for (size_t i = 0; i < count; i++) {
        rows[i] = BCON_NEW("_id", BCON_UTF8(heads[i].chat_id));
        message_row_from_head(rows[i], &heads[i]);
    }
    enum cc_code code = cc_mongo_put_newer(&loan, "rev", rows, count, err);
    for (size_t i = 0; i < count; i++)
        bson_destroy(rows[i]);
    cc_free(rows);
    return code;
}

static void take_receipt(const bson_t *row, void *arg)
{
    message_row_to_receipt(row, arg);
}

enum cc_code message_mongo_get_receipt(struct message_store *store, const char *chat_id,
                                       const char *user_id, struct receipt *out,
                                       struct cc_error *err)
{
    char id[MESSAGE_ROW_ID_BYTES];

    message_row_receipt_id(chat_id, user_id, id);
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(id));
    *out = (struct receipt){0};
    return message_mongo_visit(store, RECEIPTS_COLLECTION, filter, take_receipt, out, err);
}

static enum cc_code add_receipt(mongo_bulk *bulk, const void *receipts, size_t index,
                                struct cc_error *err)
{
    const struct receipt *receipt = &((const struct receipt *)receipts)[index];
    char id[MESSAGE_ROW_ID_BYTES];

    message_row_receipt_id(receipt->chat_id, receipt->user_id, id);
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(id));
    CC_AUTO(bson)
    bson_t *update = BCON_NEW(
        "$set", "{", "chat_id", BCON_UTF8(receipt->chat_id), "user_id", BCON_UTF8(receipt->user_id),
        "}", "$max", "{", "read_seq", BCON_INT64(receipt->read_seq), "delivered_seq",
        BCON_INT64(receipt->delivered_seq), "from_seq", BCON_INT64(receipt->from_seq),
        "cleared_seq", BCON_INT64(receipt->cleared_seq), "at", BCON_DATE_TIME(receipt->at_ms), "}");
    return mongo_bulk_upsert(bulk, filter, update, err);
}

enum cc_code message_mongo_raise_receipts(struct message_store *store,
                                          const struct receipt *receipts, size_t count,
                                          struct cc_error *err)
{
    return message_mongo_write_each(store, RECEIPTS_COLLECTION, add_receipt, receipts, count, err);
}

struct receipts {
    struct cc_arena *arena;
    struct receipt_list list;
    size_t capacity;
};

static void collect_receipt(const bson_t *row, void *arg)
{
    struct receipts *all = arg;

    all->list.items = mongo_grow(all->arena, all->list.items, all->list.count, &all->capacity,
                                 sizeof *all->list.items);
    message_row_to_receipt(row, &all->list.items[all->list.count++]);
}

static enum cc_code list_receipts(struct message_store *store, const char *key, const char *id,
                                  struct cc_arena *arena, struct receipt_list *out,
                                  struct cc_error *err)
{
    struct receipts all = {.arena = arena};
    CC_AUTO(bson) bson_t *filter = BCON_NEW(key, BCON_UTF8(id));

    CC_TRY(message_mongo_visit(store, RECEIPTS_COLLECTION, filter, collect_receipt, &all, err));
    *out = all.list;
    return CC_OK;
}

enum cc_code message_mongo_receipts_of(struct message_store *store, const char *chat_id,
                                       struct cc_arena *arena, struct receipt_list *out,
                                       struct cc_error *err)
{
    return list_receipts(store, "chat_id", chat_id, arena, out, err);
}

enum cc_code message_mongo_receipts_by(struct message_store *store, const char *user_id,
                                       struct cc_arena *arena, struct receipt_list *out,
                                       struct cc_error *err)
{
    return list_receipts(store, "user_id", user_id, arena, out, err);
}
