/* People's states in MongoDB: collection chat_personal. Any thread: each call borrows a client.
 * Relies on unique `_id`s and on single-document updates whose filter carries the version. */

#include <string.h>

#include "common/alloc.h"
#include "common/mongo_pool.h"
#include "storage/chat_rows.h"
#include "storage/personal_store.h"

#define PERSONAL "chat_personal"

struct mongo_store {
    struct personal_store base;
    struct cc_mongo *mongo; /* borrowed */
};

static struct cc_mongo_loan borrow(struct personal_store *base)
{
    return cc_mongo_loan(((struct mongo_store *)base)->mongo, PERSONAL);
}

static bson_t *row_of(const struct personal *personal)
{
    const struct personal_wish *wish = &personal->wish;
    bson_t *row = bson_new();
    char id[CHAT_MEMBER_ID_BYTES];

    chat_member_row_id(personal->chat_id, personal->user_id, id);
    BSON_APPEND_UTF8(row, "_id", id);
    BSON_APPEND_UTF8(row, "chat_id", personal->chat_id);
    BSON_APPEND_UTF8(row, "user_id", personal->user_id);
    BSON_APPEND_INT64(row, "version", personal->version);
    BSON_APPEND_INT64(row, "at_ms", personal->at_ms);
    BSON_APPEND_INT64(row, "mute_until_ms", wish->mute_until_ms);
    BSON_APPEND_BOOL(row, "pinned", wish->pinned);
    BSON_APPEND_BOOL(row, "archived", wish->archived);
    BSON_APPEND_BOOL(row, "marked_unread", wish->marked_unread);
    BSON_APPEND_UTF8(row, "notify", personal_notify_names[wish->notify]);
    BSON_APPEND_BOOL(row, "cleared", personal->cleared);
    BSON_APPEND_INT64(row, "cleared_seq", personal->cleared_seq);
    BSON_APPEND_BOOL(row, "announced", false);
    return row;
}

static struct personal read_row(const bson_t *row, struct cc_arena *arena)
{
    return (struct personal){
        .chat_id = cc_arena_strdup(arena, cc_bson_text(row, "chat_id")),
        .user_id = cc_arena_strdup(arena, cc_bson_text(row, "user_id")),
        .version = cc_bson_int(row, "version", 0),
        .at_ms = cc_bson_int(row, "at_ms", 0),
        .wish = {.mute_until_ms = cc_bson_int(row, "mute_until_ms", 0),
                 .pinned = cc_bson_bool(row, "pinned", false),
                 .archived = cc_bson_bool(row, "archived", false),
                 .marked_unread = cc_bson_bool(row, "marked_unread", false),
                 .notify = (enum personal_notify)cc_name_index(
                     personal_notify_names, cc_bson_text(row, "notify"), PERSONAL_DEFAULT)},
        .cleared = cc_bson_bool(row, "cleared", false),
        .cleared_seq = cc_bson_int(row, "cleared_seq", 0),
        .announced = cc_bson_bool(row, "announced", false),
    };
}

/* All that the filter finds, at most `limit`. */
static enum cc_code collect(struct personal_store *base, const bson_t *filter, size_t limit,
                            struct cc_arena *arena, struct personal_list *out, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base);
    CC_TRY(cc_mongo_admit(loan.mongo, err));
    CC_AUTO(bson) bson_t *options = BCON_NEW("limit", BCON_INT64((int64_t)limit));
    CC_AUTO(cursor)
    mongoc_cursor_t *cursor =
        mongoc_collection_find_with_opts(loan.collection, filter, options, NULL);
    const bson_t *row;
    bson_error_t fault;
    size_t capacity = 0;

    *out = (struct personal_list){0};
    while (mongoc_cursor_next(cursor, &row)) {
        if (out->count == capacity) {
            capacity = capacity == 0 ? 16 : capacity * 2;
            struct personal *larger = cc_arena_calloc(arena, capacity, sizeof(*larger));

            if (out->count > 0)
                memcpy(larger, out->items, out->count * sizeof(*larger));
            out->items = larger;
        }
        out->items[out->count++] = read_row(row, arena);
    }
    return mongoc_cursor_error(cursor, &fault) ? cc_mongo_fail(&fault, err) : CC_OK;
}

static enum cc_code mongo_find(struct personal_store *base, const char *chat_id,
                               const char *user_id, struct cc_arena *arena, struct personal **out,
                               struct cc_error *err)
{
    struct personal_list found;
    char id[CHAT_MEMBER_ID_BYTES];

