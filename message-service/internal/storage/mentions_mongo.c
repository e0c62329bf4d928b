/* Collection `mentions`: one row for each message and each person, or everybody, that it mentions.
 * Any thread; the owner of a chat is the only writer. What a message mentions no more stays as a
 * row that is off, so that an older change can't bring it back. */

#include <stdio.h>

#include "common/alloc.h"
#include "common/mongo_bulk.h"
#include "storage/mongo_private.h"

#define EVERYBODY "all"

static bson_t *mention_row(const struct change *change, const char *who)
{
    const struct cc_message *message = &change->message;
    char id[MESSAGE_ROW_ID_BYTES], mentioned[MESSAGE_ROW_ID_BYTES];

    (void)snprintf(id, sizeof id, "%s/%s", message->message_id, who);
    (void)snprintf(mentioned, sizeof mentioned, "%s/%s", message->chat_id, who);
    return BCON_NEW("_id", BCON_UTF8(id), "message_id", BCON_UTF8(message->message_id), "user_id",
                    BCON_UTF8(who), "mentioned", BCON_UTF8(mentioned), "seq",
                    BCON_INT64(message->seq), "rev", BCON_INT64(change->rev), "on",
                    BCON_BOOL(true));
}

/* Whoever mentions everybody needs no row for each: nobody is counted twice. */
static size_t add_rows(const struct change *change, bson_t **rows)
{
    const struct cc_message *message = &change->message;
    size_t count = 0;

    if (message->deleted)
        return 0;
    if (message->mention_all)
        rows[count++] = mention_row(change, EVERYBODY);
    for (size_t i = 0; i < message->mention_count && !message->mention_all; i++)
        rows[count++] = mention_row(change, message->mentions[i]);
    return count;
}

/* Turns off what an earlier version mentioned. The rev stays: what is mentioned still is on again
 * in a moment. */
static enum cc_code add_end(mongo_bulk *bulk, const void *changes, size_t index,
                            struct cc_error *err)
{
    const struct change *change = ((const struct change *const *)changes)[index];
    CC_AUTO(bson)
    bson_t *filter = BCON_NEW("message_id", BCON_UTF8(change->message.message_id), "rev", "{",
                              "$lt", BCON_INT64(change->rev), "}");
    CC_AUTO(bson) bson_t *update = BCON_NEW("$set", "{", "on", BCON_BOOL(false), "}");
    bson_error_t fault;
    bool added = mongoc_bulk_operation_update_many_with_opts(bulk, filter, update, NULL, &fault);

    return added ? CC_OK : cc_mongo_fail(&fault, err);
}

static enum cc_code end_earlier(struct message_store *store, const struct change *const *changes,
                                size_t count, struct cc_error *err)
{
    const struct change **alterations = cc_calloc(count + 1, sizeof *alterations);
    size_t chosen = 0;

    for (size_t i = 0; i < count; i++)
        if (change_alters_message(changes[i]))
            alterations[chosen++] = changes[i];
    enum cc_code code =
        message_mongo_write_each(store, MENTIONS_COLLECTION, add_end, alterations, chosen, err);
    cc_free(alterations);
    return code;
}

static size_t count_rows(const struct change *const *changes, size_t count)
{
    size_t rows = 0;
    for (size_t i = 0; i < count; i++)
        rows += changes[i]->message.mention_count + 1;
    return rows;
}

enum cc_code message_mongo_put_mentions(struct message_store *store,
                                        const struct change *const *changes, size_t count,
                                        struct cc_error *err)
{
    struct cc_mongo_loan loan CC_MONGO_LOAN = message_mongo_borrow(store, MENTIONS_COLLECTION);
    size_t filled = 0;

    CC_TRY(end_earlier(store, changes, count, err));
    bson_t **rows = cc_calloc(count_rows(changes, count) + 1, sizeof *rows);
    for (size_t i = 0; i < count; i++)
        filled += add_rows(changes[i], rows + filled);
    enum cc_code code = cc_mongo_put_newer(&loan, "rev", rows, filled, err);
    for (size_t i = 0; i < filled; i++)
        bson_destroy(rows[i]);
    cc_free(rows);
    return code;
}

struct counting {
    int64_t after_seq, count, limit;
};

static void count_row(const bson_t *row, void *arg)
{
    struct counting *counting = arg;
    bool unread = cc_bson_int(row, "seq", 0) > counting->after_seq;

    if (unread && cc_bson_bool(row, "on", false) && counting->count < counting->limit)
        counting->count++;
}

static enum cc_code count_of(struct message_store *store, const char *chat_id, const char *who,
                             struct counting *counting, struct cc_error *err)
{
    char mentioned[MESSAGE_ROW_ID_BYTES];

    (void)snprintf(mentioned, sizeof mentioned, "%s/%s", chat_id, who);
    CC_AUTO(bson)
    bson_t *filter = BCON_NEW("mentioned", BCON_UTF8(mentioned), "seq", "{", "$gt",
                              BCON_INT64(counting->after_seq), "}");
    return message_mongo_visit(store, MENTIONS_COLLECTION, filter, count_row, counting, err);
}

enum cc_code message_mongo_count_mentions(struct message_store *store, const char *chat_id,
                                          const char *user_id, int64_t after_seq, int64_t limit,
                                          int64_t *out, struct cc_error *err)
{
    struct counting counting = {.after_seq = after_seq, .limit = limit};

    CC_TRY(count_of(store, chat_id, user_id, &counting, err));
    CC_TRY(count_of(store, chat_id, EVERYBODY, &counting, err));
    *out = counting.count;
    return CC_OK;
}
