/* The store in MongoDB: collections chat_changes, chats, memberships, chat_activity. Any thread:
 * each call borrows a client. Relies on unique `_id`s and on single-document updates whose filter
 * carries the version; on nothing between documents. */

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/mongo_pool.h"
#include "storage/chat_rows.h"
#include "storage/chat_store.h"

#define CHANGES    "chat_changes"
#define CHATS      "chats"
#define MEMBERS    "memberships"
#define ACTIVITIES "chat_activity"

#define FIRST_MEMBERS 32

struct mongo_store {
    struct chat_store base;
    struct cc_mongo *mongo; /* borrowed */
};

static struct cc_mongo_loan borrow(struct chat_store *base, const char *collection)
{
    return cc_mongo_loan(((struct mongo_store *)base)->mongo, collection);
}

/* Reading */

/* Called for each document found; `out` is the caller's. */
typedef void (*row_visitor)(const bson_t *row, struct cc_arena *arena, void *out);

static enum cc_code visit_rows(struct cc_mongo_loan *loan, const bson_t *filter,
                               const bson_t *options, row_visitor visit, struct cc_arena *arena,
                               void *out, struct cc_error *err)
{
    CC_AUTO(cursor)
    mongoc_cursor_t *cursor =
        mongoc_collection_find_with_opts(loan->collection, filter, options, NULL);
    const bson_t *row;
    bson_error_t fault;

    while (mongoc_cursor_next(cursor, &row))
        visit(row, arena, out);
    if (mongoc_cursor_error(cursor, &fault))
        return cc_mongo_fail(&fault, err);
    return CC_OK;
}

struct one_row {
    void (*read)(const bson_t *row, struct cc_arena *arena, void *out);
    void *out;
    bool found;
};

static void take_one(const bson_t *row, struct cc_arena *arena, void *out)
{
    struct one_row *one = out;

    one->read(row, arena, one->out);
    one->found = true;
}

static enum cc_code find_by_id(struct chat_store *base, const char *collection, const char *id,
                               struct cc_arena *arena, struct one_row *one, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, collection);
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(id));
    CC_AUTO(bson) bson_t *options = BCON_NEW("limit", BCON_INT64(1));

    CC_TRY(visit_rows(&loan, filter, options, take_one, arena, one, err));
    if (!one->found)
        return cc_fail(err, CC_NOT_FOUND, NULL, "there is nothing of that id");
    return CC_OK;
}

static void read_change(const bson_t *row, struct cc_arena *arena, void *out)
{
    *(struct chat_change **)out = chat_row_to_change(row, arena);
}

static void read_chat(const bson_t *row, struct cc_arena *arena, void *out)
{
    struct chat *chat = CC_ARENA_NEW(arena, struct chat);

    chat_row_to_chat(row, arena, chat);
    *(struct chat **)out = chat;
}

static void read_member(const bson_t *row, struct cc_arena *arena, void *out)
{
    struct membership *member = CC_ARENA_NEW(arena, struct membership);

    chat_row_to_member(row, arena, member);
    *(struct membership **)out = member;
}

static void read_activity(const bson_t *row, struct cc_arena *arena, void *out)
{
    struct chat_activity *activity = CC_ARENA_NEW(arena, struct chat_activity);

    chat_row_to_activity(row, arena, activity);
    *(struct chat_activity **)out = activity;
}

static enum cc_code mongo_find_change(struct chat_store *base, const char *chat_id, int64_t version,
                                      struct cc_arena *arena, struct chat_change **out,
                                      struct cc_error *err)
{
    struct one_row one = {.read = read_change, .out = out};
    char id[CHAT_CHANGE_ID_BYTES];

    chat_change_row_id(chat_id, version, id);
    return find_by_id(base, CHANGES, id, arena, &one, err);
}

static enum cc_code mongo_find_chat(struct chat_store *base, const char *chat_id,
                                    struct cc_arena *arena, struct chat **out, struct cc_error *err)
{
    struct one_row one = {.read = read_chat, .out = out};

    return find_by_id(base, CHATS, chat_id, arena, &one, err);
}

static enum cc_code mongo_find_member(struct chat_store *base, const char *chat_id,
                                      const char *user_id, struct cc_arena *arena,
                                      struct membership **out, struct cc_error *err)
{
    struct one_row one = {.read = read_member, .out = out};
    char id[CHAT_MEMBER_ID_BYTES];

    chat_member_row_id(chat_id, user_id, id);
    return find_by_id(base, MEMBERS, id, arena, &one, err);
}

static enum cc_code mongo_find_activity(struct chat_store *base, const char *chat_id,
                                        struct cc_arena *arena, struct chat_activity **out,
                                        struct cc_error *err)
{
    struct one_row one = {.read = read_activity, .out = out};

