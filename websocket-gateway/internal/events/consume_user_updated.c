/* user.updated: the frame `user` for the person's own sockets, on whatever replica they are, and
 * for every replica the word to look again at who may see the person. Runs on its consumer's
 * thread. */

#include <string.h>

#include "common/events/user_updated.h"

#include "app.h"
#include "events/consumers.h"
#include "publish.h"

#define FRAME_MAX_BYTES 1024

static void build_frame(const struct ev_user_updated *event, struct cc_strbuf *out)
{
    struct cc_json_writer json;

    cc_json_writer_init(&json, out);
    cc_json_open_object(&json, NULL);
    cc_json_put_text(&json, "t", "user");
    cc_json_put_text(&json, "user_id", event->user_id);
    cc_json_put_text(&json, "change", event->change);
    if (event->change_version > 0)
        cc_json_put_int(&json, "version", event->change_version);
    cc_json_close_object(&json);
}

static void announce(const struct ev_user_updated *event, struct ws_publish_batch *publications)
{
    struct cc_bus_message message = {.kind = CC_BUS_USER};
    struct cc_strbuf frame;

    cc_strbuf_init(&frame, FRAME_MAX_BYTES);
    build_frame(event, &frame);
    message.frame = cc_strbuf_text(&frame);
    message.frame_count = frame.length;
    ws_publish_batch_add(publications, WS_CHANNEL_USER, event->user_id, &message);
    cc_strbuf_finish(&frame);
}

enum cc_code ws_consume_user_updated(void *app, struct cc_batch *batch, struct cc_error *err)
{
    struct ws_app *gateway = app;
    struct ws_publish_batch publications;

    ws_publish_batch_init(&publications, batch->arena);
    for (size_t i = 0; i < batch->count; i++) {
        struct cc_record *record = &batch->records[i];
        struct ev_user_updated event = {0};
        struct cc_json_reader *reader = cc_json_reader_create(
            batch->arena, record->payload, record->payload_count, CC_IGNORE_UNKNOWN);

        if (!ev_user_updated_read(reader, &event))
            cc_record_reject(record, "unreadable user.updated");
        else if (strcmp(event.change, "registered") != 0) /* nobody was there before */
            announce(&event, &publications);
        cc_json_reader_destroy(reader);
    }
    return ws_publish_batch_send(&publications, gateway->redis, err);
}
