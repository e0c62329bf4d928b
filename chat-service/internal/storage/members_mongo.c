/* Memberships, as a change leaves them, into MongoDB. Any thread; the loan is its borrower's. */

#include "storage/members_mongo.h"

#include "common/alloc.h"
#include "common/clock.h"
#include "storage/chat_rows.h"

/* Index of the row that an element of writeErrors is about; -1 when it failed for another reason
 * than that it is there already. */
static int64_t duplicate_index(const bson_iter_t *element)
{
    bson_iter_t code, index;

    if (!bson_iter_recurse(element, &code) || !bson_iter_find(&code, "code") ||
        bson_iter_as_int64(&code) != MONGOC_ERROR_DUPLICATE_KEY ||
        !bson_iter_recurse(element, &index) || !bson_iter_find(&index, "index"))
        return -1;
    return bson_iter_as_int64(&index);
}

/* Those of the rows that were there already. False when one failed for another reason. */
static bool find_existing(const bson_t *reply, bson_t **rows, size_t count, bson_t **out,
                          size_t *out_count)
{
    bson_iter_t errors, element;

    *out_count = 0;
    if (!bson_iter_init_find(&errors, reply, "writeErrors") || !BSON_ITER_HOLDS_ARRAY(&errors))
        return false;
    bson_iter_recurse(&errors, &element);
    while (bson_iter_next(&element)) {
        int64_t at = duplicate_index(&element);

        if (at < 0 || (size_t)at >= count || *out_count == count)
            return false;
        out[(*out_count)++] = rows[at];
    }
    return true;
}

/* New members all at once. out_existing: those that are there already, the guarded updates' work.
 */
static enum cc_code insert_members(struct cc_mongo_loan *loan, bson_t **rows, size_t count,
                                   bson_t **out_existing, size_t *out_count, struct cc_error *err)
{
    CC_AUTO(bson) bson_t *options = BCON_NEW("ordered", BCON_BOOL(false));
    bson_t reply;
    bson_error_t fault;

    *out_count = 0;
    bool done = mongoc_collection_insert_many(loan->collection, (const bson_t **)rows, count,
                                              options, &reply, &fault);
    bool harmless = done || find_existing(&reply, rows, count, out_existing, out_count);
    bson_destroy(&reply);
    return harmless ? CC_OK : cc_mongo_fail(&fault, err);
}

/* A portion of them in one round trip: see CC_MONGO_UPDATES_MAX. */
static enum cc_code update_some_members(struct cc_mongo_loan *loan, bson_t **rows, size_t count,
                                        int64_t version, struct cc_error *err)
{
    bson_t reply;
    bson_error_t fault;
    mongoc_bulk_operation_t *bulk =
        mongoc_collection_create_bulk_operation_with_opts(loan->collection, NULL);

    for (size_t i = 0; i < count; i++) {
        CC_AUTO(bson)
        bson_t *filter = chat_row_older_than(cc_bson_text(rows[i], "_id"), "version", version);
        CC_AUTO(bson) bson_t *update = chat_row_set_all(rows[i]);

        mongoc_bulk_operation_update_one(bulk, filter, update, false);
    }
    bool done = mongoc_bulk_operation_execute(bulk, &reply, &fault) != 0;
    bson_destroy(&reply);
    mongoc_bulk_operation_destroy(bulk);
    return done ? CC_OK : cc_mongo_fail(&fault, err);
}

static enum cc_code update_members(struct cc_mongo_loan *loan, bson_t **rows, size_t count,
                                   int64_t version, struct cc_error *err)
{
    for (size_t first = 0; first < count; first += CC_MONGO_UPDATES_MAX) {
        size_t some = count - first < CC_MONGO_UPDATES_MAX ? count - first : CC_MONGO_UPDATES_MAX;

        CC_TRY(update_some_members(loan, rows + first, some, version, err));
    }
    return CC_OK;
}

enum cc_code chat_members_put(struct cc_mongo_loan *loan, const struct chat_change *change,
                              struct cc_error *err)
{
    size_t count = change->member_count, existing_count = 0;
    bson_t **rows = cc_calloc(count * 2, sizeof(*rows)), **existing = rows + count;

    for (size_t i = 0; i < count; i++)
        rows[i] = chat_row_from_member(&change->members[i]);
    enum cc_code code = insert_members(loan, rows, count, existing, &existing_count, err);
    if (code == CC_OK)
        code = update_members(loan, existing, existing_count, change->after.version, err);
    for (size_t i = 0; i < count; i++)
        bson_destroy(rows[i]);
    cc_free(rows);
    return code;
}

/* The memberships of one slot, as the end of the chat. */
static enum cc_code end_slot(struct cc_mongo_loan *loan, const struct chat *chat, int64_t slot,
                             const bson_t *update, struct cc_error *err)
{
    char name[CHAT_SLOT_BYTES];
    bson_error_t fault;

    chat_slot_name(chat->chat_id, slot, name);
    CC_AUTO(bson)
    bson_t *filter = BCON_NEW("slot", BCON_UTF8(name), "state",
                              BCON_UTF8(cc_member_state_names[CC_MEMBER_ACTIVE]), "version", "{",
                              "$lt", BCON_INT64(chat->version), "}");
    if (!mongoc_collection_update_many(loan->collection, filter, update, NULL, NULL, &fault))
        return cc_mongo_fail(&fault, err);
    return CC_OK;
}

enum cc_code chat_members_end(struct cc_mongo_loan *loan, const struct chat *chat,
                              int64_t budget_ms, struct cc_error *err)
{
    const struct cc_clock *clock = cc_clock_system();
    int64_t deadline_ms = cc_mono_ms(clock) + budget_ms;
    CC_AUTO(bson)
    bson_t *update = BCON_NEW(
        "$set", "{", "state", BCON_UTF8(cc_member_state_names[CC_MEMBER_REMOVED]), "role",
        BCON_UTF8(cc_chat_role_names[CC_ROLE_MEMBER]), "version", BCON_INT64(chat->version), "}");

    for (int64_t slot = 0; slot * CHAT_SLOT_PLACES < chat->place_count; slot++) {
        if (cc_mono_ms(clock) > deadline_ms)
            return cc_fail(err, CC_TIMEOUT, NULL, "some are still to be removed");
        CC_TRY(end_slot(loan, chat, slot, update, err));
    }
    return CC_OK;
}