    return find_by_id(base, ACTIVITIES, chat_id, arena, &one, err);
}

static void collect_change(const bson_t *row, struct cc_arena *arena, void *out)
{
    struct chat_change_list *list = out;

    list->items[list->count++] = chat_row_to_change(row, arena);
}

static int compare_changes(const void *left, const void *right)
{
    const struct chat_change *a = *(struct chat_change *const *)left;
    const struct chat_change *b = *(struct chat_change *const *)right;
    int by_chat = strcmp(a->after.chat_id, b->after.chat_id);

    if (by_chat != 0)
        return by_chat;
    return a->after.version < b->after.version ? -1 : 1;
}

static enum cc_code mongo_list_unannounced(struct chat_store *base, const char *chat_id,
                                           struct cc_arena *arena, struct chat_change_list *out,
                                           struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, CHANGES);
    CC_AUTO(bson) bson_t *filter = BCON_NEW("announced", BCON_BOOL(false));
    CC_AUTO(bson) bson_t *options = BCON_NEW("limit", BCON_INT64(CHAT_PENDING_MAX));

    if (chat_id != NULL)
        BSON_APPEND_UTF8(filter, "chat_id", chat_id);
    out->count = 0;
    out->items = cc_arena_calloc(arena, CHAT_PENDING_MAX, sizeof(struct chat_change *));
    CC_TRY(visit_rows(&loan, filter, options, collect_change, arena, out, err));
    qsort(out->items, out->count, sizeof(struct chat_change *), compare_changes);
    return CC_OK;
}

struct member_collector {
    struct chat_member_list *list;
    size_t capacity;
};

static void collect_member(const bson_t *row, struct cc_arena *arena, void *out)
{
    struct member_collector *collector = out;
    struct chat_member_list *list = collector->list;

    if (list->count == collector->capacity) {
        struct membership *larger =
            cc_arena_calloc(arena, collector->capacity * 2, sizeof(*larger));

        memcpy(larger, list->items, list->count * sizeof(*larger));
        list->items = larger;
        collector->capacity *= 2;
    }
    chat_row_to_member(row, arena, &list->items[list->count++]);
}

static enum cc_code list_some(struct chat_store *base, const bson_t *filter, const char *order,
                              size_t limit, struct cc_arena *arena, struct chat_member_list *out,
                              struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, MEMBERS);
    CC_AUTO(bson)
    bson_t *options =
        BCON_NEW("limit", BCON_INT64((int64_t)limit), "sort", "{", order, BCON_INT32(1), "}");

    struct member_collector collector = {.list = out, .capacity = FIRST_MEMBERS};

    out->count = 0;
    out->items = cc_arena_calloc(arena, FIRST_MEMBERS, sizeof(*out->items));
    return visit_rows(&loan, filter, options, collect_member, arena, &collector, err);
}

static void append_state(bson_t *filter, enum chat_member_filter which)
{
    enum member_state state = which == CHAT_MEMBERS_BANNED ? MEMBER_BANNED : MEMBER_ACTIVE;

    if (which != CHAT_MEMBERS_EVER)
        BSON_APPEND_UTF8(filter, "state", member_state_names[state]);
}

static enum cc_code mongo_list_members(struct chat_store *base,
                                       const struct chat_member_query *query,
                                       struct cc_arena *arena, struct chat_member_list *out,
                                       struct cc_error *err)
{
    CC_AUTO(bson) bson_t *filter = BCON_NEW("chat_id", BCON_UTF8(query->chat_id));

    append_state(filter, query->filter);
    if (query->after_user_id[0] != '\0')
        BCON_APPEND(filter, "user_id", "{", "$gt", BCON_UTF8(query->after_user_id), "}");
    return list_some(base, filter, "user_id", query->limit, arena, out, err);
}

static enum cc_code mongo_list_memberships(struct chat_store *base, const char *user_id,
                                           enum chat_member_filter which, struct cc_arena *arena,
                                           struct chat_member_list *out, struct cc_error *err)
{
    CC_AUTO(bson) bson_t *filter = BCON_NEW("user_id", BCON_UTF8(user_id));

    append_state(filter, which);
    return list_some(base, filter, "chat_id", CHAT_MEMBERSHIPS_MAX, arena, out, err);
}

/* Writing */

static enum cc_code mongo_append(struct chat_store *base, const struct chat_change *change,
                                 struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, CHANGES);
    CC_AUTO(bson) bson_t *row = chat_row_from_change(change);
    bson_error_t fault;

    if (!mongoc_collection_insert_one(loan.collection, row, NULL, NULL, &fault))
        return cc_mongo_fail(&fault, err);
    return CC_OK;
}

