/* Collection `messages`: what people see. Any thread. Made from the log, and repeatable: an insert
 * that finds its document there was done before, a replacement is guarded by the rev. */

#include <stdlib.h>

#include <string.h>

#include "common/alloc.h"
#include "common/hash_map.h"
#include "storage/mongo_private.h"

static size_t count_new(const struct change *const *changes, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += change_adds_message(changes[i]) ? 1 : 0;
    return found;
}

static enum cc_code insert_new(struct message_store *store, const struct change *const *changes,
                               size_t count, struct cc_error *err)
{
    struct mongo_rows rows MONGO_ROWS = mongo_rows_create(count_new(changes, count));
    size_t filled = 0;

    for (size_t i = 0; i < count; i++)
        if (change_adds_message(changes[i]))
            message_row_from_message(&rows.rows[filled++], &changes[i]->message);
    return message_mongo_insert_missing(store, MESSAGES_COLLECTION, &rows, err);
}

static enum cc_code add_replacement(mongo_bulk *bulk, const void *changes, size_t index,
                                    struct cc_error *err)
{
    const struct cc_message *message = &((const struct change *const *)changes)[index]->message;
    CC_AUTO(bson)
    bson_t *filter =
        BCON_NEW("_id", BCON_UTF8(message->message_id), "chat_id", BCON_UTF8(message->chat_id),
                 "rev", "{", "$lt", BCON_INT64(message->rev), "}");
    CC_AUTO(bson) bson_t *row = bson_new();
    bson_error_t fault;

    message_row_from_message(row, message);
    bool added = mongoc_bulk_operation_replace_one_with_opts(bulk, filter, row, NULL, &fault);
    return added ? CC_OK : cc_mongo_fail(&fault, err);
}

/* Of the changes that alter a message: the last one of each, all deletions, and the last of each
 * reaction. One document is not written twice in a bulk. */
struct alterations {
    const struct change **last, **deletions, **reactions;
    size_t last_count, deletion_count, reaction_count;
};

/* Puts the change where the earlier one of that key is, or at the end. */
static void put_last(struct cc_hash_map *places, const char *key, const struct change **list,
                     size_t *count, const struct change *change)
{
    const struct change **place = cc_hash_map_get(places, key);

    if (place == NULL) {
        place = &list[(*count)++];
        cc_hash_map_put(places, key, place);
    }
    *place = change;
}

static void sort_out(const struct change *const *changes, size_t count, struct cc_arena *arena,
                     struct alterations *out)
{
    struct cc_hash_map *places = cc_hash_map_create();

    *out = (struct alterations){
        .last = cc_arena_calloc(arena, count, sizeof *out->last),
        .deletions = cc_arena_calloc(arena, count, sizeof *out->deletions),
        .reactions = cc_arena_calloc(arena, count, sizeof *out->reactions),
    };
    for (size_t i = 0; i < count; i++) {
        const struct change *change = changes[i];
        const char *message_id = change->message.message_id;
        if (!change_alters_message(change))
            continue;
        put_last(places, message_id, out->last, &out->last_count, change);
        if (change->op == CC_OP_DELETE)
            out->deletions[out->deletion_count++] = change;
        if (change->op == CC_OP_REACT)
            put_last(places,
                     cc_arena_printf(arena, "%s/%s/%s", message_id, change->reaction.user_id,
                                     change->reaction.emoji),
                     out->reactions, &out->reaction_count, change);
    }
    cc_hash_map_destroy(places);
}

static enum cc_code alter(struct message_store *store, const struct change *const *changes,
                          size_t count, struct cc_error *err)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct alterations found;

    sort_out(changes, count, arena, &found);
    CC_TRY(message_mongo_write_each(store, MESSAGES_COLLECTION, add_replacement, found.last,
                                    found.last_count, err));
    CC_TRY(message_mongo_put_reactions(store, found.reactions, found.reaction_count, err));
    return message_mongo_strip(store, found.deletions, found.deletion_count, err);
}

static bool alters_any(const struct change *const *changes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (change_alters_message(changes[i]))
            return true;
    return false;
}

/* Whether it says anew whom its message mentions, or for the first time. */
static bool says_mentions(const struct change *change)
{
    bool mentions = change->message.mention_count > 0 || change->message.mention_all;

    return change->op == CC_OP_EDIT || change->op == CC_OP_DELETE ||
           (change->op == CC_OP_CREATE && mentions);
}

/* The last such change of each message: one row is not written twice in a bulk. */
static enum cc_code note_mentions(struct message_store *store, const struct change *const *changes,
                                  size_t count, struct cc_error *err)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    const struct change **last = cc_arena_calloc(arena, count + 1, sizeof *last);
    struct cc_hash_map *places = cc_hash_map_create();
    size_t last_count = 0;

    for (size_t i = 0; i < count; i++)
        if (says_mentions(changes[i]))
            put_last(places, changes[i]->message.message_id, last, &last_count, changes[i]);
    cc_hash_map_destroy(places);
    return last_count == 0 ? CC_OK : message_mongo_put_mentions(store, last, last_count, err);
}

