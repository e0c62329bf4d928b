/* Notifications in MongoDB: collections notifications, delivery_log and retractions. Any thread:
 * each call borrows a client. Every filter is an equality on _id, bucket (person and week),
 * message_id, chat_id or week; order and limits work within one bucket. Relies on the uniqueness of
 * _id and nothing else. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/hash_map.h"
#include "common/mongo_bulk.h"
#include "storage/notification_store.h"

#define NOTIFICATIONS "notifications"
#define DELIVERIES    "delivery_log"
#define RETRACTIONS   "retractions"
#define BUCKET_BYTES  64
#define WEEK_BYTES    24
#define ROW_ID_BYTES  96

struct mongo_store {
    struct notification_store base; /* first */
    struct cc_mongo *mongo;         /* borrowed */
};

static struct cc_mongo_loan borrow(struct notification_store *base, const char *collection)
{
    return cc_mongo_loan(((struct mongo_store *)base)->mongo, collection);
}

static void week_name(int64_t week, char out[WEEK_BYTES])
{
    snprintf(out, WEEK_BYTES, "%" PRId64, week);
}

static void bucket_name(const char *user_id, int64_t week, char out[BUCKET_BYTES])
{
    snprintf(out, BUCKET_BYTES, "%s/%" PRId64, user_id, week);
}

/* Inserting */

/* Takes the documents. */
static enum cc_code insert_all(struct notification_store *base, const char *collection,
                               bson_t **documents, size_t count, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, collection);
    CC_AUTO(bson) bson_t *options = BCON_NEW("ordered", BCON_BOOL(false));
    bson_error_t fault;
    bson_t reply;
    enum cc_code code = CC_OK;

    if (!mongoc_collection_insert_many(loan.collection, (const bson_t **)documents, count, options,
                                       &reply, &fault) &&
        !cc_mongo_only_duplicates(&reply))
        code = cc_mongo_fail(&fault, err);
    bson_destroy(&reply);
    for (size_t i = 0; i < count; i++)
        bson_destroy(documents[i]);
    cc_free(documents);
    return code;
}

static bson_t *notification_document(const struct notification *row)
{
    char bucket[BUCKET_BYTES], week[WEEK_BYTES];
    int64_t number = notification_week(row->created_at_ms);
    bucket_name(row->user_id, number, bucket);
    week_name(number, week);
    bson_t *document =
        BCON_NEW("_id", BCON_UTF8(row->notification_id), "user_id", BCON_UTF8(row->user_id),
                 "bucket", BCON_UTF8(bucket), "week", BCON_UTF8(week), "kind", BCON_UTF8(row->kind),
                 "chat_id", BCON_UTF8(row->chat_id), "seq", BCON_INT64(row->seq), "title",
                 BCON_UTF8(row->title), "preview", BCON_UTF8(row->preview), "created_at_ms",
                 BCON_INT64(row->created_at_ms), "read", BCON_BOOL(row->read));
    if (row->message_id != NULL)
        BSON_APPEND_UTF8(document, "message_id", row->message_id);
    return document;
}

/* Retracting */

/* key: message_id or chat_id. */
static enum cc_code drop_by(struct notification_store *base, const char *key, const char *id,
                            struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, NOTIFICATIONS);
    CC_AUTO(bson) bson_t *filter = BCON_NEW(key, BCON_UTF8(id));
    bson_error_t fault;

    return mongoc_collection_delete_many(loan.collection, filter, NULL, NULL, &fault)
               ? CC_OK
               : cc_mongo_fail(&fault, err);
}

static enum cc_code is_retracted(struct notification_store *base, const char *id, bool *out,
                                 struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, RETRACTIONS);
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(id));
    CC_AUTO(cursor)
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(loan.collection, filter, NULL, NULL);
    const bson_t *document;
    bson_error_t fault;

    *out = mongoc_cursor_next(cursor, &document);
    return mongoc_cursor_error(cursor, &fault) ? cc_mongo_fail(&fault, err) : CC_OK;
}

/* seen: the ids that were looked up already; many rows tell of the same chat or message. */
static enum cc_code drop_when_retracted(struct notification_store *base, const char *key,
                                        const char *id, struct cc_hash_map *seen,
                                        struct cc_error *err)
{
    bool retracted;

    if (id == NULL || cc_hash_map_put(seen, id, (void *)id) != NULL)
        return CC_OK;
    CC_TRY(is_retracted(base, id, &retracted, err));
    return retracted ? drop_by(base, key, id, err) : CC_OK;
}

/* Whoever inserts looks for a retraction afterwards, whoever retracts deletes afterwards: whichever
 * comes first, nothing stays. */
static enum cc_code drop_retracted(struct notification_store *base, const struct notification *rows,
                                   size_t count, struct cc_error *err)
{
    CC_AUTO(hash_map) struct cc_hash_map *seen = cc_hash_map_create();

    for (size_t i = 0; i < count; i++) {
        CC_TRY(drop_when_retracted(base, "message_id", rows[i].message_id, seen, err));
        CC_TRY(drop_when_retracted(base, "chat_id", rows[i].chat_id, seen, err));
    }
    return CC_OK;
}

