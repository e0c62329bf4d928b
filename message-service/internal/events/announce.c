/* Outcomes to events. Runs on the message.created consumer's thread. Judges nothing and stores
 * nothing. */

#include "events/announce.h"

#include <string.h>

#include "common/events/change_frame.h"
#include "common/events/message_read.h"
#include "common/topics.h"
#include "events/event_payload.h"
#include "events/read_marks.h"
#include "outcome_frame.h"

/* message.persisted */

static struct ev_message_persisted persisted_of(const struct announcer *announcer,
                                                const struct operation *operation,
                                                struct cc_arena *arena)
{
    const struct change *outcome = operation->outcome;
    const struct rights *rights = operation->rights;
    char *event_id = cc_arena_alloc(arena, CC_UUID_BYTES);

    cc_ids_next(announcer->ids, event_id);
    return (struct ev_message_persisted){
        .envelope = event_envelope(CC_TOPIC_MESSAGE_PERSISTED, event_id,
                                   cc_wall_ms(announcer->clock), outcome->chat_id),
        .op = outcome->op,
        .op_id = outcome->op_id,
        .chat_id = outcome->chat_id,
        .sender_id = outcome->sender_id,
        .sender_device_id = operation->ask.device_id,
        .rejected = !change_accepted(outcome),
        .code = outcome->refusal,
        .rev = outcome->rev,
        .head_seq = outcome->head_seq,
        .message = outcome->message,
        .reaction = outcome->reaction,
        .member_version = rights == NULL ? outcome->member_version : rights->version,
        .duplicate = operation->duplicate,
        .silent = outcome->silent,
        .since_joining = rights != NULL && rights->history == CC_HISTORY_JOINED,
        .origin = operation->ask.origin,
        .recipients = rights == NULL ? NULL : rights->recipients,
        .recipient_count = rights == NULL ? 0 : rights->recipient_count,
        .recipients_omitted = rights == NULL || rights->recipients_omitted,
    };
}

static struct cc_produce persisted_record(const struct announcer *announcer,
                                          const struct ev_message_persisted *event,
                                          const struct operation *operation, struct cc_arena *arena)
{
    struct event_payload payload;

    event_payload_start(&payload);
    ev_message_persisted_write(&payload.writer, event);
    struct cc_produce record = event_payload_finish(&payload, arena);
    record.topic = announcer->persisted_topic;
    record.key = event->chat_id;
    record.type = CC_TOPIC_MESSAGE_PERSISTED;
    record.trace = operation->trace.trace_id[0] == '\0' ? NULL : &operation->trace;
    return record;
}

/* message.read */

static struct cc_produce read_record(const struct announcer *announcer,
                                     const struct read_mark *mark, struct cc_arena *arena)
{
    char event_id[CC_UUID_BYTES];
    struct event_payload payload;

    cc_ids_next(announcer->ids, event_id);
    struct ev_message_read event = {
        .envelope = event_envelope(CC_TOPIC_MESSAGE_READ, event_id, cc_wall_ms(announcer->clock),
                                   mark->chat_id),
        .chat_id = mark->chat_id,
        .user_id = mark->user_id,
        .device_id = mark->device_id,
        .read_seq = mark->read_seq,
        .delivered_seq = -1,
        .from_seq = mark->from_seq,
        .cleared_seq = -1,
        .at_ms = mark->at_ms,
        .origin = {"", "", ""},
    };
    event_payload_start(&payload);
    ev_message_read_write(&payload.writer, &event);
    struct cc_produce record = event_payload_finish(&payload, arena);
    record.topic = announcer->read_topic;
    record.key = event.chat_id;
    record.type = CC_TOPIC_MESSAGE_READ;
    return record;
}

/* Redis */