enum cc_code message_mongo_materialise(struct message_store *store,
                                       const struct change *const *changes, size_t count,
                                       struct cc_error *err)
{
    CC_TRY(insert_new(store, changes, count, err));
    CC_TRY(message_mongo_put_expiries(store, changes, count, err));
    CC_TRY(message_mongo_plan_buckets(store, changes, count, err));
    if (alters_any(changes, count))
        CC_TRY(alter(store, changes, count, err));
    return note_mentions(store, changes, count, err);
}

struct one_message {
    struct cc_arena *arena;
    struct cc_message *found;
};

static void take_one(const bson_t *row, void *arg)
{
    struct one_message *one = arg;

    one->found = CC_ARENA_NEW(one->arena, struct cc_message);
    *one->found = message_row_to_message(row, one->arena);
}

enum cc_code message_mongo_find_message(struct message_store *store, const char *chat_id,
                                        const char *message_id, struct cc_arena *arena,
                                        struct cc_message **out, struct cc_error *err)
{
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(message_id));
    struct one_message one = {arena, NULL};

    if (chat_id != NULL)
        BSON_APPEND_UTF8(filter, "chat_id", chat_id);
    CC_TRY(message_mongo_visit(store, MESSAGES_COLLECTION, filter, take_one, &one, err));
    *out = one.found;
    return CC_OK;
}

struct collector {
    struct cc_arena *arena;
    int64_t from_seq, to_seq;
    struct message_list list;
};

static void collect(const bson_t *row, void *arg)
{
    struct collector *page = arg;
    int64_t seq = cc_bson_int(row, "seq", 0);

    if (seq >= page->from_seq && seq <= page->to_seq && page->list.count < MESSAGE_READ_RANGE_MAX)
        page->list.items[page->list.count++] = message_row_to_message(row, page->arena);
}

static int by_seq(const void *a, const void *b)
{
    const struct cc_message *left = a, *right = b;
    return (left->seq > right->seq) - (left->seq < right->seq);
}

enum cc_code message_mongo_messages_by_seq(struct message_store *store, const char *chat_id,
                                           int64_t from_seq, int64_t to_seq, struct cc_arena *arena,
                                           struct message_list *out, struct cc_error *err)
{
    struct collector page = {.arena = arena, .from_seq = from_seq, .to_seq = to_seq};
    int64_t room = to_seq < from_seq ? 1 : to_seq - from_seq + 1;

    if (room > MESSAGE_READ_RANGE_MAX)
        room = MESSAGE_READ_RANGE_MAX;
    page.list.items = cc_arena_calloc(arena, (size_t)room, sizeof *page.list.items);
    for (int64_t at = from_seq >> BUCKET_BITS; at <= to_seq >> BUCKET_BITS; at++) {
        char bucket[MESSAGE_ROW_ID_BYTES];
        message_row_id(chat_id, at, bucket);
        CC_AUTO(bson)
        bson_t *filter = BCON_NEW("bucket", BCON_UTF8(bucket), "chat_id", BCON_UTF8(chat_id));
        CC_TRY(message_mongo_visit(store, MESSAGES_COLLECTION, filter, collect, &page, err));
    }
    qsort(page.list.items, page.list.count, sizeof *page.list.items, by_seq);
    *out = page.list;
    return CC_OK;
}

static void collect_pinned(const bson_t *row, void *arg)
{
    struct message_list *list = &((struct collector *)arg)->list;

    if (list->count < MESSAGE_READ_RANGE_MAX)
        list->items[list->count++] = message_row_to_message(row, ((struct collector *)arg)->arena);
}

static int by_seq_descending(const void *a, const void *b)
{
    return by_seq(b, a);
}

enum cc_code message_mongo_pinned_messages(struct message_store *store, const char *chat_id,
                                           struct cc_arena *arena, struct message_list *out,
                                           struct cc_error *err)
{
    struct collector page = {.arena = arena};
    CC_AUTO(bson)
    bson_t *filter = BCON_NEW("pin_of", BCON_UTF8(chat_id), "chat_id", BCON_UTF8(chat_id));

    page.list.items = cc_arena_calloc(arena, MESSAGE_READ_RANGE_MAX, sizeof *page.list.items);
    CC_TRY(message_mongo_visit(store, MESSAGES_COLLECTION, filter, collect_pinned, &page, err));
    qsort(page.list.items, page.list.count, sizeof *page.list.items, by_seq_descending);
    *out = page.list;
    return CC_OK;
}