static enum cc_code mongo_mark_announced(struct chat_store *base, const struct chat_change *change,
                                         struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, CHANGES);
    char id[CHAT_CHANGE_ID_BYTES];
    bson_error_t fault;

    chat_change_row_id(change->after.chat_id, change->after.version, id);
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(id));
    CC_AUTO(bson) bson_t *update = BCON_NEW("$set", "{", "announced", BCON_BOOL(true), "}");
    if (!mongoc_collection_update_one(loan.collection, filter, update, NULL, NULL, &fault))
        return cc_mongo_fail(&fault, err);
    return CC_OK;
}

/* {_id, <counter>: {$lt: value}}: what is as new or newer is left alone. */
static bson_t *older_than(const char *id, const char *counter, int64_t value)
{
    return BCON_NEW("_id", BCON_UTF8(id), counter, "{", "$lt", BCON_INT64(value), "}");
}

static bson_t *set_all(const bson_t *row)
{
    bson_t fields;
    bson_t *update = bson_new();

    BSON_APPEND_DOCUMENT_BEGIN(update, "$set", &fields);
    bson_copy_to_excluding_noinit(row, &fields, "_id", NULL);
    bson_append_document_end(update, &fields);
    return update;
}

static void count_row(const bson_t *row, struct cc_arena *arena, void *out)
{
    (void)row, (void)arena;
    ++*(int *)out;
}

/* Replaces the document when it is older. out_there: is there one now, whichever? */
static enum cc_code replace_older(struct cc_mongo_loan *loan, const bson_t *filter, const char *id,
                                  const bson_t *row, bool *out_there, struct cc_error *err)
{
    CC_AUTO(bson) bson_t *update = set_all(row);
    CC_AUTO(bson) bson_t *by_id = BCON_NEW("_id", BCON_UTF8(id));
    bson_t reply;
    bson_error_t fault;
    int found = 0;

    bool done =
        mongoc_collection_update_one(loan->collection, filter, update, NULL, &reply, &fault);
    bool replaced = cc_bson_int(&reply, "matchedCount", 0) > 0;
    bson_destroy(&reply);
    if (!done)
        return cc_mongo_fail(&fault, err);
    if (!replaced)
        CC_TRY(visit_rows(loan, by_id, NULL, count_row, NULL, &found, err));
    *out_there = replaced || found > 0;
    return CC_OK;
}

/* Insert or replace one document unless what is there is as new. */
static enum cc_code put_newer(struct cc_mongo_loan *loan, const char *id, const char *counter,
                              int64_t value, const bson_t *row, struct cc_error *err)
{
    CC_AUTO(bson) bson_t *filter = older_than(id, counter, value);
    bson_error_t fault;
    bool there = false;

    CC_TRY(replace_older(loan, filter, id, row, &there, err));
    if (there || mongoc_collection_insert_one(loan->collection, row, NULL, NULL, &fault))
        return CC_OK;
    enum cc_code code = cc_mongo_fail(&fault, err);
    if (code != CC_CONFLICT)
        return code;
    return replace_older(loan, filter, id, row, &there, err); /* inserted between our two steps */
}

/* True when every failed write of this reply failed because the document is there already. */
static bool only_duplicates(const bson_t *reply)
{
    bson_iter_t errors, element, field;

    if (!bson_iter_init_find(&errors, reply, "writeErrors") || !BSON_ITER_HOLDS_ARRAY(&errors))
        return false;
    bson_iter_recurse(&errors, &element);
    while (bson_iter_next(&element)) {
        if (!bson_iter_recurse(&element, &field) || !bson_iter_find(&field, "code") ||
            bson_iter_as_int64(&field) != MONGOC_ERROR_DUPLICATE_KEY)
            return false;
    }
    return true;
}

/* New members all at once; those that exist are the guarded updates' work. */
static enum cc_code insert_members(struct cc_mongo_loan *loan, bson_t **rows, size_t count,
                                   struct cc_error *err)
{
    CC_AUTO(bson) bson_t *options = BCON_NEW("ordered", BCON_BOOL(false));
    bson_t reply;
    bson_error_t fault;

    bool done = mongoc_collection_insert_many(loan->collection, (const bson_t **)rows, count,
                                              options, &reply, &fault);
    bool harmless = done || only_duplicates(&reply);
    bson_destroy(&reply);
    return harmless ? CC_OK : cc_mongo_fail(&fault, err);
}

