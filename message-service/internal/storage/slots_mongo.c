/* What is due when, in any collection: its rows are found by their slot, the minute in which they
 * are due, because the store searches by equality. `sweeps` holds the first slot that may still
 * have rows, so that none is missed however long nobody swept. Any thread. */

#include "storage/mongo_private.h"

#define SWEEPS_COLLECTION "sweeps"
#define SLOT_MS           (INT64_C(60) * 1000)
/* Rows may still come into slots so young: clocks differ, and an insert takes its time. */
#define SLOTS_OPEN 5
#define NO_SLOT    (-1)

/* What is stored late is put where a sweep will still come by. */
static int64_t slot_for(int64_t due_ms, int64_t now_ms)
{
    return (due_ms > now_ms ? due_ms : now_ms) / SLOT_MS;
}

void mongo_slot_write(bson_t *row, int64_t due_ms, int64_t now_ms)
{
    BSON_APPEND_INT64(row, "slot", slot_for(due_ms, now_ms));
    BSON_APPEND_DATE_TIME(row, "at", due_ms);
}

struct slot_rows {
    const struct mongo_due *due;
    size_t taken;
    size_t seen; /* in this slot, due or not */
};

static void look_at(const bson_t *row, void *arg)
{
    struct slot_rows *rows = arg;
    bson_iter_t at;
    bool dated = bson_iter_init_find(&at, row, "at") && BSON_ITER_HOLDS_DATE_TIME(&at);

    rows->seen++;
    if (!dated || bson_iter_date_time(&at) > rows->due->now_ms || rows->taken == rows->due->limit)
        return;
    rows->taken++;
    rows->due->take(row, rows->due->arg);
}

static void take_slot(const bson_t *row, void *arg)
{
    *(int64_t *)arg = cc_bson_int(row, "slot", 0);
}

/* Several processes sweep: of two writes at once one may be lost, which costs a few slots more. */
static enum cc_code save_first_slot(struct message_store *store, const char *sweep_id, int64_t slot,
                                    struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = message_mongo_borrow(store, SWEEPS_COLLECTION);
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(sweep_id));
    CC_AUTO(bson) bson_t *update = BCON_NEW("$max", "{", "slot", BCON_INT64(slot), "}");
    CC_AUTO(bson) bson_t *upsert = BCON_NEW("upsert", BCON_BOOL(true));
    bson_error_t fault;

    if (mongoc_collection_update_one(loan.collection, filter, update, upsert, NULL, &fault))
        return CC_OK;
    enum cc_code code = cc_mongo_fail(&fault, err);
    return code == CC_CONFLICT ? CC_OK : code; /* another one made the row meanwhile */
}

/* The first sweep of all begins where it is, and says so: before it, nothing was listed. A clock
 * that once ran ahead, and saved a slot of the future, hides nothing: the last few are looked at in
 * any case. */
static enum cc_code first_slot(struct message_store *store, const char *sweep_id, int64_t now_slot,
                               int64_t *out, struct cc_error *err)
{
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(sweep_id));
    int64_t latest = now_slot - SLOTS_OPEN, slot = NO_SLOT;

    CC_TRY(message_mongo_visit(store, SWEEPS_COLLECTION, filter, take_slot, &slot, err));
    if (slot == NO_SLOT)
        CC_TRY(save_first_slot(store, sweep_id, latest, err));
    *out = slot == NO_SLOT || slot > latest ? latest : slot;
    return CC_OK;
}

enum cc_code message_mongo_visit_due(struct message_store *store, const struct mongo_due *due,
                                     struct cc_error *err)
{
    struct slot_rows rows = {.due = due};
    int64_t now_slot = due->now_ms / SLOT_MS, first, empty_up_to;

    CC_TRY(first_slot(store, due->sweep_id, now_slot, &first, err));
    empty_up_to = first;
    for (int64_t slot = first; slot <= now_slot && rows.taken < due->limit; slot++) {
        CC_AUTO(bson) bson_t *filter = BCON_NEW("slot", BCON_INT64(slot));
        rows.seen = 0;
        CC_TRY(message_mongo_visit(store, due->collection, filter, look_at, &rows, err));
        bool closed = slot < now_slot - SLOTS_OPEN;
        if (closed && rows.seen == 0 && empty_up_to == slot)
            empty_up_to++;
    }
    return empty_up_to > first ? save_first_slot(store, due->sweep_id, empty_up_to, err) : CC_OK;
}
