/* Collections `purges` and `log_starts`: what of the log may go when, and where each log begins
 * since something went. Any thread. `purges` is inserted into and deleted from. `log_starts` may be
 * updated by several processes at once, of which a server may lose one: so it is read again before
 * anything is deleted by it. */

#include "common/clock.h"
#include "storage/mongo_private.h"

#define SWEEP_ID "purges"
#define REFUSAL  (-1)

/* Planning */

static void fill_plan(bson_t *row, const char *chat_id, const char *id, int64_t bucket)
{
    int64_t now_ms = cc_wall_ms(cc_clock_system());

    BSON_APPEND_UTF8(row, "_id", id);
    BSON_APPEND_UTF8(row, "chat_id", chat_id);
    BSON_APPEND_INT64(row, "bucket", bucket);
    mongo_slot_write(row, now_ms, now_ms);
}

static bool begins_bucket(const struct change *change)
{
    return change_accepted(change) && change->rev > 0 &&
           (change->rev & ((1 << BUCKET_BITS) - 1)) == 0;
}

static bool is_refusal(const struct change *change)
{
    return !change_accepted(change);
}

static enum cc_code plan_where(struct message_store *store, const struct change *const *changes,
                               size_t count, bool (*wanted)(const struct change *change),
                               struct cc_error *err)
{
    size_t found = 0, filled = 0;

    for (size_t i = 0; i < count; i++)
        found += wanted(changes[i]) ? 1 : 0;
    if (found == 0)
        return CC_OK;
    struct mongo_rows rows MONGO_ROWS = mongo_rows_create(found);
    for (size_t i = 0; i < count; i++) {
        char id[MESSAGE_ROW_ID_BYTES];
        bool refused = is_refusal(changes[i]);
        int64_t bucket = refused ? REFUSAL : (changes[i]->rev >> BUCKET_BITS) - 1;
        if (!wanted(changes[i]))
            continue;
        if (refused)
            message_row_refusal_id(changes[i]->chat_id, changes[i]->op_id, id);
        else
            message_row_id(changes[i]->chat_id, bucket, id);
        fill_plan(&rows.rows[filled++], changes[i]->chat_id, id, bucket);
    }
    return message_mongo_insert_missing(store, PURGES_COLLECTION, &rows, err);
}

enum cc_code message_mongo_plan_refusals(struct message_store *store,
                                         const struct change *const *changes, size_t count,
                                         struct cc_error *err)
{
    return plan_where(store, changes, count, is_refusal, err);
}

enum cc_code message_mongo_plan_buckets(struct message_store *store,
                                        const struct change *const *changes, size_t count,
                                        struct cc_error *err)
{
    return plan_where(store, changes, count, begins_bucket, err);
}

/* Where logs begin */

struct log_start {
    int64_t first_rev, since_ms; /* 0 = whole */
};

static void take_start(const bson_t *row, void *arg)
{
    *(struct log_start *)arg =
        (struct log_start){cc_bson_int(row, "first_rev", 1), cc_bson_int(row, "since_ms", 0)};
}

static enum cc_code find_start(struct message_store *store, const char *chat_id,
                               struct log_start *out, struct cc_error *err)
{
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(chat_id));

    *out = (struct log_start){1, 0};
    return message_mongo_visit(store, STARTS_COLLECTION, filter, take_start, out, err);
}

enum cc_code message_mongo_first_rev(struct message_store *store, const char *chat_id, int64_t *out,
                                     struct cc_error *err)
{
    struct log_start start;

    CC_TRY(find_start(store, chat_id, &start, err));
    *out = start.first_rev;
    return CC_OK;
}

static enum cc_code begin_start(struct message_store *store, const char *chat_id, int64_t first_rev,
                                int64_t now_ms, struct cc_error *err)
{
    struct mongo_rows rows MONGO_ROWS = mongo_rows_create(1);

    BSON_APPEND_UTF8(&rows.rows[0], "_id", chat_id);
    BSON_APPEND_INT64(&rows.rows[0], "first_rev", first_rev);
    BSON_APPEND_INT64(&rows.rows[0], "since_ms", now_ms);
    return message_mongo_insert_missing(store, STARTS_COLLECTION, &rows, err);
}