/* A portion of them in one round trip: see CC_MONGO_UPDATES_MAX. */
static enum cc_code update_some_members(struct cc_mongo_loan *loan,
                                        const struct chat_change *change, bson_t **rows,
                                        size_t first, struct cc_error *err)
{
    bson_t reply;
    bson_error_t fault;
    mongoc_bulk_operation_t *bulk =
        mongoc_collection_create_bulk_operation_with_opts(loan->collection, NULL);

    for (size_t i = first; i < change->member_count && i < first + CC_MONGO_UPDATES_MAX; i++) {
        CC_AUTO(bson)
        bson_t *filter =
            older_than(cc_bson_text(rows[i], "_id"), "version", change->members[i].version);
        CC_AUTO(bson) bson_t *update = set_all(rows[i]);

        mongoc_bulk_operation_update_one(bulk, filter, update, false);
    }
    bool done = mongoc_bulk_operation_execute(bulk, &reply, &fault) != 0;
    bson_destroy(&reply);
    mongoc_bulk_operation_destroy(bulk);
    return done ? CC_OK : cc_mongo_fail(&fault, err);
}

static enum cc_code update_members(struct cc_mongo_loan *loan, const struct chat_change *change,
                                   bson_t **rows, struct cc_error *err)
{
    for (size_t first = 0; first < change->member_count; first += CC_MONGO_UPDATES_MAX)
        CC_TRY(update_some_members(loan, change, rows, first, err));
    return CC_OK;
}

static enum cc_code put_members(struct chat_store *base, const struct chat_change *change,
                                struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, MEMBERS);
    size_t count = change->member_count;
    bson_t **rows = cc_calloc(count, sizeof(*rows));

    for (size_t i = 0; i < count; i++)
        rows[i] = chat_row_from_member(&change->members[i]);
    enum cc_code code = insert_members(&loan, rows, count, err);
    if (code == CC_OK && change->kind != CHANGE_CREATED)
        code = update_members(&loan, change, rows, err);
    for (size_t i = 0; i < count; i++)
        bson_destroy(rows[i]);
    cc_free(rows);
    return code;
}

/* Everybody's membership, as the end of the chat. */
static enum cc_code end_all(struct chat_store *base, const struct chat *chat, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, MEMBERS);
    CC_AUTO(bson)
    bson_t *filter = BCON_NEW("chat_id", BCON_UTF8(chat->chat_id), "state",
                              BCON_UTF8(member_state_names[MEMBER_ACTIVE]), "version", "{", "$lt",
                              BCON_INT64(chat->version), "}");
    CC_AUTO(bson)
    bson_t *update = BCON_NEW("$set", "{", "state", BCON_UTF8(member_state_names[MEMBER_REMOVED]),
                              "role", BCON_UTF8(member_role_names[MEMBER_PLAIN]), "version",
                              BCON_INT64(chat->version), "}");
    bson_error_t fault;

    if (!mongoc_collection_update_many(loan.collection, filter, update, NULL, NULL, &fault))
        return cc_mongo_fail(&fault, err);
    return CC_OK;
}

static enum cc_code mongo_materialise(struct chat_store *base, const struct chat_change *change,
                                      struct cc_error *err)
{
    /* The members first: whoever sees the chat in its new version finds them in theirs. */
    if (change->member_count > 0)
        CC_TRY(put_members(base, change, err));
    if (change->after.deleted)
        CC_TRY(end_all(base, &change->after, err));
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, CHATS);
    CC_AUTO(bson) bson_t *row = chat_row_from_chat(&change->after);
    return put_newer(&loan, change->after.chat_id, "version", change->after.version, row, err);
}

static enum cc_code mongo_save_activity(struct chat_store *base,
                                        const struct chat_activity *activity, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, ACTIVITIES);
    CC_AUTO(bson) bson_t *row = chat_row_from_activity(activity);

    return put_newer(&loan, activity->chat_id, "rev", activity->rev, row, err);
}

static void mongo_destroy(struct chat_store *base)
{
    cc_free(base);
}

static const struct chat_store_ops mongo_ops = {
    .append = mongo_append,
    .find_change = mongo_find_change,
    .list_unannounced = mongo_list_unannounced,
    .mark_announced = mongo_mark_announced,
    .materialise = mongo_materialise,
    .find_chat = mongo_find_chat,
    .find_member = mongo_find_member,
    .list_members = mongo_list_members,
    .list_memberships = mongo_list_memberships,
    .find_activity = mongo_find_activity,
    .save_activity = mongo_save_activity,
    .destroy = mongo_destroy,
};

struct chat_store *chat_store_mongo_create(struct cc_mongo *mongo)
{
    struct mongo_store *store = cc_calloc(1, sizeof(*store));

    store->base.ops = &mongo_ops;
    store->mongo = mongo;
    return &store->base;
}