    chat_member_row_id(chat_id, user_id, id);
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(id));
    CC_TRY(collect(base, filter, 1, arena, &found, err));
    *out = CC_ARENA_NEW(arena, struct personal);
    **out = found.count > 0
                ? found.items[0]
                : (struct personal){.chat_id = chat_id, .user_id = user_id, .announced = true};
    return CC_OK;
}

static enum cc_code mongo_list(struct personal_store *base, const char *user_id,
                               struct cc_arena *arena, struct personal_list *out,
                               struct cc_error *err)
{
    CC_AUTO(bson) bson_t *filter = BCON_NEW("user_id", BCON_UTF8(user_id));

    return collect(base, filter, PERSONAL_LIST_MAX, arena, out, err);
}

static enum cc_code mongo_list_of_chat(struct personal_store *base, const char *chat_id,
                                       struct cc_arena *arena, struct personal_list *out,
                                       struct cc_error *err)
{
    CC_AUTO(bson) bson_t *filter = BCON_NEW("chat_id", BCON_UTF8(chat_id));

    return collect(base, filter, PERSONAL_CHAT_MAX, arena, out, err);
}

static enum cc_code mongo_list_unannounced(struct personal_store *base, struct cc_arena *arena,
                                           struct personal_list *out, struct cc_error *err)
{
    CC_AUTO(bson) bson_t *filter = BCON_NEW("announced", BCON_BOOL(false));

    return collect(base, filter, PERSONAL_PENDING_MAX, arena, out, err);
}

/* Sets fields of the document when it has this version. out_matched: it has. */
static enum cc_code update_version(struct personal_store *base, const struct personal *personal,
                                   int64_t version, const bson_t *fields, bool *out_matched,
                                   struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base);
    char id[CHAT_MEMBER_ID_BYTES];
    bson_t reply;
    bson_error_t fault;

    chat_member_row_id(personal->chat_id, personal->user_id, id);
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(id), "version", BCON_INT64(version));
    CC_AUTO(bson) bson_t *update = BCON_NEW("$set", BCON_DOCUMENT(fields));
    bool done = mongoc_collection_update_one(loan.collection, filter, update, NULL, &reply, &fault);
    *out_matched = cc_bson_int(&reply, "matchedCount", 0) > 0;
    bson_destroy(&reply);
    return done ? CC_OK : cc_mongo_fail(&fault, err);
}

static enum cc_code insert(struct personal_store *base, const bson_t *row, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base);
    bson_error_t fault;

    if (!mongoc_collection_insert_one(loan.collection, row, NULL, NULL, &fault))
        return cc_mongo_fail(&fault, err);
    return CC_OK;
}

static enum cc_code mongo_put(struct personal_store *base, const struct personal *next,
                              struct cc_error *err)
{
    CC_AUTO(bson) bson_t *row = row_of(next);
    bool matched = false;

    if (next->version == 1)
        return insert(base, row, err);
    CC_AUTO(bson) bson_t *fields = bson_new();
    bson_copy_to_excluding_noinit(row, fields, "_id", NULL);
    CC_TRY(update_version(base, next, next->version - 1, fields, &matched, err));
    return matched ? CC_OK : cc_fail(err, CC_CONFLICT, NULL, "it has changed meanwhile");
}

static enum cc_code mongo_mark_announced(struct personal_store *base,
                                         const struct personal *personal, struct cc_error *err)
{
    CC_AUTO(bson) bson_t *fields = BCON_NEW("announced", BCON_BOOL(true));
    bool matched = false; /* no matter: a newer version is announced by itself */

    return update_version(base, personal, personal->version, fields, &matched, err);
}

static enum cc_code mongo_forget(struct personal_store *base, const char *user_id,
                                 struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base);
    CC_AUTO(bson) bson_t *filter = BCON_NEW("user_id", BCON_UTF8(user_id));
    bson_error_t fault;

    return mongoc_collection_delete_many(loan.collection, filter, NULL, NULL, &fault)
               ? CC_OK
               : cc_mongo_fail(&fault, err);
}

static void mongo_destroy(struct personal_store *base)
{
    cc_free(base);
}

static const struct personal_store_ops mongo_ops = {
    .find = mongo_find,
    .list = mongo_list,
    .list_of_chat = mongo_list_of_chat,
    .put = mongo_put,
    .list_unannounced = mongo_list_unannounced,
    .mark_announced = mongo_mark_announced,
    .forget = mongo_forget,
    .destroy = mongo_destroy,
};

struct personal_store *personal_store_mongo_create(struct cc_mongo *mongo)
{
    struct mongo_store *store = cc_calloc(1, sizeof(*store));

    store->base.ops = &mongo_ops;
    store->mongo = mongo;
    return &store->base;
}
