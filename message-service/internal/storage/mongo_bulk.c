/* Many updates in few round trips. Any thread; each document has one writer, because concurrent
 * updates of one document are not safe on every server. Knows no document. */

#include "common/mongo_bulk.h"
#include "storage/mongo_private.h"

CC_DEFINE_AUTO(bulk, mongo_bulk, mongoc_bulk_operation_destroy);

static mongo_bulk *start_bulk(struct cc_mongo_loan *loan)
{
    CC_AUTO(bson) bson_t *unordered = BCON_NEW("ordered", BCON_BOOL(false));
    return mongoc_collection_create_bulk_operation_with_opts(loan->collection, unordered);
}

/* A guarded upsert that finds something newer tries to insert, and is told that the _id is taken:
 * then there is nothing to do. */
static enum cc_code run_bulk(mongo_bulk *bulk, struct cc_error *err)
{
    bson_t reply;
    bson_error_t fault;
    bool done = mongoc_bulk_operation_execute(bulk, &reply, &fault) != 0;
    bool known = !done && cc_mongo_only_duplicates(&reply);

    bson_destroy(&reply);
    return done || known ? CC_OK : cc_mongo_fail(&fault, err);
}

enum cc_code mongo_bulk_upsert(mongo_bulk *bulk, const bson_t *filter, const bson_t *update,
                               struct cc_error *err)
{
    CC_AUTO(bson) bson_t *upsert = BCON_NEW("upsert", BCON_BOOL(true));
    bson_error_t fault;
    bool added = mongoc_bulk_operation_update_one_with_opts(bulk, filter, update, upsert, &fault);
    return added ? CC_OK : cc_mongo_fail(&fault, err);
}

enum cc_code message_mongo_write_each(struct message_store *store, const char *collection,
                                      mongo_bulk_add add, const void *rows, size_t count,
                                      struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = message_mongo_borrow(store, collection);

    for (size_t first = 0; first < count; first += CC_MONGO_UPDATES_MAX) {
        CC_AUTO(bulk) mongo_bulk *bulk = start_bulk(&loan);
        for (size_t i = first; i < count && i < first + CC_MONGO_UPDATES_MAX; i++)
            CC_TRY(add(bulk, rows, i, err));
        CC_TRY(run_bulk(bulk, err));
    }
    return CC_OK;
}
