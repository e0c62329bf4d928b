/* The stand-in for the owner of the chats: numbers what comes through Kafka, announces it and
 * answers who asked. Runs on the threads of two consumers; the world's lock guards the chats. */

#include <string.h>

#include "common/events/change_frame.h"
#include "common/events/message_persisted.h"
#include "common/events/message_read.h"
#include "common/topics.h"
#include "testing.h"

#include "world_private.h"

struct world_chat *world_find_chat(struct world *world, const char *chat_id)
{
    for (size_t i = 0; i < world->chat_count; i++) {
        if (strcmp(world->chats[i].chat_id, chat_id) == 0)
            return &world->chats[i];
    }
    return NULL;
}

struct world_change *world_append(struct world_chat *chat, enum cc_op op,
                                  struct cc_message *message)
{
    struct world_change *change = &chat->log[chat->rev];
    struct cc_strbuf text;
    struct cc_json_writer json;

    assert_in_range(chat->rev, 0, WORLD_LOG_MAX - 1);
    if (op == CC_OP_CREATE)
        chat->seq++;
    message->seq = chat->seq;
    message->rev = ++chat->rev;
    change->rev = message->rev;
    change->seq = message->seq;
    snprintf(change->op, sizeof change->op, "%s", cc_op_names[op]);
    cc_strbuf_init(&text, TEXT_MAX);
    cc_json_writer_init(&json, &text);
    cc_json_open_object(&json, NULL);
    cc_message_write(&json, message);
    cc_json_close_object(&json);
    change->message_json = cc_strbuf_take(&text, NULL);
    return change;
}

static void publish_live(struct world *world, const struct ev_message_persisted *event)
{
    struct cc_strbuf frame;

    cc_strbuf_init(&frame, TEXT_MAX);
    const struct cc_bus_message message = cc_change_publication(event, &frame);
    world_publish(world, WS_CHANNEL_CHAT, event->chat_id, &message);
    cc_strbuf_finish(&frame);
}

static void announce_persisted(struct world *world, const struct ev_message_created *created,
                               const struct cc_message *message, int64_t member_version, bool crowd)
{
    char event_id[CC_UUID_BYTES];
    struct ev_message_persisted event = {.op = created->op,
                                         .op_id = created->op_id,
                                         .chat_id = created->chat_id,
                                         .sender_id = created->sender_id,
                                         .sender_device_id = created->device_id,
                                         .rev = message->rev,
                                         .head_seq = message->seq,
                                         .message = *message,
                                         .member_version = member_version,
                                         .recipients_omitted = crowd,
                                         .origin = created->origin};
    struct cc_strbuf payload;
    struct cc_json_writer json;

    cc_ids_next(world->ids, event_id);
    event.envelope = (struct cc_envelope){.event_id = event_id,
                                          .type = CC_TOPIC_MESSAGE_PERSISTED,
                                          .version = 1,
                                          .occurred_at_ms = cc_wall_ms(cc_clock_system()),
                                          .producer = "message-service",
                                          .key = created->chat_id};
    event.published = !atomic_load(&world->owner_lost_redis);
    if (event.published)
        publish_live(world, &event);
    cc_strbuf_init(&payload, TEXT_MAX);
    cc_json_writer_init(&json, &payload);
    ev_message_persisted_write(&json, &event);
    world_produce(world, CC_TOPIC_MESSAGE_PERSISTED, created->chat_id, &payload);
    cc_strbuf_finish(&payload);
}

static void tell_sender(struct world *world, const struct ev_message_created *created,
                        const struct cc_message *message)
{
    struct cc_bus_message outcome = {
        .kind = CC_BUS_OUTCOME, .rev = message->rev, .seq = message->seq};
    struct cc_strbuf frame;

    cc_strbuf_init(&frame, 4096);
    cc_strbuf_printf(&frame,
                     "{\"t\":\"persisted\",\"client_msg_id\":\"%s\",\"chat_id\":\"%s\","
                     "\"message_id\":\"%s\",\"seq\":%lld,\"rev\":%lld,\"duplicate\":false}",
                     created->origin.client_msg_id, created->chat_id, message->message_id,
                     (long long)message->seq, (long long)message->rev);
    snprintf(outcome.chat_id, sizeof outcome.chat_id, "%s", created->chat_id);
    snprintf(outcome.conn_id, sizeof outcome.conn_id, "%s", created->origin.conn_id);
    cc_bus_carry(&outcome, &frame);
    world_publish(world, WS_CHANNEL_NODE, created->origin.node, &outcome);
    cc_strbuf_finish(&frame);
}

