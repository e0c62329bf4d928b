/* notification.new -> delivery. On the consumer's thread. A group of its own, so that a slow store
 * does not hold up deciding who is told. */

#include "common/topics.h"
#include "delivery.h"
#include "events/consumers.h"
#include "events/notification_record.h"

#define BATCH_MAX 100

struct delivery_batch {
    struct notification_look look;
    struct notification *due, *stale;
    size_t due_count, stale_count;
};

static struct notification to_row(const struct ev_notification_new *event)
{
    return (struct notification){
        .notification_id = event->notification_id,
        .user_id = event->user_id,
        .kind = event->kind,
        .chat_id = event->chat_id,
        .message_id = event->message_id,
        .seq = event->seq,
        .title = event->title,
        .preview = event->preview,
        .created_at_ms = event->envelope.occurred_at_ms,
    };
}

static void sort_in(struct delivery_batch *batch, struct cc_record *record)
{
    struct ev_notification_new event;
    struct cc_json_reader *reader = cc_record_reader(record, batch->look.arena);

    if (!cc_record_readable(record, reader, ev_notification_new_read(reader, &event)))
        return;
    if (notification_record_is_stale(&batch->look, record, &event))
        batch->stale[batch->stale_count++] = to_row(&event);
    else
        batch->due[batch->due_count++] = to_row(&event);
}

static enum cc_code apply(void *memory, struct cc_batch *records, struct cc_error *err)
{
    struct notification_app *app = memory;
    struct delivery_batch batch = {
        .look = {.app = app, .arena = records->arena, .now_ms = cc_wall_ms(app->clock)},
        .due = cc_arena_calloc(records->arena, records->count, sizeof *batch.due),
        .stale = cc_arena_calloc(records->arena, records->count, sizeof *batch.stale),
    };

    for (size_t i = 0; i < records->count; i++)
        sort_in(&batch, &records->records[i]);
    CC_TRY(notification_deliver(app->store, batch.due, batch.due_count, batch.look.now_ms,
                                batch.look.arena, err));
    return notification_cancel(app->store, batch.stale, batch.stale_count, batch.look.now_ms,
                               batch.look.arena, err);
}

const struct cc_consumer_row notification_delivery_row = {
    .topic = CC_TOPIC_NOTIFICATION_NEW,
    .group = "notification-delivery",
    .batch_max = BATCH_MAX,
    .apply = apply,
};
