/* Collection `messages`: what people see. Any thread. Made from the log, and repeatable: an insert
 * that finds its document there was done before, an update is guarded by the rev. */

#include <stdlib.h>

#include "storage/mongo_private.h"

static size_t count_new(const struct change *const *changes, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += change_adds_message(changes[i]) ? 1 : 0;
    return found;
}

static enum cc_code insert_new(mongoc_collection_t *collection, const struct change *const *changes,
                               size_t count, struct cc_error *err)
{
    struct mongo_rows rows MONGO_ROWS = mongo_rows_create(count_new(changes, count));
    CC_AUTO(bson) bson_t *unordered = BCON_NEW("ordered", BCON_BOOL(false));
    size_t filled = 0;
    bson_t reply;
    bson_error_t fault;

    if (rows.count == 0)
        return CC_OK;
    for (size_t i = 0; i < count; i++)
        if (change_adds_message(changes[i]))
            message_row_from_message(&rows.rows[filled++], &changes[i]->message,
                                     changes[i]->expires_at_ms);
    bool stored = mongoc_collection_insert_many(collection, rows.borrow, rows.count, unordered,
                                                &reply, &fault);
    enum cc_code code = stored ? CC_OK : message_mongo_only_duplicates(&reply, &fault, err);
    bson_destroy(&reply);
    return code;
}

enum cc_code message_mongo_materialise(struct message_store *store,
                                       const struct change *const *changes, size_t count,
                                       struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = message_mongo_borrow(store, MESSAGES_COLLECTION);
    return insert_new(loan.collection, changes, count, err);
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
