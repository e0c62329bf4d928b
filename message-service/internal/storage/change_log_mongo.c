/* Collection `changes`: the log. Any thread. The ordered insert is the fence (`_id` holds the rev)
 * and the deduplication (unique chat_id, op_id) in one. */

#include <stdlib.h>

#include "storage/mongo_private.h"

static enum cc_code append_portion(struct cc_mongo_loan *loan, const struct change *const *changes,
                                   size_t count, size_t *out_stored, struct cc_error *err)
{
    struct mongo_rows rows MONGO_ROWS = mongo_rows_create(count);
    bson_t reply;
    bson_error_t fault;

    for (size_t i = 0; i < count; i++)
        message_row_from_change(&rows.rows[i], changes[i]);
    bool stored =
        mongoc_collection_insert_many(loan->collection, rows.borrow, count, NULL, &reply, &fault);
    int64_t failed = cc_mongo_failed_index(&reply);
    bson_destroy(&reply);
    *out_stored = stored ? count : failed < 0 ? 0 : (size_t)failed;
    return stored ? CC_OK : cc_mongo_fail(&fault, err);
}

/* In portions, so that what is stored is a prefix on every server: see CC_MONGO_INSERTS_MAX. */
enum cc_code message_mongo_append_changes(struct message_store *store,
                                          const struct change *const *changes, size_t count,
                                          size_t *out_stored, struct cc_error *err)
{
    *out_stored = 0;
    CC_TRY(message_mongo_plan_refusals(store, changes, count, err));
    struct cc_mongo_loan loan CC_MONGO_LOAN = message_mongo_borrow(store, CHANGES_COLLECTION);
    enum cc_code code = CC_OK;

    while (code == CC_OK && *out_stored < count) {
        size_t left = count - *out_stored, stored = 0;
        size_t portion = left < CC_MONGO_INSERTS_MAX ? left : CC_MONGO_INSERTS_MAX;
        code = append_portion(&loan, changes + *out_stored, portion, &stored, err);
        *out_stored += stored;
    }
    return code;
}

struct one_change {
    struct cc_arena *arena;
    struct change *found;
};

static void take_one(const bson_t *row, void *arg)
{
    struct one_change *one = arg;
    one->found = message_row_to_change(row, one->arena);
}

enum cc_code message_mongo_find_operation(struct message_store *store, const char *chat_id,
                                          const char *op_id, struct cc_arena *arena,
                                          struct change **out, struct cc_error *err)
{
    CC_AUTO(bson)
    bson_t *filter = BCON_NEW("op_id", BCON_UTF8(op_id), "chat_id", BCON_UTF8(chat_id));
    struct one_change one = {arena, NULL};

    CC_TRY(message_mongo_visit(store, CHANGES_COLLECTION, filter, take_one, &one, err));
    *out = one.found;
    return CC_OK;
}

struct collector {
    struct cc_arena *arena;
    int64_t after_rev;
    struct change *items[1 << BUCKET_BITS]; /* a bucket holds no more */
    size_t count;
};

static void collect(const bson_t *row, void *arg)
{
    struct collector *bucket = arg;
    bool wanted = cc_bson_int(row, "rev", 0) > bucket->after_rev;

    if (wanted && bucket->count < sizeof bucket->items / sizeof bucket->items[0])
        bucket->items[bucket->count++] = message_row_to_change(row, bucket->arena);
}

static int by_rev(const void *a, const void *b)
{
    const struct change *left = *(struct change *const *)a, *right = *(struct change *const *)b;
    return (left->rev > right->rev) - (left->rev < right->rev);
}

static enum cc_code read_bucket(struct message_store *store, const char *chat_id, int64_t rev,
                                struct collector *out, struct cc_error *err)
{
    char bucket[MESSAGE_ROW_ID_BYTES];

    message_row_bucket(chat_id, rev, bucket);
    CC_AUTO(bson)
    bson_t *filter = BCON_NEW("bucket", BCON_UTF8(bucket), "chat_id", BCON_UTF8(chat_id));
    CC_TRY(message_mongo_visit(store, CHANGES_COLLECTION, filter, collect, out, err));
    qsort(out->items, out->count, sizeof out->items[0], by_rev);
    return CC_OK;
}

/* The next row alone, which costs a tenth of a bucket: mostly there is none. */
static enum cc_code has_next(struct message_store *store, const char *chat_id, int64_t rev,
                             struct cc_arena *arena, bool *out, struct cc_error *err)
{
    char id[MESSAGE_ROW_ID_BYTES];
    struct one_change one = {arena, NULL};

    message_row_id(chat_id, rev, id);
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(id), "chat_id", BCON_UTF8(chat_id));
    CC_TRY(message_mongo_visit(store, CHANGES_COLLECTION, filter, take_one, &one, err));
    *out = one.found != NULL;
    return CC_OK;
}

enum cc_code message_mongo_changes_after(struct message_store *store, const char *chat_id,
                                         int64_t after_rev, size_t limit, struct cc_arena *arena,
                                         struct change_list *out, struct cc_error *err)
{
    struct change_list list = {NULL, 0};
    bool more;

