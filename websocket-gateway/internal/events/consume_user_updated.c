/* user.updated: the frame `user` for the person's own sockets, on whatever replica they are, and
 * for every replica the word to look again at who may see the person. Runs on its consumer's
 * thread. */

#include <string.h>

#include "common/events/user_updated.h"

#include "events/consumers.h"
#include "events/relay.h"
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

static bool announce(struct cc_json_reader *reader, struct cc_bus_batch *publications)
{
    struct cc_bus_message message = {.kind = CC_BUS_USER};
    struct ev_user_updated event = {0};
    struct cc_strbuf frame;

    if (!ev_user_updated_read(reader, &event))
        return false;
    if (strcmp(event.change, "registered") == 0)
        return true; /* nobody was there before */
    cc_strbuf_init(&frame, FRAME_MAX_BYTES);
    build_frame(&event, &frame);
    cc_bus_carry(&message, &frame);
    ws_publish_with(publications, WS_CHANNEL_USER, event.user_id, &message);
    cc_strbuf_finish(&frame);
    return true;
}

enum cc_code ws_consume_user_updated(void *app, struct cc_batch *batch, struct cc_error *err)
{
    return ws_relay(app, batch, announce, err);
}
