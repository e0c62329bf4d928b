/* message.persisted: what its owner could not put on the chat's channel, since Redis did not answer
 * it, is published here, and again until it is. Runs on its consumer's thread. */

#include "common/events/change_frame.h"

#include "events/consumers.h"
#include "events/relay.h"
#include "publish.h"

#define FRAME_MAX_BYTES (256 * 1024)

/* A refusal is told to nobody but the one who asked. */
static bool is_to_be_published(const struct ev_message_persisted *event)
{
    return !event->published && !event->rejected && event->rev > 0;
}

static bool announce(struct cc_json_reader *reader, struct cc_bus_batch *publications)
{
    struct ev_message_persisted event = {0};
    struct cc_strbuf frame;

    if (!ev_message_persisted_read(reader, &event))
        return false;
    if (!is_to_be_published(&event))
        return true;
    cc_strbuf_init(&frame, FRAME_MAX_BYTES);
    const struct cc_bus_message message = cc_change_publication(&event, &frame);
    ws_publish_with(publications, WS_CHANNEL_CHAT, event.chat_id, &message);
    cc_strbuf_finish(&frame);
    return true;
}

enum cc_code ws_consume_persisted(void *app, struct cc_batch *batch, struct cc_error *err)
{
    return ws_relay(app, batch, announce, err);
}
