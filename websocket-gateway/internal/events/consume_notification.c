/* notification.new: the frame `notification` for the person's sockets. Runs on its consumer's
 * thread. Whether it is pushed to devices is notification-service's business. */

#include <stdio.h>
#include <string.h>

#include "common/events/notification_new.h"

#include "events/consumers.h"
#include "events/relay.h"
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

static bool announce(struct cc_json_reader *reader, struct cc_bus_batch *publications)
{
    struct cc_bus_message message = {.kind = CC_BUS_NOTIFICATION};
    struct ev_notification_new event = {0};
    struct cc_strbuf frame;

    if (!ev_notification_new_read(reader, &event))
        return false;
    cc_strbuf_init(&frame, FRAME_MAX_BYTES);
    build_frame(&event, &frame);
    if (event.chat_id != NULL)
        snprintf(message.chat_id, sizeof message.chat_id, "%s", event.chat_id);
    cc_bus_carry(&message, &frame);
    ws_publish_with(publications, WS_CHANNEL_USER, event.user_id, &message);
    cc_strbuf_finish(&frame);
    return true;
}

enum cc_code ws_consume_notification(void *app, struct cc_batch *batch, struct cc_error *err)
{
    return ws_relay(app, batch, announce, err);
}