static enum cc_code raise_start(struct message_store *store, const char *chat_id, int64_t first_rev,
                                struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = message_mongo_borrow(store, STARTS_COLLECTION);
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(chat_id));
    CC_AUTO(bson) bson_t *update = BCON_NEW("$max", "{", "first_rev", BCON_INT64(first_rev), "}");
    bson_error_t fault;
    bool done = mongoc_collection_update_one(loan.collection, filter, update, NULL, NULL, &fault);

    return done ? CC_OK : cc_mongo_fail(&fault, err);
}

/* Purging */

struct plan {
    const char *id, *chat_id;
    int64_t bucket; /* REFUSAL: the row of that id */
};
struct due_plans {
    struct cc_arena *arena;
    struct plan *items;
    size_t count;
};

static void take_plan(const bson_t *row, void *arg)
{
    struct due_plans *plans = arg;

    plans->items[plans->count++] = (struct plan){
        .id = cc_arena_strdup(plans->arena, cc_bson_text(row, "_id")),
        .chat_id = cc_arena_strdup(plans->arena, cc_bson_text(row, "chat_id")),
        .bucket = cc_bson_int(row, "bucket", REFUSAL),
    };
}

/* Whoever takes the chat over begins at the saved head: it must lie behind what goes. */
static enum cc_code head_is_past(struct message_store *store, const struct plan *plan, bool *out,
                                 struct cc_error *err)
{
    struct chat_head head;

    chat_head_init(&head, plan->chat_id);
    enum cc_code code = message_mongo_load_head(store, &head, err);
    *out = head.rev >> BUCKET_BITS > plan->bucket;
    chat_head_finish(&head);
    return code;
}

/* Everybody can know that the log begins later, before it does. */
static enum cc_code start_is_told(struct message_store *store, const struct plan *plan,
                                  int64_t now_ms, bool *out, struct cc_error *err)
{
    int64_t first_rev = (plan->bucket + 1) << BUCKET_BITS;
    struct log_start start;

    CC_TRY(begin_start(store, plan->chat_id, first_rev, now_ms, err));
    CC_TRY(find_start(store, plan->chat_id, &start, err));
    if (start.first_rev < first_rev) {
        CC_TRY(raise_start(store, plan->chat_id, first_rev, err));
        CC_TRY(find_start(store, plan->chat_id, &start, err));
    }
    *out = start.first_rev >= first_rev && start.since_ms <= now_ms - PURGE_NOTICE_MS;
    return CC_OK;
}

static enum cc_code may_purge(struct message_store *store, const struct plan *plan, int64_t now_ms,
                              bool *out, struct cc_error *err)
{
    *out = true;
    if (plan->bucket == REFUSAL)
        return CC_OK;
    CC_TRY(head_is_past(store, plan, out, err));
    return *out ? start_is_told(store, plan, now_ms, out, err) : CC_OK;
}

static enum cc_code purge_one(struct message_store *store, const struct plan *plan, int64_t now_ms,
                              size_t *count, struct cc_error *err)
{
    bool may;

    CC_TRY(may_purge(store, plan, now_ms, &may, err));
    if (!may)
        return CC_OK;
    CC_AUTO(bson)
    bson_t *filter = BCON_NEW(plan->bucket == REFUSAL ? "_id" : "bucket", BCON_UTF8(plan->id),
                              "chat_id", BCON_UTF8(plan->chat_id));
    CC_TRY(message_mongo_delete_all(store, CHANGES_COLLECTION, filter, err));
    (*count)++;
    return message_mongo_delete(store, PURGES_COLLECTION, "_id", plan->id, err);
}

enum cc_code message_mongo_purge_log(struct message_store *store, const struct purge *purge,
                                     size_t *out_count, struct cc_error *err)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct due_plans plans = {.arena = arena};
    const struct mongo_due due = {.collection = PURGES_COLLECTION,
                                  .sweep_id = SWEEP_ID,
                                  .now_ms = purge->before_ms,
                                  .limit = purge->limit,
                                  .take = take_plan,
                                  .arg = &plans};

    *out_count = 0;
    plans.items = cc_arena_calloc(arena, purge->limit + 1, sizeof *plans.items);
    CC_TRY(message_mongo_visit_due(store, &due, err));
    for (size_t i = 0; i < plans.count; i++)
        CC_TRY(purge_one(store, &plans.items[i], purge->now_ms, out_count, err));
    return CC_OK;
}