/* Messages and chats share the collection: no id is both. */
static enum cc_code retract_by(struct notification_store *base, const char *key,
                               const char *const *ids, size_t count, int64_t now_ms,
                               struct cc_error *err)
{
    char week[WEEK_BYTES];

    if (count == 0)
        return CC_OK;
    bson_t **documents = cc_calloc(count, sizeof *documents);
    week_name(notification_week(now_ms), week);
    for (size_t i = 0; i < count; i++)
        documents[i] = BCON_NEW("_id", BCON_UTF8(ids[i]), "week", BCON_UTF8(week));
    CC_TRY(insert_all(base, RETRACTIONS, documents, count, err));
    for (size_t i = 0; i < count; i++)
        CC_TRY(drop_by(base, key, ids[i], err));
    return CC_OK;
}

static enum cc_code mongo_retract(struct notification_store *base, const char *const *message_ids,
                                  size_t count, int64_t now_ms, struct cc_error *err)
{
    return retract_by(base, "message_id", message_ids, count, now_ms, err);
}

static enum cc_code mongo_retract_chats(struct notification_store *base,
                                        const char *const *chat_ids, size_t count, int64_t now_ms,
                                        struct cc_error *err)
{
    return retract_by(base, "chat_id", chat_ids, count, now_ms, err);
}

static enum cc_code mongo_insert(struct notification_store *base, const struct notification *rows,
                                 size_t count, struct cc_error *err)
{
    if (count == 0)
        return CC_OK;
    bson_t **documents = cc_calloc(count, sizeof *documents);
    for (size_t i = 0; i < count; i++)
        documents[i] = notification_document(&rows[i]);
    CC_TRY(insert_all(base, NOTIFICATIONS, documents, count, err));
    return drop_retracted(base, rows, count, err);
}

static bson_t *delivery_document(const struct notification_delivery *row)
{
    char id[ROW_ID_BYTES], week[WEEK_BYTES];
    snprintf(id, sizeof id, "%s/%s", row->notification_id, row->channel);
    week_name(notification_week(row->at_ms), week);
    return BCON_NEW("_id", BCON_UTF8(id), "notification_id", BCON_UTF8(row->notification_id),
                    "user_id", BCON_UTF8(row->user_id), "week", BCON_UTF8(week), "channel",
                    BCON_UTF8(row->channel), "outcome", BCON_UTF8(row->outcome), "at_ms",
                    BCON_INT64(row->at_ms));
}

static enum cc_code mongo_log_deliveries(struct notification_store *base,
                                         const struct notification_delivery *rows, size_t count,
                                         struct cc_error *err)
{
    if (count == 0)
        return CC_OK;
    bson_t **documents = cc_calloc(count, sizeof *documents);
    for (size_t i = 0; i < count; i++)
        documents[i] = delivery_document(&rows[i]);
    return insert_all(base, DELIVERIES, documents, count, err);
}

/* Reading */

static void read_row(const bson_t *document, struct cc_arena *arena, struct notification *out)
{
    *out = (struct notification){
        .notification_id = cc_arena_strdup(arena, cc_bson_text(document, "_id")),
        .user_id = cc_arena_strdup(arena, cc_bson_text(document, "user_id")),
        .kind = cc_arena_strdup(arena, cc_bson_text(document, "kind")),
        .chat_id = cc_arena_strdup(arena, cc_bson_text(document, "chat_id")),
        .message_id = bson_has_field(document, "message_id")
                          ? cc_arena_strdup(arena, cc_bson_text(document, "message_id"))
                          : NULL,
        .seq = cc_bson_int(document, "seq", 0),
        .title = cc_arena_strdup(arena, cc_bson_text(document, "title")),
        .preview = cc_arena_strdup(arena, cc_bson_text(document, "preview")),
        .created_at_ms = cc_bson_int(document, "created_at_ms", 0),
        .read = cc_bson_bool(document, "read", false),
    };
}

static bson_t *bucket_filter(const struct notification_query *query, int64_t week)
{
    char bucket[BUCKET_BYTES];
    bucket_name(query->user_id, week, bucket);
    if (query->after == NULL)
        return BCON_NEW("bucket", BCON_UTF8(bucket));
    return BCON_NEW("bucket", BCON_UTF8(bucket), "$or", "[", "{", "created_at_ms", "{", "$lt",
                    BCON_INT64(query->after->created_at_ms), "}", "}", "{", "created_at_ms",
                    BCON_INT64(query->after->created_at_ms), "_id", "{", "$lt",
                    BCON_UTF8(query->after->notification_id), "}", "}", "]");
}