    CC_TRY(has_next(store, chat_id, after_rev + 1, arena, &more, err));
    if (more)
        list.items = cc_arena_calloc(arena, limit, sizeof *list.items);
    while (more && list.count < limit) {
        int64_t reached = after_rev + (int64_t)list.count;
        struct collector bucket = {.arena = arena, .after_rev = reached};
        CC_TRY(read_bucket(store, chat_id, reached + 1, &bucket, err));
        for (size_t i = 0; i < bucket.count && list.count < limit; i++)
            if (bucket.items[i]->rev == after_rev + (int64_t)list.count + 1)
                list.items[list.count++] = bucket.items[i];
        int64_t last = after_rev + (int64_t)list.count;
        bool bucket_full = ((last + 1) & ((1 << BUCKET_BITS) - 1)) == 0;
        more = bucket_full && last > reached;
    }
    *out = list;
    return CC_OK;
}

struct versions {
    struct cc_arena *arena;
    struct change *items[MESSAGE_VERSIONS_MAX + 1];
    size_t count;
};

/* Of too many the oldest goes; rows come in no order. */
static void collect_version(const bson_t *row, void *arg)
{
    struct versions *versions = arg;
    struct change *change = message_row_to_change(row, versions->arena);

    if (!change_accepted(change) || !change_makes_version(change))
        return;
    versions->items[versions->count++] = change;
    if (versions->count <= MESSAGE_VERSIONS_MAX)
        return;
    qsort(versions->items, versions->count, sizeof versions->items[0], by_rev);
    versions->count--;
    for (size_t i = 0; i < versions->count; i++)
        versions->items[i] = versions->items[i + 1];
}

/* A message has the id of the operation that made it; its edits name it. */
static bson_t *first_version(const char *chat_id, const char *message_id)
{
    return BCON_NEW("op_id", BCON_UTF8(message_id), "chat_id", BCON_UTF8(chat_id));
}

static bson_t *later_versions(const char *chat_id, const char *message_id)
{
    return BCON_NEW("chat_id", BCON_UTF8(chat_id), "alters", BCON_UTF8(message_id), "op",
                    BCON_UTF8(cc_op_names[CC_OP_EDIT]));
}

enum cc_code message_mongo_versions_of(struct message_store *store, const char *chat_id,
                                       const char *message_id, struct cc_arena *arena,
                                       struct change_list *out, struct cc_error *err)
{
    struct versions versions = {.arena = arena};
    CC_AUTO(bson) bson_t *first = first_version(chat_id, message_id);
    CC_AUTO(bson) bson_t *later = later_versions(chat_id, message_id);

    CC_TRY(message_mongo_visit(store, CHANGES_COLLECTION, first, collect_version, &versions, err));
    CC_TRY(message_mongo_visit(store, CHANGES_COLLECTION, later, collect_version, &versions, err));
    if (versions.count > 1)
        qsort(versions.items, versions.count, sizeof versions.items[0], by_rev);
    out->items = cc_arena_calloc(arena, versions.count + 1, sizeof *out->items);
    out->count = versions.count;
    for (size_t i = 0; i < versions.count; i++)
        out->items[i] = versions.items[i];
    return CC_OK;
}

static enum cc_code add_update(mongo_bulk *bulk, const bson_t *filter, const bson_t *update,
                               struct cc_error *err)
{
    bson_error_t fault;
    bool added = mongoc_bulk_operation_update_many_with_opts(bulk, filter, update, NULL, &fault);
    return added ? CC_OK : cc_mongo_fail(&fault, err);
}

/* The row that made the message, or those that altered it before it was deleted. */
static enum cc_code add_strip(mongo_bulk *bulk, const struct change *deletion, const char *field,
                              struct cc_error *err)
{
    CC_AUTO(bson)
    bson_t *filter =
        BCON_NEW(field, BCON_UTF8(deletion->message.message_id), "chat_id",
                 BCON_UTF8(deletion->chat_id), "rev", "{", "$lt", BCON_INT64(deletion->rev), "}");
    CC_AUTO(bson) bson_t *update = bson_new();

    message_row_strip(update);
    return add_update(bulk, filter, update, err);
}

static enum cc_code add_strip_of_create(mongo_bulk *bulk, const void *deletions, size_t index,
                                        struct cc_error *err)
{
    return add_strip(bulk, ((const struct change *const *)deletions)[index], "op_id", err);
}

static enum cc_code add_strip_of_alterations(mongo_bulk *bulk, const void *deletions, size_t index,
                                             struct cc_error *err)
{
    return add_strip(bulk, ((const struct change *const *)deletions)[index], "alters", err);
}

enum cc_code message_mongo_strip(struct message_store *store, const struct change *const *deletions,
                                 size_t count, struct cc_error *err)
{
    CC_TRY(message_mongo_write_each(store, CHANGES_COLLECTION, add_strip_of_create, deletions,
                                    count, err));
    return message_mongo_write_each(store, CHANGES_COLLECTION, add_strip_of_alterations, deletions,
                                    count, err);
}
