/* Receipts to those whose messages they are about. Runs on the message.read consumer's thread.
 * Moves no position. */

#include "events/receipts.h"

#include <stdio.h>
#include <string.h>

#include "common/topics.h"
#include "outcome_frame.h"

struct audience {
    bool told[CC_RECIPIENTS_MAX]; /* by the index of rights->recipients */
};

static void put_frame(struct cc_strbuf *out, const struct receipt *now)
{
    struct cc_json_writer writer;

    cc_json_writer_init(&writer, out);
    cc_json_open_object(&writer, NULL);
    cc_json_put_text(&writer, "t", "receipt");
    cc_json_put_text(&writer, "chat_id", now->chat_id);
    cc_json_put_text(&writer, "user_id", now->user_id);
    cc_json_put_int(&writer, "read_seq", now->read_seq);
    cc_json_put_int(&writer, "delivered_seq", now->delivered_seq);
    cc_json_put_time(&writer, "at", now->at_ms);
    cc_json_close_object(&writer);
}

/* In the person's own channel, with the version of the membership by which they were chosen. */
static void publish(struct cc_bus_batch *batch, const struct rights *rights,
                    const struct receipt *now, const struct audience *audience)
{
    struct cc_bus_message message = {.kind = CC_BUS_RECEIPT, .member_version = rights->version};
    char channel[CC_REDIS_NAME_BYTES];
    struct cc_strbuf frame;

    cc_strbuf_init(&frame, OUTCOME_FRAME_MAX_BYTES);
    put_frame(&frame, now);
    cc_bus_carry(&message, &frame);
    (void)snprintf(message.chat_id, sizeof message.chat_id, "%s", now->chat_id);
    (void)snprintf(message.sender_id, sizeof message.sender_id, "%s", now->user_id);
    for (size_t i = 0; i < rights->recipient_count; i++) {
        if (!audience->told[i])
            continue;
        cc_redis_name_user(rights->recipients[i], channel);
        cc_bus_batch_publish(batch, channel, &message);
    }
    cc_strbuf_finish(&frame);
}

static void add_author(struct audience *audience, const struct rights *rights, const char *author,
                       const char *reader)
{
    if (strcmp(author, reader) == 0)
        return;
    for (size_t i = 0; i < rights->recipient_count; i++)
        if (strcmp(rights->recipients[i], author) == 0)
            audience->told[i] = true;
}

/* Of two people it is always the other one. */
static void add_other(struct audience *audience, const struct rights *rights, const char *reader)
{
    for (size_t i = 0; i < rights->recipient_count; i++)
        audience->told[i] = strcmp(rights->recipients[i], reader) != 0;
}

static enum cc_code find_authors(struct cc_bus_batch *batch, struct message_store *store,
                                 const struct rights *rights, const struct receipt_move *move,
                                 struct audience *out, struct cc_error *err)
{
    const struct receipt *told = move->told, *now = move->now;
    int64_t from = now->read_seq > told->read_seq ? told->read_seq : told->delivered_seq;
    int64_t to = now->delivered_seq > told->delivered_seq ? now->delivered_seq : now->read_seq;
    struct message_list list;

    if (from >= to)
        return CC_OK;
    if (to - from > RECEIPT_RANGE_MAX)
        from = to - RECEIPT_RANGE_MAX;
    CC_TRY(
        store->ops->messages_by_seq(store, now->chat_id, from + 1, to, batch->arena, &list, err));
    for (size_t i = 0; i < list.count; i++)
        add_author(out, rights, list.items[i].sender_id, now->user_id);
    return CC_OK;
}

enum cc_code receipts_tell(struct cc_bus_batch *batch, struct message_store *store,
                           const struct rights *rights, const struct receipt_move *move,
                           struct cc_error *err)
{
    struct audience audience = {0};

    if (rights->recipients_omitted)
        return CC_OK;
    if (rights->recipient_count <= 2)
        add_other(&audience, rights, move->now->user_id);
    else
        CC_TRY(find_authors(batch, store, rights, move, &audience, err));
    publish(batch, rights, move->now, &audience);
    return CC_OK;
}
