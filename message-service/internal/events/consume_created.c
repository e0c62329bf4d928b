/* Records of message.created to operations, and the batch to the owner. Runs on the consumer's
 * thread. Decides nothing. */

#include "events/consume_created.h"

#include <string.h>

#include "common/metrics.h"
#include "common/topics.h"

/* Decoding */

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

/* A reader that gave up leaves fields out: the rules must not meet NULL where a text is due. */
static void fill_gaps(struct ev_message_created *ask)
{
    ask->sender_id = ask->sender_id == NULL ? CC_SYSTEM_SENDER : ask->sender_id;
    ask->client_msg_id = or_empty(ask->client_msg_id);
    ask->device_id = or_empty(ask->device_id);
    ask->type = or_empty(ask->type);
    ask->body = or_empty(ask->body);
    ask->emoji = or_empty(ask->emoji);
    ask->origin.node = or_empty(ask->origin.node);
    ask->origin.conn_id = or_empty(ask->origin.conn_id);
    ask->origin.client_msg_id = or_empty(ask->origin.client_msg_id);
}

static void know_hash(struct operation *operation)
{
    struct ev_message_created *ask = &operation->ask;

    if (ask->request_hash != NULL && ask->request_hash[0] != '\0')
        return;
    cc_request_hash(ask, operation->request_hash);
    ask->request_hash = operation->request_hash;
}

/* False when there is nobody to answer: the record goes to the dlq and that is all. A record under
 * another key than its chat may be another owner's: it must not touch the log. */
static bool decode(struct cc_record *record, struct cc_arena *arena, struct operation *out)
{
    struct cc_json_reader *reader = cc_record_reader(record, arena);
    bool readable = cc_record_readable(record, reader, ev_message_created_read(reader, &out->ask));
    bool named = out->ask.op_id != NULL && out->ask.chat_id != NULL;
    bool at_home = named && strcmp(record->key, out->ask.chat_id) == 0;

    if (readable && !at_home)
        cc_record_reject(record, "the key is not the chat");
    fill_gaps(&out->ask);
    know_hash(out);
    out->unreadable = !readable;
    out->partition = record->partition;
    out->trace = record->trace;
    return at_home;
}

static struct operation *decode_all(struct cc_batch *batch, size_t *out_count)
{
    struct operation *operations =
        cc_arena_calloc(batch->arena, batch->count + 1, sizeof *operations);
    size_t count = 0;

    for (size_t i = 0; i < batch->count; i++) {
        operations[count] = (struct operation){.record = i};
        if (decode(&batch->records[i], batch->arena, &operations[count]))
            count++;
    }
    *out_count = count;
    return operations;
}

/* Ports */

struct batch_context {
    struct created_consumer *consumer;
    const struct cc_batch *batch;
};

static enum cc_code load_rights(void *arg, const char *chat_id, struct rights **out,
                                struct cc_error *err)
{
    struct batch_context *context = arg;
    enum cc_code code = message_members_fetch(context->consumer->members, chat_id, out, err);
    if (code == CC_OK)
        return CC_OK;
    return cc_fail_detail(err, CC_UNAVAILABLE, "members of %s are not to be had: %s", chat_id,
                          cc_code_name(code));
}

static bool still_owned(void *arg, const struct operation *operation)
{
    struct batch_context *context = arg;
    return cc_batch_still_owned(context->batch, &context->batch->records[operation->record]);
}

static enum cc_code announce_port(void *arg, struct operation *const *operations, size_t count,
                                  struct cc_arena *arena, struct cc_error *err)
{
    struct batch_context *context = arg;
    return announce(context->consumer->announcer, operations, count, arena, err);
}

static void head_moved(void *arg, int32_t partition, const struct chat_head *head)
{
    struct batch_context *context = arg;
    head_saver_put(context->consumer->heads, partition, head);
}

/* The batch */

static void count_outcomes(const struct operation *operations, size_t count)
{
    static const char name[] = "message_operations_total";
    static const char help[] = "Operations by what became of them";

    for (size_t i = 0; i < count; i++) {
        const struct operation *operation = &operations[i];
        const char *outcome = operation->duplicate ? "duplicate" : "persisted";
        if (!change_accepted(operation->outcome))
            outcome = cc_code_name(operation->outcome->refusal);
        cc_counter_add(cc_counter_get(name, help, "op", cc_op_names[operation->ask.op], "outcome",
                                      outcome, NULL),
                       1);
    }
}

enum cc_code consume_created(void *app, struct cc_batch *batch, struct cc_error *err)
{
    struct created_consumer *consumer = app;
    struct batch_context context = {consumer, batch};
    struct owner_ports ports = {&context, load_rights, still_owned, announce_port, head_moved};
    size_t count;

    struct operation *operations = decode_all(batch, &count);
    if (count == 0)
        return CC_OK;
    CC_TRY(owner_apply(consumer->owner, &ports, operations, count, batch->arena, err));
    count_outcomes(operations, count);
    return CC_OK;
}

void consume_created_assigned(void *app, int32_t partition)
{
    struct created_consumer *consumer = app;
    owner_forget_partition(consumer->owner, partition);
}

void consume_created_revoked(void *app, int32_t partition)
{
    struct created_consumer *consumer = app;
    head_saver_flush(consumer->heads, partition);
    owner_forget_partition(consumer->owner, partition);
}
