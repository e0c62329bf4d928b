/* Media in MongoDB: collections media, media_uses, media_looks. Any thread. A row of media is
 * updated when it is complete and when it is retired; uses and looks are inserted and deleted. */

#include "common/alloc.h"
#include "common/clock.h"
#include "storage/media_store.h"
#include "storage/mongo_private.h"

#define SWEEP_ID "media"
/* Whose it is, as long as it is not retired. */
#define HELD_BY   "held_by"
#define AVATAR_OF "avatar_of"

struct mongo_store {
    struct media_store base;
    struct message_store *rows; /* the way to collections; owned */
};

static struct message_store *rows_of(struct media_store *store)
{
    return ((struct mongo_store *)store)->rows;
}

static void fill_media(bson_t *row, const struct media *media)
{
    BSON_APPEND_UTF8(row, "_id", media->media_id);
    BSON_APPEND_UTF8(row, "owner_id", media->owner_id);
    BSON_APPEND_UTF8(row, "name", media->name);
    BSON_APPEND_UTF8(row, "content_type", media->content_type);
    BSON_APPEND_UTF8(row, "sha256", media->sha256);
    BSON_APPEND_INT64(row, "size_bytes", media->size_bytes);
    BSON_APPEND_INT32(row, "purpose", (int32_t)media->purpose);
    BSON_APPEND_INT64(row, "created_at_ms", media->created_at_ms);
    BSON_APPEND_INT64(row, "completed_at_ms", media->completed_at_ms);
    BSON_APPEND_UTF8(row, HELD_BY, media->owner_id);
    if (media->purpose == MEDIA_AVATAR)
        BSON_APPEND_UTF8(row, AVATAR_OF, media->owner_id);
}

static enum cc_code add(struct media_store *store, const struct media *media, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN =
        message_mongo_borrow(rows_of(store), MEDIA_COLLECTION);
    CC_AUTO(bson) bson_t *row = bson_new();
    bson_error_t fault;

    fill_media(row, media);
    bool added = mongoc_collection_insert_one(loan.collection, row, NULL, NULL, &fault);
    return added ? CC_OK : cc_mongo_fail(&fault, err);
}

struct found_media {
    struct cc_arena *arena;
    struct media *media;
};

static const char *text(const bson_t *row, const char *key, struct cc_arena *arena)
{
    return cc_arena_strdup(arena, cc_bson_text(row, key));
}

static struct media media_of(const bson_t *row, struct cc_arena *arena)
{
    int64_t purpose = cc_bson_int(row, "purpose", MEDIA_ATTACHMENT);

    return (struct media){
        .media_id = text(row, "_id", arena),
        .owner_id = text(row, "owner_id", arena),
        .name = text(row, "name", arena),
        .content_type = text(row, "content_type", arena),
        .sha256 = text(row, "sha256", arena),
        .size_bytes = cc_bson_int(row, "size_bytes", 0),
        .purpose = purpose == MEDIA_AVATAR ? MEDIA_AVATAR : MEDIA_ATTACHMENT,
        .created_at_ms = cc_bson_int(row, "created_at_ms", 0),
        .completed_at_ms = cc_bson_int(row, "completed_at_ms", 0),
        .retired_at_ms = cc_bson_int(row, "retired_at_ms", 0),
    };
}

static void take_media(const bson_t *row, void *arg)
{
    struct found_media *found = arg;

    found->media = CC_ARENA_NEW(found->arena, struct media);
    *found->media = media_of(row, found->arena);
}

static enum cc_code find(struct media_store *store, const char *media_id, struct cc_arena *arena,
                         struct media **out, struct cc_error *err)
{
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(media_id));
    struct found_media found = {arena, NULL};

    CC_TRY(message_mongo_visit(rows_of(store), MEDIA_COLLECTION, filter, take_media, &found, err));
    *out = found.media;
    return CC_OK;
}