/* Appends what one week has, up to the query's limit. */
static enum cc_code read_week(const struct cc_mongo_loan *loan,
                              const struct notification_query *query, int64_t week,
                              struct cc_arena *arena, struct notification_list *list,
                              struct cc_error *err)
{
    CC_TRY(cc_mongo_admit(loan->mongo, err));
    CC_AUTO(bson) bson_t *filter = bucket_filter(query, week);
    CC_AUTO(bson)
    bson_t *options = BCON_NEW("sort", "{", "created_at_ms", BCON_INT32(-1), "_id", BCON_INT32(-1),
                               "}", "limit", BCON_INT64((int64_t)(query->limit - list->count)));
    CC_AUTO(cursor)
    mongoc_cursor_t *cursor =
        mongoc_collection_find_with_opts(loan->collection, filter, options, NULL);
    const bson_t *document;
    bson_error_t fault;

    while (list->count < query->limit && mongoc_cursor_next(cursor, &document))
        read_row(document, arena, &list->items[list->count++]);
    return mongoc_cursor_error(cursor, &fault) ? cc_mongo_fail(&fault, err) : CC_OK;
}

static enum cc_code mongo_list(struct notification_store *base,
                               const struct notification_query *query, struct cc_arena *arena,
                               struct notification_list *out, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, NOTIFICATIONS);
    int64_t this_week = notification_week(query->now_ms);
    int64_t week = this_week + 1; /* the writer's clock may be ahead */
    struct notification_list list = {.items =
                                         cc_arena_calloc(arena, query->limit, sizeof *list.items)};

    if (query->after != NULL && notification_week(query->after->created_at_ms) < week)
        week = notification_week(query->after->created_at_ms);
    for (; week >= this_week - NOTIFICATION_WEEKS_KEPT && list.count < query->limit; week--)
        CC_TRY(read_week(&loan, query, week, arena, &list, err));
    *out = list;
    return CC_OK;
}

/* Changing */

static enum cc_code mongo_mark_read(struct notification_store *base, const char *user_id,
                                    const char *const *ids, size_t count, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, NOTIFICATIONS);
    CC_AUTO(bson) bson_t *change = BCON_NEW("$set", "{", "read", BCON_BOOL(true), "}");
    bson_error_t fault;

    for (size_t i = 0; i < count; i++) {
        CC_AUTO(bson)
        bson_t *filter = BCON_NEW("_id", BCON_UTF8(ids[i]), "user_id", BCON_UTF8(user_id));
        if (!mongoc_collection_update_one(loan.collection, filter, change, NULL, NULL, &fault))
            return cc_mongo_fail(&fault, err);
    }
    return CC_OK;
}

static enum cc_code drop_bucket(struct notification_store *base, const char *user_id, int64_t week,
                                struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, NOTIFICATIONS);
    char bucket[BUCKET_BYTES];
    bson_error_t fault;

    bucket_name(user_id, week, bucket);
    CC_AUTO(bson) bson_t *filter = BCON_NEW("bucket", BCON_UTF8(bucket));
    return mongoc_collection_delete_many(loan.collection, filter, NULL, NULL, &fault)
               ? CC_OK
               : cc_mongo_fail(&fault, err);
}

static enum cc_code mongo_forget_person(struct notification_store *base, const char *user_id,
                                        int64_t now_ms, struct cc_error *err)
{
    int64_t this_week = notification_week(now_ms);

    for (int64_t week = this_week + 1; week >= this_week - NOTIFICATION_WEEKS_KEPT; week--)
        CC_TRY(drop_bucket(base, user_id, week, err));
    return CC_OK;
}

static enum cc_code purge_collection(struct notification_store *base, const char *collection,
                                     int64_t week, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, collection);
    char name[WEEK_BYTES];
    bson_error_t fault;

    week_name(week, name);
    CC_AUTO(bson) bson_t *filter = BCON_NEW("week", BCON_UTF8(name));
    return mongoc_collection_delete_many(loan.collection, filter, NULL, NULL, &fault)
               ? CC_OK
               : cc_mongo_fail(&fault, err);
}

static enum cc_code mongo_purge_week(struct notification_store *base, int64_t week,
                                     struct cc_error *err)
{
    CC_TRY(purge_collection(base, NOTIFICATIONS, week, err));
    CC_TRY(purge_collection(base, DELIVERIES, week, err));
    return purge_collection(base, RETRACTIONS, week, err);
}

static void mongo_destroy(struct notification_store *base)
{
    cc_free(base);
}

struct notification_store *notification_store_mongo_create(struct cc_mongo *mongo)
{
    static const struct notification_store_ops ops = {
        .insert = mongo_insert,
        .log_deliveries = mongo_log_deliveries,
        .list = mongo_list,
        .mark_read = mongo_mark_read,
        .retract = mongo_retract,
        .retract_chats = mongo_retract_chats,
        .forget_person = mongo_forget_person,
        .purge_week = mongo_purge_week,
        .destroy = mongo_destroy,
    };
    struct mongo_store *store = cc_calloc(1, sizeof *store);
    store->base.ops = &ops;
    store->mongo = mongo;
    return &store->base;
}
