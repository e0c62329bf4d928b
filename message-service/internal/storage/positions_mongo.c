/* Collections `chat_heads` and `receipts`: where logs and readers stand. Any thread; each document
 * has one writer (the owner of its chat, the message.read consumer), because concurrent updates of
 * one document are not safe on every server. Saved in bulk: one round trip for many. */

#include "storage/mongo_private.h"

typedef mongoc_bulk_operation_t bulk_t;
CC_DEFINE_AUTO(bulk, bulk_t, mongoc_bulk_operation_destroy);

static bulk_t *start_bulk(struct cc_mongo_loan *loan)
{
    CC_AUTO(bson) bson_t *unordered = BCON_NEW("ordered", BCON_BOOL(false));
    return mongoc_collection_create_bulk_operation_with_opts(loan->collection, unordered);
}

/* A guarded upsert that finds something newer tries to insert, and is told that the _id is taken:
 * then there is nothing to do. */
static enum cc_code run_bulk(bulk_t *bulk, struct cc_error *err)
{
    bson_t reply;
    bson_error_t fault;
    bool done = mongoc_bulk_operation_execute(bulk, &reply, &fault) != 0;
    enum cc_code code = done ? CC_OK : message_mongo_only_duplicates(&reply, &fault, err);

    bson_destroy(&reply);
    return code;
}

static enum cc_code add_upsert(bulk_t *bulk, const bson_t *filter, const bson_t *update,
                               struct cc_error *err)
{
    CC_AUTO(bson) bson_t *upsert = BCON_NEW("upsert", BCON_BOOL(true));
    bson_error_t fault;
    bool added = mongoc_bulk_operation_update_one_with_opts(bulk, filter, update, upsert, &fault);
    return added ? CC_OK : cc_mongo_fail(&fault, err);
}

typedef enum cc_code (*add_row)(bulk_t *bulk, const void *rows, size_t index, struct cc_error *err);

/* In portions, each one round trip: see CC_MONGO_UPDATES_MAX. */
static enum cc_code upsert_all(struct message_store *store, const char *collection, add_row add,
                               const void *rows, size_t count, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = message_mongo_borrow(store, collection);

    for (size_t first = 0; first < count; first += CC_MONGO_UPDATES_MAX) {
        CC_AUTO(bulk) bulk_t *bulk = start_bulk(&loan);
        for (size_t i = first; i < count && i < first + CC_MONGO_UPDATES_MAX; i++)
            CC_TRY(add(bulk, rows, i, err));
        CC_TRY(run_bulk(bulk, err));
    }
    return CC_OK;
}

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

static enum cc_code add_head(bulk_t *bulk, const void *heads, size_t index, struct cc_error *err)
{
    const struct chat_head *head = &((const struct chat_head *)heads)[index];
    CC_AUTO(bson)
    bson_t *filter =
        BCON_NEW("_id", BCON_UTF8(head->chat_id), "rev", "{", "$lt", BCON_INT64(head->rev), "}");
    CC_AUTO(bson) bson_t *update = bson_new();
    bson_t fields;

    BSON_APPEND_DOCUMENT_BEGIN(update, "$set", &fields);
    message_row_from_head(&fields, head);
    bson_append_document_end(update, &fields);
    return add_upsert(bulk, filter, update, err);
}

enum cc_code message_mongo_save_heads(struct message_store *store, const struct chat_head *heads,
                                      size_t count, struct cc_error *err)
{
    return upsert_all(store, HEADS_COLLECTION, add_head, heads, count, err);
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

static enum cc_code add_receipt(bulk_t *bulk, const void *receipts, size_t index,
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
        BCON_INT64(receipt->delivered_seq), "from_seq", BCON_INT64(receipt->from_seq), "at",
        BCON_DATE_TIME(receipt->at_ms), "}");
    return add_upsert(bulk, filter, update, err);
}

enum cc_code message_mongo_raise_receipts(struct message_store *store,
                                          const struct receipt *receipts, size_t count,
                                          struct cc_error *err)
{
    return upsert_all(store, RECEIPTS_COLLECTION, add_receipt, receipts, count, err);
}
