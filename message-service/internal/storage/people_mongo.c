/* What one person has, in all collections that name them. Any thread. */

#include "storage/mongo_private.h"

enum cc_code message_mongo_forget_person(struct message_store *store, const char *user_id,
                                         struct cc_error *err)
{
    static const char *const collections[] = {RECEIPTS_COLLECTION, HIDDEN_COLLECTION,
                                              MENTIONS_COLLECTION, REACTIONS_COLLECTION};
    CC_AUTO(bson) bson_t *filter = BCON_NEW("user_id", BCON_UTF8(user_id));

    for (size_t i = 0; i < sizeof collections / sizeof collections[0]; i++) {
        struct cc_mongo_loan loan CC_MONGO_LOAN = message_mongo_borrow(store, collections[i]);
        bson_error_t fault;
        if (!mongoc_collection_delete_many(loan.collection, filter, NULL, NULL, &fault))
            return cc_mongo_fail(&fault, err);
    }
    return CC_OK;
}
