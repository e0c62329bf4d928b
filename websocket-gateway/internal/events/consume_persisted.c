/* message.persisted: what its owner could not put on the chat's channel, since Redis did not answer
 * it, is published here, and again until it is. Runs on its consumer's thread. */

#include "common/events/change_frame.h"

#include "app.h"
#include "events/consumers.h"
#include "publish.h"

#define FRAME_MAX_BYTES (256 * 1024)

static void publish(const struct ev_message_persisted *event, struct ws_publish_batch *publications)
{
    struct cc_strbuf frame;

    cc_strbuf_init(&frame, FRAME_MAX_BYTES);
    const struct cc_bus_message message = cc_change_publication(event, &frame);
    ws_publish_batch_add(publications, WS_CHANNEL_CHAT, event->chat_id, &message);
    cc_strbuf_finish(&frame);
}

/* A refusal is told to nobody but the one who asked. */
static bool is_to_be_published(const struct ev_message_persisted *event)
{
    return !event->published && !event->rejected && event->rev > 0;
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
        else if (is_to_be_published(&event) && cc_batch_still_owned(batch, record))
            publish(&event, &publications);
        cc_json_reader_destroy(reader);
    }
    return ws_publish_batch_send(&publications, gateway->redis, err);
}
