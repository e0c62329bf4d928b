/* The store in MongoDB: collections chat_changes, chats, memberships, chat_activity. Any thread:
 * each call borrows a client. Relies on unique `_id`s and on single-document updates whose filter
 * carries the version; on nothing between documents. */

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/mongo_bulk.h"
#include "storage/chat_rows.h"
#include "storage/chat_store.h"
#include "storage/members_mongo.h"

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
    CC_TRY(cc_mongo_admit(loan->mongo, err));
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

static void append_state(bson_t *filter, enum chat_member_filter which)
{
    enum cc_member_state state = which == CHAT_MEMBERS_BANNED ? CC_MEMBER_BANNED : CC_MEMBER_ACTIVE;

    if (which != CHAT_MEMBERS_EVER)
        BSON_APPEND_UTF8(filter, "state", cc_member_state_names[state]);
}

/* Those of one slot, by place, of these states, from this place on. */
static enum cc_code list_slot(struct chat_store *base, const struct chat_member_query *query,
                              int64_t slot, struct cc_arena *arena, struct chat_member_list *out,
                              struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, MEMBERS);
    struct member_collector collector = {.list = out, .capacity = CHAT_SLOT_PLACES};
    char name[CHAT_SLOT_BYTES];
    size_t kept = 0;

    chat_slot_name(query->chat->chat_id, slot, name);
    CC_AUTO(bson) bson_t *filter = BCON_NEW("slot", BCON_UTF8(name));
    append_state(filter, query->filter);
    out->count = 0;
    out->items = cc_arena_calloc(arena, CHAT_SLOT_PLACES, sizeof(*out->items));
    CC_TRY(visit_rows(&loan, filter, NULL, collect_member, arena, &collector, err));
    for (size_t i = 0; i < out->count; i++)
        if (out->items[i].place >= query->from_place)
            out->items[kept++] = out->items[i];
    out->count = kept;
    qsort(out->items, kept, sizeof(*out->items), membership_compare_places);
    return CC_OK;
}

static enum cc_code mongo_list_members(struct chat_store *base,
                                       const struct chat_member_query *query,
                                       struct cc_arena *arena, struct chat_member_list *out,
                                       struct cc_error *err)
{
    int64_t places = query->chat->place_count - query->from_place;
    size_t room = places <= 0 ? 0 : (uint64_t)places < query->limit ? (size_t)places : query->limit;
    int64_t slot = query->from_place / CHAT_SLOT_PLACES;

    out->count = 0;
    out->items = cc_arena_calloc(arena, room + 1, sizeof(*out->items));
    for (; out->count < room && slot * CHAT_SLOT_PLACES < query->chat->place_count; slot++) {
        struct chat_member_list some;

        CC_TRY(list_slot(base, query, slot, arena, &some, err));
        size_t taken = some.count < room - out->count ? some.count : room - out->count;
        memcpy(out->items + out->count, some.items, taken * sizeof(*out->items));
        out->count += taken;
    }
    return CC_OK;
}

static enum cc_code mongo_list_memberships(struct chat_store *base, const char *user_id,
                                           enum chat_member_filter which, struct cc_arena *arena,
                                           struct chat_member_list *out, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, MEMBERS);
    struct member_collector collector = {.list = out, .capacity = FIRST_MEMBERS};
    CC_AUTO(bson) bson_t *filter = BCON_NEW("user_id", BCON_UTF8(user_id));
    CC_AUTO(bson)
    bson_t *options = BCON_NEW("limit", BCON_INT64(CHAT_MEMBERSHIPS_MAX), "sort", "{", "chat_id",
                               BCON_INT32(1), "}");

    append_state(filter, which);
    out->count = 0;
    out->items = cc_arena_calloc(arena, FIRST_MEMBERS, sizeof(*out->items));
    return visit_rows(&loan, filter, options, collect_member, arena, &collector, err);
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

static void count_row(const bson_t *row, struct cc_arena *arena, void *out)
{
    (void)row, (void)arena;
    ++*(int *)out;
}

