/* notification.new: the frame `notification` for the person's sockets. Runs on its consumer's
 * thread. Whether it is pushed to devices is notification-service's business. */

#include <string.h>

#include "common/events/notification_new.h"

#include "app.h"
#include "events/consumers.h"
#include "publish.h"

#define FRAME_MAX_BYTES 32768

static void build_frame(const struct ev_notification_new *event, struct cc_strbuf *out)
{
    struct cc_json_writer json;

    cc_json_writer_init(&json, out);
    cc_json_open_object(&json, NULL);
    cc_json_put_text(&json, "t", "notification");
    cc_json_put_text(&json, "notification_id", event->notification_id);
    cc_json_put_text(&json, "kind", event->kind);
    cc_json_put_text(&json, "chat_id", event->chat_id);
    cc_json_put_text(&json, "message_id", event->message_id);
    cc_json_put_int(&json, "seq", event->seq);
    cc_json_put_text(&json, "title", event->title);
    cc_json_put_text(&json, "preview", event->preview);
    cc_json_put_time(&json, "created_at", event->envelope.occurred_at_ms);
    cc_json_close_object(&json);
}

static void announce(const struct ev_notification_new *event, struct ws_publish_batch *publications)
{
    struct cc_bus_message message = {.kind = CC_BUS_NOTIFICATION};
    struct cc_strbuf frame;

    cc_strbuf_init(&frame, FRAME_MAX_BYTES);
    build_frame(event, &frame);
    if (event->chat_id != NULL)
        snprintf(message.chat_id, sizeof message.chat_id, "%s", event->chat_id);
    message.frame = cc_strbuf_text(&frame);
    message.frame_count = frame.length;
    ws_publish_batch_add(publications, WS_CHANNEL_USER, event->user_id, &message);
    cc_strbuf_finish(&frame);
}

enum cc_code ws_consume_notification(void *app, struct cc_batch *batch, struct cc_error *err)
{
    struct ws_app *gateway = app;
    struct ws_publish_batch publications;

    ws_publish_batch_init(&publications, batch->arena);
    for (size_t i = 0; i < batch->count; i++) {
        struct cc_record *record = &batch->records[i];
        struct ev_notification_new event = {0};
        struct cc_json_reader *reader = cc_json_reader_create(
            batch->arena, record->payload, record->payload_count, CC_IGNORE_UNKNOWN);

        if (ev_notification_new_read(reader, &event))
            announce(&event, &publications);
        else
            cc_record_reject(record, "unreadable notification.new");
        cc_json_reader_destroy(reader);
    }
    return ws_publish_batch_send(&publications, gateway->redis, err);
}
