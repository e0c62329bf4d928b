/* Collection `hidden`: messages that one person deleted for himself. Any thread, any process: rows
 * are only ever inserted, which is safe on every server. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/mongo_private.h"

/* A longer range is not worth a query per bucket: all that the person hid in the chat is read. */
#define BUCKETS_MAX 16

static void person_chat(const char *user_id, const char *chat_id, char out[MESSAGE_ROW_ID_BYTES])
{
    (void)snprintf(out, MESSAGE_ROW_ID_BYTES, "%s/%s", user_id, chat_id);
}

enum cc_code message_mongo_hide(struct message_store *store, const struct hidden *hidden,
                                struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = message_mongo_borrow(store, HIDDEN_COLLECTION);
    char id[MESSAGE_ROW_ID_BYTES], bucket[MESSAGE_ROW_ID_BYTES], chat[MESSAGE_ROW_ID_BYTES];
    bson_error_t fault;

    (void)snprintf(id, sizeof id, "%s/%s", hidden->user_id, hidden->message_id);
    message_row_person_bucket(hidden->user_id, hidden->chat_id, hidden->seq, bucket);
    person_chat(hidden->user_id, hidden->chat_id, chat);
    CC_AUTO(bson)
    bson_t *row = BCON_NEW("_id", BCON_UTF8(id), "person_bucket", BCON_UTF8(bucket), "person_chat",
                           BCON_UTF8(chat), "user_id", BCON_UTF8(hidden->user_id), "chat_id",
                           BCON_UTF8(hidden->chat_id), "seq", BCON_INT64(hidden->seq));
    if (mongoc_collection_insert_one(loan.collection, row, NULL, NULL, &fault))
        return CC_OK;
    enum cc_code code = cc_mongo_fail(&fault, err);
    return code == CC_CONFLICT ? CC_OK : code;
}

struct collector {
    struct cc_arena *arena;
    const struct person_range *range;
    struct seq_list list;
    size_t capacity;
};

static void collect(const bson_t *row, void *arg)
{
    struct collector *hidden = arg;
    int64_t seq = cc_bson_int(row, "seq", 0);

    if (seq < hidden->range->from_seq || seq > hidden->range->to_seq)
        return;
    hidden->list.items = mongo_grow(hidden->arena, hidden->list.items, hidden->list.count,
                                    &hidden->capacity, sizeof *hidden->list.items);
    hidden->list.items[hidden->list.count++] = seq;
}

static int by_value(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

enum cc_code message_mongo_hidden_in(struct message_store *store, const struct person_range *range,
                                     struct cc_arena *arena, struct seq_list *out,
                                     struct cc_error *err)
{
    struct collector hidden = {.arena = arena, .range = range};
    char chat[MESSAGE_ROW_ID_BYTES];

    if ((range->to_seq >> BUCKET_BITS) - (range->from_seq >> BUCKET_BITS) < BUCKETS_MAX) {
        CC_TRY(message_mongo_visit_person(store, HIDDEN_COLLECTION, range, collect, &hidden, err));
    } else {
        person_chat(range->user_id, range->chat_id, chat);
        CC_AUTO(bson) bson_t *filter = BCON_NEW("person_chat", BCON_UTF8(chat));
        CC_TRY(message_mongo_visit(store, HIDDEN_COLLECTION, filter, collect, &hidden, err));
    }
    if (hidden.list.count > 1)
        qsort(hidden.list.items, hidden.list.count, sizeof *hidden.list.items, by_value);
    *out = hidden.list;
    return CC_OK;
}

struct hidden_rows {
    struct cc_arena *arena;
    struct hidden_list list;
};

static void take_hidden(const bson_t *row, void *arg)
{
    struct hidden_rows *rows = arg;

    rows->list.items[rows->list.count++] =
        (struct hidden){.chat_id = cc_arena_strdup(rows->arena, cc_bson_text(row, "chat_id")),
                        .seq = cc_bson_int(row, "seq", 0)};
}

enum cc_code message_mongo_hidden_by(struct message_store *store, const char *user_id, size_t limit,
                                     struct cc_arena *arena, struct hidden_list *out,
                                     struct cc_error *err)
{
    struct hidden_rows rows = {.arena = arena};
    CC_AUTO(bson) bson_t *filter = BCON_NEW("user_id", BCON_UTF8(user_id));

    rows.list.items = cc_arena_calloc(arena, limit + 1, sizeof *rows.list.items);
    CC_TRY(message_mongo_visit_some(store, HIDDEN_COLLECTION, filter, (int64_t)limit, take_hidden,
                                    &rows, err));
    rows.list.more = rows.list.count == limit;
    *out = rows.list;
    return CC_OK;
}