/* Replaces the document when it is older. out_there: is there one now, whichever? */
static enum cc_code replace_older(struct cc_mongo_loan *loan, const bson_t *filter, const char *id,
                                  const bson_t *row, bool *out_there, struct cc_error *err)
{
    CC_AUTO(bson) bson_t *update = chat_row_set_all(row);
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
    CC_AUTO(bson) bson_t *filter = chat_row_older_than(id, counter, value);
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

static enum cc_code put_members(struct chat_store *base, const struct chat_change *change,
                                struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, MEMBERS);

    return chat_members_put(&loan, change, err);
}

static enum cc_code mongo_end_members(struct chat_store *base, const struct chat *chat,
                                      int64_t budget_ms, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, MEMBERS);

    return chat_members_end(&loan, chat, budget_ms, err);
}

static enum cc_code mongo_materialise(struct chat_store *base, const struct chat_change *change,
                                      struct cc_error *err)
{
    /* The members first: whoever sees the chat in its new version finds them in theirs. */
    if (change->member_count > 0)
        CC_TRY(put_members(base, change, err));
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, CHATS);
    CC_AUTO(bson) bson_t *row = chat_row_from_chat(&change->after);
    return put_newer(&loan, change->after.chat_id, "version", change->after.version, row, err);
}

static enum cc_code mongo_save_activities(struct chat_store *base,
                                          const struct chat_activity *const *activities,
                                          size_t count, struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, ACTIVITIES);
    bson_t **rows = cc_calloc(count + 1, sizeof(*rows));

    for (size_t i = 0; i < count; i++)
        rows[i] = chat_row_from_activity(activities[i]);
    enum cc_code code = cc_mongo_put_newer(&loan, "rev", rows, count, err);
    for (size_t i = 0; i < count; i++)
        bson_destroy(rows[i]);
    cc_free(rows);
    return code;
}

static enum cc_code update_all(struct chat_store *base, const char *collection,
                               const bson_t *filter, const bson_t *update, int64_t *out_count,
                               struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = borrow(base, collection);
    bson_t reply;
    bson_error_t fault;
    bool done =
        mongoc_collection_update_many(loan.collection, filter, update, NULL, &reply, &fault);

    *out_count = cc_bson_int(&reply, "matchedCount", 0);
    bson_destroy(&reply);
    return done ? CC_OK : cc_mongo_fail(&fault, err);
}

static enum cc_code mongo_erase(struct chat_store *base, const char *chat_id, struct cc_error *err)
{
    CC_AUTO(bson) bson_t *by_chat = BCON_NEW("chat_id", BCON_UTF8(chat_id));
    CC_AUTO(bson) bson_t *by_id = BCON_NEW("_id", BCON_UTF8(chat_id));
    CC_AUTO(bson) bson_t *of_chat = chat_row_erase_chat();
    CC_AUTO(bson) bson_t *of_activity = chat_row_erase_activity();
    int64_t count;

    CC_TRY(update_all(base, CHANGES, by_chat, of_chat, &count, err));
    CC_TRY(update_all(base, CHATS, by_id, of_chat, &count, err));
    return update_all(base, ACTIVITIES, by_id, of_activity, &count, err);
}

static enum cc_code mongo_forget_deletions_announced(struct chat_store *base, size_t *out_count,
                                                     struct cc_error *err)
{
    CC_AUTO(bson)
    bson_t *filter = BCON_NEW("kind", BCON_UTF8(change_kind_names[CHANGE_DELETED]), "announced",
                              BCON_BOOL(true));
    CC_AUTO(bson) bson_t *update = BCON_NEW("$set", "{", "announced", BCON_BOOL(false), "}");
    int64_t count;

    CC_TRY(update_all(base, CHANGES, filter, update, &count, err));
    *out_count = (size_t)count;
    return CC_OK;
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
    .end_members = mongo_end_members,
    .erase = mongo_erase,
    .forget_deletions_announced = mongo_forget_deletions_announced,
    .find_chat = mongo_find_chat,
    .find_member = mongo_find_member,
    .list_members = mongo_list_members,
    .list_memberships = mongo_list_memberships,
    .find_activity = mongo_find_activity,
    .save_activities = mongo_save_activities,
    .destroy = mongo_destroy,
};

struct chat_store *chat_store_mongo_create(struct cc_mongo *mongo)
{
    struct mongo_store *store = cc_calloc(1, sizeof(*store));

    store->base.ops = &mongo_ops;
    store->mongo = mongo;
    return &store->base;
}
