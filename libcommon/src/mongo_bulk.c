/* Guarded upserts in portions. Any thread. */

#include "common/mongo_bulk.h"

#include "common/cleanup.h"

#define DUPLICATE_KEY 11000

typedef mongoc_bulk_operation_t bulk_t;
CC_DEFINE_AUTO(bulk, bulk_t, mongoc_bulk_operation_destroy);

static bool is_duplicate(const bson_iter_t *error)
{
    bson_iter_t code;
    return bson_iter_recurse(error, &code) && bson_iter_find(&code, "code") &&
           bson_iter_as_int64(&code) == DUPLICATE_KEY;
}

bool cc_mongo_only_duplicates(const bson_t *reply)
{
    bson_iter_t at, errors;
    int count = 0;

    if (!bson_iter_init_find(&at, reply, "writeErrors") || !BSON_ITER_HOLDS_ARRAY(&at) ||
        !bson_iter_recurse(&at, &errors))
        return false;
    for (; bson_iter_next(&errors); count++)
        if (!is_duplicate(&errors))
            return false;
    return count > 0;
}

static enum cc_code add_row(bulk_t *bulk, const char *counter, const bson_t *row,
                            struct cc_error *err)
{
    CC_AUTO(bson)
    bson_t *filter = BCON_NEW("_id", BCON_UTF8(cc_bson_text(row, "_id")), counter, "{", "$lt",
                              BCON_INT64(cc_bson_int(row, counter, 0)), "}");
    CC_AUTO(bson) bson_t *update = bson_new();
    CC_AUTO(bson) bson_t *upsert = BCON_NEW("upsert", BCON_BOOL(true));
    bson_t fields;
    bson_error_t fault;

    BSON_APPEND_DOCUMENT_BEGIN(update, "$set", &fields);
    bson_copy_to_excluding_noinit(row, &fields, "_id", NULL);
    bson_append_document_end(update, &fields);
    bool added = mongoc_bulk_operation_update_one_with_opts(bulk, filter, update, upsert, &fault);
    return added ? CC_OK : cc_mongo_fail(&fault, err);
}

/* A guarded upsert that finds something newer tries to insert, and is told that the _id is taken:
 * then there is nothing to do for that row. out_hit: it was so for one of them. */
static enum cc_code put_together(struct cc_mongo_loan *loan, const char *counter,
                                 bson_t *const *rows, size_t count, bool *out_hit,
                                 struct cc_error *err)
{
    CC_AUTO(bson) bson_t *unordered = BCON_NEW("ordered", BCON_BOOL(false));
    CC_AUTO(bulk)
    bulk_t *bulk = mongoc_collection_create_bulk_operation_with_opts(loan->collection, unordered);
    bson_t reply;
    bson_error_t fault;

    for (size_t i = 0; i < count; i++)
        CC_TRY(add_row(bulk, counter, rows[i], err));
    bool done = mongoc_bulk_operation_execute(bulk, &reply, &fault) != 0;
    *out_hit = !done && cc_mongo_only_duplicates(&reply);
    bson_destroy(&reply);
    return done || *out_hit ? CC_OK : cc_mongo_fail(&fault, err);
}

/* FerretDB 1.24 ends a command of several updates at the first one that fails, ordered or not: the
 * rest of such a portion goes one by one. */
static enum cc_code put_portion(struct cc_mongo_loan *loan, const char *counter,
                                bson_t *const *rows, size_t count, struct cc_error *err)
{
    bool hit;

    CC_TRY(put_together(loan, counter, rows, count, &hit, err));
    for (size_t i = 0; hit && count > 1 && i < count; i++) {
        bool known;
        CC_TRY(put_together(loan, counter, rows + i, 1, &known, err));
    }
    return CC_OK;
}

enum cc_code cc_mongo_put_newer(struct cc_mongo_loan *loan, const char *counter,
                                bson_t *const *rows, size_t count, struct cc_error *err)
{
    for (size_t first = 0; first < count; first += CC_MONGO_UPDATES_MAX) {
        size_t left = count - first;
        size_t portion = left < CC_MONGO_UPDATES_MAX ? left : CC_MONGO_UPDATES_MAX;
        CC_TRY(put_portion(loan, counter, rows + first, portion, err));
    }
    return CC_OK;
}