static enum cc_code complete(struct media_store *store, const char *media_id, int64_t at_ms,
                             struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN =
        message_mongo_borrow(rows_of(store), MEDIA_COLLECTION);
    CC_AUTO(bson)
    bson_t *filter = BCON_NEW("_id", BCON_UTF8(media_id), "completed_at_ms", BCON_INT64(0));
    CC_AUTO(bson)
    bson_t *update = BCON_NEW("$set", "{", "completed_at_ms", BCON_INT64(at_ms), "}");
    bson_error_t fault;
    bool done = mongoc_collection_update_one(loan.collection, filter, update, NULL, NULL, &fault);
    return done ? CC_OK : cc_mongo_fail(&fault, err);
}

static enum cc_code retire(struct media_store *store, const char *media_id, int64_t at_ms,
                           struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN =
        message_mongo_borrow(rows_of(store), MEDIA_COLLECTION);
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(media_id));
    CC_AUTO(bson)
    bson_t *update = BCON_NEW("$set", "{", "retired_at_ms", BCON_INT64(at_ms), "name",
                              BCON_UTF8(MEDIA_RETIRED_NAME), "}", "$unset", "{", HELD_BY,
                              BCON_UTF8(""), AVATAR_OF, BCON_UTF8(""), "}");
    bson_error_t fault;
    bool done = mongoc_collection_update_one(loan.collection, filter, update, NULL, NULL, &fault);
    return done ? CC_OK : cc_mongo_fail(&fault, err);
}

struct media_rows {
    struct cc_arena *arena;
    struct media_list list;
};

static void add_media(const bson_t *row, void *arg)
{
    struct media_rows *rows = arg;
    rows->list.items[rows->list.count++] = media_of(row, rows->arena);
}

static enum cc_code list_media(struct media_store *store, const bson_t *filter, size_t limit,
                               struct cc_arena *arena, struct media_list *out, struct cc_error *err)
{
    struct media_rows rows = {.arena = arena};

    rows.list.items = cc_arena_calloc(arena, limit + 1, sizeof *rows.list.items);
    CC_TRY(message_mongo_visit_some(rows_of(store), MEDIA_COLLECTION, filter, (int64_t)limit,
                                    add_media, &rows, err));
    *out = rows.list;
    return CC_OK;
}

static enum cc_code held_by(struct media_store *store, const char *owner_id, size_t limit,
                            struct cc_arena *arena, struct media_list *out, struct cc_error *err)
{
    CC_AUTO(bson) bson_t *filter = BCON_NEW(HELD_BY, BCON_UTF8(owner_id));
    return list_media(store, filter, limit, arena, out, err);
}

static enum cc_code avatars_of(struct media_store *store, const char *owner_id, size_t limit,
                               struct cc_arena *arena, struct media_list *out, struct cc_error *err)
{
    CC_AUTO(bson) bson_t *filter = BCON_NEW(AVATAR_OF, BCON_UTF8(owner_id));
    return list_media(store, filter, limit, arena, out, err);
}

static enum cc_code remove_media(struct media_store *store, const char *media_id,
                                 struct cc_error *err)
{
    return message_mongo_delete(rows_of(store), MEDIA_COLLECTION, "_id", media_id, err);
}

static void fill_use(bson_t *row, const struct media_use *use)
{
    char id[MESSAGE_ROW_ID_BYTES];

    (void)snprintf(id, sizeof id, "%s/%s", use->media_id, use->message_id);
    BSON_APPEND_UTF8(row, "_id", id);
    BSON_APPEND_UTF8(row, "media_id", use->media_id);
    BSON_APPEND_UTF8(row, "message_id", use->message_id);
    BSON_APPEND_UTF8(row, "chat_id", use->chat_id);
}

static enum cc_code put_uses(struct media_store *store, const struct media_use *uses, size_t count,
                             struct cc_error *err)
{
    struct mongo_rows rows MONGO_ROWS = mongo_rows_create(count);

    for (size_t i = 0; i < count; i++)
        fill_use(&rows.rows[i], &uses[i]);
    return message_mongo_insert_missing(rows_of(store), USES_COLLECTION, &rows, err);
}

struct found_uses {
    struct cc_arena *arena;
    struct media_use_list list;
};

static void take_use(const bson_t *row, void *arg)
{
    struct found_uses *found = arg;

    if (found->list.count == MEDIA_USES_MAX)
        return;
    found->list.items[found->list.count++] = (struct media_use){
        text(row, "media_id", found->arena),
        text(row, "message_id", found->arena),
        text(row, "chat_id", found->arena),
    };
}