static void add_frame(struct cc_bus_batch *batch, const struct ev_message_persisted *event)
{
    struct cc_strbuf frame;
    char channel[CC_REDIS_NAME_BYTES];

    cc_strbuf_init(&frame, CC_EVENT_MAX_BYTES);
    const struct cc_bus_message message = cc_change_publication(event, &frame);
    cc_redis_name_chat(event->chat_id, channel);
    cc_bus_batch_publish(batch, channel, &message);
    cc_strbuf_finish(&frame);
}

static void add_answer(struct cc_bus_batch *batch, const struct operation *operation)
{
    const struct change *outcome = operation->outcome;
    const struct cc_origin *origin = &operation->ask.origin;
    struct cc_strbuf frame;
    char channel[CC_REDIS_NAME_BYTES];

    cc_strbuf_init(&frame, OUTCOME_FRAME_MAX_BYTES);
    outcome_frame_operation(&frame, operation);
    struct cc_bus_message message = event_answer(outcome->chat_id, outcome->sender_id, origin);
    message.rev = outcome->rev;
    message.seq = outcome->message.seq;
    message.member_version = operation->rights == NULL ? 0 : operation->rights->version;
    cc_redis_name_node(origin->node, channel);
    cc_bus_carry(&message, &frame);
    cc_bus_batch_publish(batch, channel, &message);
    cc_strbuf_finish(&frame);
}

/* True when a later operation of the batch moves the same chat further: one raise is enough. */
static bool is_overtaken(struct operation *const *operations, size_t count, size_t at)
{
    for (size_t i = at + 1; i < count; i++)
        if (change_accepted(operations[i]->outcome) &&
            operations[i]->outcome->rev >= operations[at]->outcome->rev &&
            strcmp(operations[i]->outcome->chat_id, operations[at]->outcome->chat_id) == 0)
            return true;
    return false;
}

/* Heads first: who has seen a frame counts by a head that is as high. */
static void tell_redis(struct announcer *announcer, struct operation *const *operations,
                       struct ev_message_persisted *events, size_t count, struct cc_arena *arena)
{
    struct cc_bus_batch batch = cc_bus_batch_create(arena);

    for (size_t i = 0; i < count; i++) {
        const struct change *outcome = operations[i]->outcome;
        if (change_accepted(outcome) && !is_overtaken(operations, count, i))
            redis_hint_head(&batch, outcome->chat_id, outcome->rev, outcome->head_seq);
    }
    for (size_t i = 0; i < count; i++)
        if (!events[i].rejected)
            add_frame(&batch, &events[i]);
    for (size_t i = 0; i < count; i++)
        if (operations[i]->ask.origin.node[0] != '\0')
            add_answer(&batch, operations[i]);
    bool told = redis_outlet_send(&announcer->outlet, &batch);
    for (size_t i = 0; i < count; i++)
        events[i].published = told && !events[i].rejected;
}

/* Kafka */

static enum cc_code produce_events(struct announcer *announcer, struct operation *const *operations,
                                   const struct ev_message_persisted *events, size_t count,
                                   struct cc_arena *arena, struct cc_error *err)
{
    struct read_marks marks = read_marks_of(operations, count, arena);
    struct cc_produce *records = cc_arena_calloc(arena, count + marks.count, sizeof *records);

    for (size_t i = 0; i < count; i++)
        records[i] = persisted_record(announcer, &events[i], operations[i], arena);
    for (size_t i = 0; i < marks.count; i++)
        records[count + i] = read_record(announcer, &marks.items[i], arena);
    return cc_produce_all(announcer->producer, records, count + marks.count, err);
}

enum cc_code announce(struct announcer *announcer, struct operation *const *operations,
                      size_t count, struct cc_arena *arena, struct cc_error *err)
{
    struct ev_message_persisted *events = cc_arena_calloc(arena, count + 1, sizeof *events);

    for (size_t i = 0; i < count; i++)
        events[i] = persisted_of(announcer, operations[i], arena);
    tell_redis(announcer, operations, events, count, arena);
    return produce_events(announcer, operations, events, count, arena, err);
}
