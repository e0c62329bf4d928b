/* Collections `expiries` and `sweeps`: which messages are to be deleted when. Any thread. A row is
 * found by its slot, the minute in which it is due: the store searches by equality. `sweeps` holds
 * the first slot that may still have rows, so that none is missed however long nobody swept. The
 * owner inserts rows, a sweep deletes them; nobody updates one. */

#include "common/clock.h"
#include "storage/mongo_private.h"

#define SWEEPS_COLLECTION "sweeps"
#define SWEEP_ID          "expiries"
#define SLOT_MS           (INT64_C(60) * 1000)
/* Rows may still come into slots so young: clocks differ, and an insert takes its time. */
#define SLOTS_OPEN 5
#define NO_SLOT    (-1)

/* What is stored late is put where a sweep will still come by. */
static int64_t slot_for(int64_t expires_at_ms, int64_t now_ms)
{
    return (expires_at_ms > now_ms ? expires_at_ms : now_ms) / SLOT_MS;
}

static bool is_to_expire(const struct change *change)
{
    return change_adds_message(change) && change->message.expires_at_ms != 0;
}

static void fill_row(bson_t *row, const struct cc_message *message, int64_t now_ms)
{
    BSON_APPEND_UTF8(row, "_id", message->message_id);
    BSON_APPEND_UTF8(row, "chat_id", message->chat_id);
    BSON_APPEND_INT64(row, "slot", slot_for(message->expires_at_ms, now_ms));
    BSON_APPEND_DATE_TIME(row, "at", message->expires_at_ms);
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

struct slot_rows {
    struct cc_arena *arena;
    int64_t now_ms;
    size_t limit;
    struct expiry_list due;
    size_t seen; /* in this slot, due or not */
};

static void collect(const bson_t *row, void *arg)
{
    struct slot_rows *rows = arg;
    bson_iter_t at;
    bool dated = bson_iter_init_find(&at, row, "at") && BSON_ITER_HOLDS_DATE_TIME(&at);

    rows->seen++;
    if (!dated || bson_iter_date_time(&at) > rows->now_ms || rows->due.count == rows->limit)
        return;
    rows->due.items[rows->due.count++] = (struct expiry){
        .message_id = cc_arena_strdup(rows->arena, cc_bson_text(row, "_id")),
        .chat_id = cc_arena_strdup(rows->arena, cc_bson_text(row, "chat_id")),
    };
}

static void take_slot(const bson_t *row, void *arg)
{
    *(int64_t *)arg = cc_bson_int(row, "slot", 0);
}

/* Several processes sweep: of two writes at once one may be lost, which costs a few slots more. */
static enum cc_code save_first_slot(struct message_store *store, int64_t slot, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = message_mongo_borrow(store, SWEEPS_COLLECTION);
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(SWEEP_ID));
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
static enum cc_code first_slot(struct message_store *store, int64_t now_slot, int64_t *out,
                               struct cc_error *err)
{
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(SWEEP_ID));
    int64_t latest = now_slot - SLOTS_OPEN, slot = NO_SLOT;

    CC_TRY(message_mongo_visit(store, SWEEPS_COLLECTION, filter, take_slot, &slot, err));
    if (slot == NO_SLOT)
        CC_TRY(save_first_slot(store, latest, err));
    *out = slot == NO_SLOT || slot > latest ? latest : slot;
    return CC_OK;
}

enum cc_code message_mongo_expired(struct message_store *store, int64_t now_ms, size_t limit,
                                   struct cc_arena *arena, struct expiry_list *out,
                                   struct cc_error *err)
{
    struct slot_rows rows = {.arena = arena, .now_ms = now_ms, .limit = limit};
    int64_t now_slot = now_ms / SLOT_MS, first, empty_up_to;

    rows.due.items = cc_arena_calloc(arena, limit + 1, sizeof *rows.due.items);
    CC_TRY(first_slot(store, now_slot, &first, err));
    empty_up_to = first;
    for (int64_t slot = first; slot <= now_slot && rows.due.count < limit; slot++) {
        CC_AUTO(bson) bson_t *filter = BCON_NEW("slot", BCON_INT64(slot));
        rows.seen = 0;
        CC_TRY(message_mongo_visit(store, EXPIRIES_COLLECTION, filter, collect, &rows, err));
        bool closed = slot < now_slot - SLOTS_OPEN;
        if (closed && rows.seen == 0 && empty_up_to == slot)
            empty_up_to++;
    }
    if (empty_up_to > first)
        CC_TRY(save_first_slot(store, empty_up_to, err));
    *out = rows.due;
    return CC_OK;
}

enum cc_code message_mongo_forget_expiry(struct message_store *store, const char *message_id,
                                         struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = message_mongo_borrow(store, EXPIRIES_COLLECTION);
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(message_id));
    bson_error_t fault;
    bool done = mongoc_collection_delete_one(loan.collection, filter, NULL, NULL, &fault);
    return done ? CC_OK : cc_mongo_fail(&fault, err);
}