static enum cc_code uses_by(struct media_store *store, const char *key, const char *value,
                            struct cc_arena *arena, struct media_use_list *out,
                            struct cc_error *err)
{
    CC_AUTO(bson) bson_t *filter = BCON_NEW(key, BCON_UTF8(value));
    struct found_uses found = {.arena = arena};

    found.list.items = cc_arena_calloc(arena, MEDIA_USES_MAX, sizeof *found.list.items);
    CC_TRY(message_mongo_visit(rows_of(store), USES_COLLECTION, filter, take_use, &found, err));
    *out = found.list;
    return CC_OK;
}

static enum cc_code uses_of(struct media_store *store, const char *media_id, struct cc_arena *arena,
                            struct media_use_list *out, struct cc_error *err)
{
    return uses_by(store, "media_id", media_id, arena, out, err);
}

static enum cc_code shown_by(struct media_store *store, const char *message_id,
                             struct cc_arena *arena, struct media_use_list *out,
                             struct cc_error *err)
{
    return uses_by(store, "message_id", message_id, arena, out, err);
}

static enum cc_code drop_uses(struct media_store *store, const char *message_id,
                              struct cc_error *err)
{
    return message_mongo_delete(rows_of(store), USES_COLLECTION, "message_id", message_id, err);
}

static enum cc_code plan_look(struct media_store *store, const char *media_id, int64_t at_ms,
                              struct cc_error *err)
{
    struct mongo_rows rows MONGO_ROWS = mongo_rows_create(1);
    char id[MESSAGE_ROW_ID_BYTES];

    (void)snprintf(id, sizeof id, "%s/%lld", media_id, (long long)at_ms);
    BSON_APPEND_UTF8(&rows.rows[0], "_id", id);
    BSON_APPEND_UTF8(&rows.rows[0], "media_id", media_id);
    mongo_slot_write(&rows.rows[0], at_ms, cc_wall_ms(cc_clock_system()));
    return message_mongo_insert_missing(rows_of(store), LOOKS_COLLECTION, &rows, err);
}

struct due_looks {
    struct cc_arena *arena;
    struct media_look_list list;
};

static void take_look(const bson_t *row, void *arg)
{
    struct due_looks *due = arg;

    due->list.items[due->list.count++] =
        (struct media_look){text(row, "_id", due->arena), text(row, "media_id", due->arena)};
}

static enum cc_code looks_due(struct media_store *store, int64_t now_ms, size_t limit,
                              struct cc_arena *arena, struct media_look_list *out,
                              struct cc_error *err)
{
    struct due_looks looks = {.arena = arena};
    const struct mongo_due due = {.collection = LOOKS_COLLECTION,
                                  .sweep_id = SWEEP_ID,
                                  .now_ms = now_ms,
                                  .limit = limit,
                                  .take = take_look,
                                  .arg = &looks};

    looks.list.items = cc_arena_calloc(arena, limit + 1, sizeof *looks.list.items);
    CC_TRY(message_mongo_visit_due(rows_of(store), &due, err));
    *out = looks.list;
    return CC_OK;
}

static enum cc_code forget_look(struct media_store *store, const char *look_id,
                                struct cc_error *err)
{
    return message_mongo_delete(rows_of(store), LOOKS_COLLECTION, "_id", look_id, err);
}

static void destroy(struct media_store *store)
{
    message_store_destroy(rows_of(store));
    cc_free(store);
}

static const struct media_store_ops mongo_ops = {
    .add = add,
    .find = find,
    .complete = complete,
    .retire = retire,
    .held_by = held_by,
    .avatars_of = avatars_of,
    .remove = remove_media,
    .put_uses = put_uses,
    .uses_of = uses_of,
    .shown_by = shown_by,
    .drop_uses = drop_uses,
    .plan_look = plan_look,
    .looks_due = looks_due,
    .forget_look = forget_look,
    .destroy = destroy,
};

struct media_store *media_store_mongo_create(struct cc_mongo *mongo)
{
    struct mongo_store *store = cc_calloc(1, sizeof *store);

    store->base.ops = &mongo_ops;
    store->rows = message_store_mongo_create(mongo);
    return &store->base;
}
