/* message.persisted: the durable outcome becomes one client frame, encoded once, on the chat's
 * channel. Runs on its consumer's thread. */

#include <string.h>

#include "common/events/message_persisted.h"

#include "app.h"
#include "chats/changes.h"
#include "events/consumers.h"
#include "publish.h"

#define FRAME_MAX_BYTES (256 * 1024)

static void set_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text == NULL ? "" : text);
}

static const char *message_text(const struct cc_message *message, struct cc_strbuf *out)
{
    struct cc_json_writer json;

    cc_json_writer_init(&json, out);
    cc_json_open_object(&json, NULL);
    cc_message_write(&json, message);
    cc_json_close_object(&json);
    return cc_strbuf_text(out);
}

static void build_frame(const struct ev_message_persisted *event, struct cc_strbuf *out)
{
    struct ws_change change = {
        .rev = event->rev, .seq = event->message.seq, .op = event->op, .reaction = event->reaction};
    struct cc_strbuf message;

    cc_strbuf_init(&message, FRAME_MAX_BYTES);
    change.message_json = message_text(&event->message, &message);
    ws_message_frame_write(out, &change, event->chat_id, event->envelope.occurred_at_ms);
    cc_strbuf_finish(&message);
}

static void announce(const struct ev_message_persisted *event,
                     struct ws_publish_batch *publications)
{
    struct cc_bus_message message = {.kind = CC_BUS_MESSAGE,
                                     .rev = event->rev,
                                     .seq = event->head_seq,
                                     .member_version = event->member_version,
                                     .message_seq = event->message.seq,
                                     .since_joining = event->since_joining};
    struct cc_strbuf frame;

    cc_strbuf_init(&frame, FRAME_MAX_BYTES);
    build_frame(event, &frame);
    set_text(message.chat_id, sizeof message.chat_id, event->chat_id);
    set_text(message.sender_id, sizeof message.sender_id, event->sender_id);
    set_text(message.conn_id, sizeof message.conn_id, event->origin.conn_id);
    message.frame = cc_strbuf_text(&frame);
    message.frame_count = frame.length;
    ws_publish_batch_add(publications, WS_CHANNEL_CHAT, event->chat_id, &message);
    cc_strbuf_finish(&frame);
}

enum cc_code ws_consume_persisted(void *app, struct cc_batch *batch, struct cc_error *err)
{
    struct ws_app *gateway = app;
    struct ws_publish_batch publications;

    ws_publish_batch_init(&publications, batch->arena);
    for (size_t i = 0; i < batch->count; i++) {
        struct cc_record *record = &batch->records[i];
        struct ev_message_persisted event = {0};
        struct cc_json_reader *reader = cc_json_reader_create(
            batch->arena, record->payload, record->payload_count, CC_IGNORE_UNKNOWN);

        if (!ev_message_persisted_read(reader, &event))
            cc_record_reject(record, "unreadable message.persisted");
        else if (!event.rejected && event.rev > 0 && cc_batch_still_owned(batch, record))
            announce(&event, &publications);
        cc_json_reader_destroy(reader);
    }
    return ws_publish_batch_send(&publications, gateway->redis, err);
}
