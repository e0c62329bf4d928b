/* The store in MongoDB: collections changes, messages, reactions, mentions, hidden, expiries,
 * chat_heads, receipts. Any thread: each call
 * borrows a client. Relies on unique `_id`s and one unique index, on ordered inserts that stop at a
 * duplicate, and on updates of single documents with one writer each; on no transaction. */

#include <string.h>

#include "common/alloc.h"
#include "common/mongo_bulk.h"
#include "storage/mongo_private.h"

#define FIRST_CAPACITY 64

struct mongo_store {
    struct message_store base;
    struct cc_mongo *mongo; /* borrowed */
};

struct cc_mongo_loan message_mongo_borrow(struct message_store *store, const char *collection)
{
    return cc_mongo_loan(((struct mongo_store *)store)->mongo, collection);
}

enum cc_code message_mongo_visit(struct message_store *store, const char *collection,
                                 const bson_t *filter, void (*visit)(const bson_t *row, void *arg),
                                 void *arg, struct cc_error *err)
{
    return message_mongo_visit_some(store, collection, filter, 0, visit, arg, err);
}

enum cc_code message_mongo_visit_some(struct message_store *store, const char *collection,
                                      const bson_t *filter, int64_t limit,
                                      void (*visit)(const bson_t *row, void *arg), void *arg,
                                      struct cc_error *err)
{
    CC_TRY(cc_mongo_admit(((struct mongo_store *)store)->mongo, err));
    struct cc_mongo_loan loan CC_MONGO_LOAN = message_mongo_borrow(store, collection);
    CC_AUTO(bson) bson_t *opts = BCON_NEW("limit", BCON_INT64(limit));
    CC_AUTO(cursor)
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(loan.collection, filter, opts, NULL);
    const bson_t *row;
    bson_error_t fault;

    while (mongoc_cursor_next(cursor, &row))
        visit(row, arg);
    return mongoc_cursor_error(cursor, &fault) ? cc_mongo_fail(&fault, err) : CC_OK;
}

enum cc_code message_mongo_visit_person(struct message_store *store, const char *collection,
                                        const struct person_range *range,
                                        void (*visit)(const bson_t *row, void *arg), void *arg,
                                        struct cc_error *err)
{
    int64_t step = 1 << BUCKET_BITS;

    for (int64_t seq = range->from_seq & ~(step - 1); seq <= range->to_seq; seq += step) {
        char bucket[MESSAGE_ROW_ID_BYTES];
        message_row_person_bucket(range->user_id, range->chat_id, seq, bucket);
        CC_AUTO(bson) bson_t *filter = BCON_NEW("person_bucket", BCON_UTF8(bucket));
        CC_TRY(message_mongo_visit(store, collection, filter, visit, arg, err));
    }
    return CC_OK;
}

void *mongo_grow(struct cc_arena *arena, void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity == 0 ? FIRST_CAPACITY : *capacity * 2;
    void *larger = cc_arena_calloc(arena, *capacity, size);
    if (count > 0)
        memcpy(larger, items, count * size);
    return larger;
}

struct mongo_rows mongo_rows_create(size_t count)
{
    struct mongo_rows rows = {
        .rows = cc_calloc(count, sizeof *rows.rows),
        .borrow = cc_calloc(count, sizeof *rows.borrow),
        .count = count,
    };
    for (size_t i = 0; i < count; i++) {
        bson_init(&rows.rows[i]);
        rows.borrow[i] = &rows.rows[i];
    }
    return rows;
}

void mongo_rows_finish(struct mongo_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        bson_destroy(&rows->rows[i]);
    cc_free(rows->rows);
    cc_free(rows->borrow);
}

enum cc_code message_mongo_insert_missing(struct message_store *store, const char *collection,
                                          const struct mongo_rows *rows, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = message_mongo_borrow(store, collection);
    CC_AUTO(bson) bson_t *unordered = BCON_NEW("ordered", BCON_BOOL(false));
    bson_t reply;
    bson_error_t fault;

    if (rows->count == 0)
        return CC_OK;
    bool stored = mongoc_collection_insert_many(loan.collection, rows->borrow, rows->count,
                                                unordered, &reply, &fault);
    bool known = !stored && cc_mongo_only_duplicates(&reply);
    bson_destroy(&reply);
    return stored || known ? CC_OK : cc_mongo_fail(&fault, err);
}

enum cc_code message_mongo_delete_all(struct message_store *store, const char *collection,
                                      const bson_t *filter, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = message_mongo_borrow(store, collection);
    bson_error_t fault;
    bool done = mongoc_collection_delete_many(loan.collection, filter, NULL, NULL, &fault);
    return done ? CC_OK : cc_mongo_fail(&fault, err);
}

enum cc_code message_mongo_delete(struct message_store *store, const char *collection,
                                  const char *key, const char *value, struct cc_error *err)
{
    CC_AUTO(bson) bson_t *filter = BCON_NEW(key, BCON_UTF8(value));

    return message_mongo_delete_all(store, collection, filter, err);
}

static void destroy(struct message_store *store)
{
    cc_free(store);
}

static const struct message_store_ops mongo_ops = {
    .append_changes = message_mongo_append_changes,
    .find_operation = message_mongo_find_operation,
    .changes_after = message_mongo_changes_after,
    .versions_of = message_mongo_versions_of,
    .materialise = message_mongo_materialise,
    .messages_by_seq = message_mongo_messages_by_seq,
    .find_message = message_mongo_find_message,
    .pinned_messages = message_mongo_pinned_messages,
    .find_reaction = message_mongo_find_reaction,
    .reactions_of = message_mongo_reactions_of,
    .hide = message_mongo_hide,
    .hidden_in = message_mongo_hidden_in,
    .hidden_by = message_mongo_hidden_by,
    .expired = message_mongo_expired,
    .forget_expiry = message_mongo_forget_expiry,
    .load_head = message_mongo_load_head,
    .save_heads = message_mongo_save_heads,
    .get_receipt = message_mongo_get_receipt,
    .count_mentions = message_mongo_count_mentions,
    .receipts_of = message_mongo_receipts_of,
    .receipts_by = message_mongo_receipts_by,
    .raise_receipts = message_mongo_raise_receipts,
    .forget_person = message_mongo_forget_person,
    .plan_erasure = message_mongo_plan_erasure,
    .erasures = message_mongo_erasures,
    .erase = message_mongo_erase,
    .purge_log = message_mongo_purge_log,
    .first_rev = message_mongo_first_rev,
    .destroy = destroy,
};

struct message_store *message_store_mongo_create(struct cc_mongo *mongo)
{
    struct mongo_store *store = cc_calloc(1, sizeof *store);

    store->base.ops = &mongo_ops;
    store->mongo = mongo;
    return &store->base;
}
