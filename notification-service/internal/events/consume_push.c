/* notification.new -> devices. On its consumer's thread. A group of its own: a push provider that
 * is slow or away holds up neither the list of notifications nor deciding who is told. The whole
 * batch comes again while a device has to be tried again; what was pushed is claimed and left
 * alone. */

#include "common/topics.h"
#include "events/consumers.h"
#include "events/notification_record.h"
#include "push.h"

#define BATCH_MAX 20

static struct push_message message_of(const struct notification_app *app,
                                      const struct ev_notification_new *event)
{
    bool tells = app->settings->push_preview && event->preview[0] != '\0';

    return (struct push_message){
        .notification_id = event->notification_id,
        .kind = event->kind,
        .chat_id = event->chat_id,
        .message_id = event->message_id,
        .seq = event->seq,
        .title = event->title,
        .preview = tells ? event->preview : NULL,
        .collapse_key = event->collapse_key,
    };
}

/* What can't be read is the other group's to reject. */
static enum cc_code push_record(struct notification_look *look, const struct cc_record *record,
                                struct cc_error *err)
{
    const struct notification_app *app = look->app;
    struct ev_notification_new event;
    struct cc_json_reader *reader = cc_record_reader(record, look->arena);
    bool readable = ev_notification_new_read(reader, &event);

    cc_json_reader_destroy(reader);
    look->now_ms = cc_wall_ms(app->clock); /* a push may take seconds */
    if (!readable || event.quiet || look->now_ms - event.envelope.occurred_at_ms > PUSH_LATE_MS ||
        notification_record_is_stale(look, record, &event))
        return CC_OK;
    struct push_message message = message_of(app, &event);
    return notification_push(app->pushes, app->push_provider, event.user_id, &message, look->now_ms,
                             &record->trace, look->arena, err);
}

/* The others are pushed although one has to wait. */
static enum cc_code apply(void *memory, struct cc_batch *batch, struct cc_error *err)
{
    struct notification_look look = {.app = memory, .arena = batch->arena};
    enum cc_code result = CC_OK;

    for (size_t i = 0; i < batch->count; i++) {
        struct cc_error fault = {0};
        enum cc_code code = push_record(&look, &batch->records[i], &fault);
        if (code == CC_OK || result != CC_OK)
            continue;
        result = code;
        *err = fault;
    }
    return result;
}

const struct cc_consumer_row notification_push_row = {
    .topic = CC_TOPIC_NOTIFICATION_NEW,
    .group = "notification-push",
    .batch_max = BATCH_MAX,
    .apply = apply,
};