static void apply_operation(struct world *world, const struct ev_message_created *created)
{
    struct cc_message message = {.message_id = created->target_message_id == NULL
                                                   ? created->op_id
                                                   : created->target_message_id,
                                 .chat_id = created->chat_id,
                                 .sender_id = created->sender_id,
                                 .type = "text",
                                 .body = created->body == NULL ? "" : created->body,
                                 .created_at_ms = created->received_at_ms,
                                 .version = 1};
    struct world_chat *chat;
    int64_t member_version = 0;
    bool crowd = false;

    pthread_mutex_lock(&world->lock);
    chat = world_find_chat(world, created->chat_id);
    if (chat != NULL) {
        world_append(chat, created->op, &message);
        member_version = chat->member_version;
        crowd = chat->crowd;
    }
    pthread_mutex_unlock(&world->lock);
    if (chat == NULL)
        return; /* another test's */
    announce_persisted(world, created, &message, member_version, crowd);
    tell_sender(world, created, &message);
}

enum cc_code world_apply_created(void *arg, struct cc_batch *batch, struct cc_error *err)
{
    (void)err; /* failures end the test */
    for (size_t i = 0; i < batch->count; i++) {
        struct cc_json_reader *reader = cc_record_reader(&batch->records[i], batch->arena);
        struct ev_message_created created = {0};

        if (ev_message_created_read(reader, &created))
            apply_operation(arg, &created);
        cc_json_reader_destroy(reader);
    }
    return CC_OK;
}

static void apply_mark(struct world *world, const struct ev_message_read *mark)
{
    struct cc_bus_message receipt = {.kind = CC_BUS_RECEIPT};
    struct cc_bus_message reply = {.kind = CC_BUS_OUTCOME};
    char text[512], members[WORLD_PEOPLE][CC_UUID_BYTES];

    pthread_mutex_lock(&world->lock);
    const struct world_chat *chat = world_find_chat(world, mark->chat_id);
    if (chat != NULL)
        memcpy(members, chat->members, sizeof members);
    pthread_mutex_unlock(&world->lock);
    if (chat == NULL)
        return; /* another test's */
    snprintf(text, sizeof text,
             "{\"t\":\"receipt\",\"chat_id\":\"%s\",\"user_id\":\"%s\",\"read_seq\":%lld}",
             mark->chat_id, mark->user_id, (long long)mark->read_seq);
    snprintf(receipt.chat_id, sizeof receipt.chat_id, "%s", mark->chat_id);
    receipt.frame = text;
    receipt.frame_count = strlen(text);
    for (size_t i = 0; i < WORLD_PEOPLE; i++)
        if (members[i][0] != '\0' && strcmp(members[i], mark->user_id) != 0)
            world_publish(world, WS_CHANNEL_USER, members[i], &receipt);
    snprintf(text, sizeof text, "{\"re\":%s,\"ok\":true,\"read_seq\":%lld}",
             mark->origin.client_msg_id, (long long)mark->read_seq);
    snprintf(reply.conn_id, sizeof reply.conn_id, "%s", mark->origin.conn_id);
    reply.frame = text;
    reply.frame_count = strlen(text);
    world_publish(world, WS_CHANNEL_NODE, mark->origin.node, &reply);
}

enum cc_code world_apply_read(void *arg, struct cc_batch *batch, struct cc_error *err)
{
    (void)err; /* failures end the test */
    for (size_t i = 0; i < batch->count; i++) {
        struct cc_json_reader *reader = cc_record_reader(&batch->records[i], batch->arena);
        struct ev_message_read mark = {0};

        if (ev_message_read_read(reader, &mark))
            apply_mark(arg, &mark);
        cc_json_reader_destroy(reader);
    }
    return CC_OK;
}
