/* session.revoked: whoever holds the person's sockets closes those of the session. Runs on its
 * consumer's thread. */

#include "common/events/session_revoked.h"

#include "events/consumers.h"
#include "events/relay.h"
#include "publish.h"

static bool announce(struct cc_json_reader *reader, struct cc_bus_batch *publications)
{
    struct ev_session_revoked event = {0};
    struct cc_strbuf frame;

    if (!ev_session_revoked_read(reader, &event))
        return false;
    cc_strbuf_init(&frame, EV_SESSION_FRAME_BYTES);
    const struct cc_bus_message message =
        ev_session_publication(event.session_id, event.reason, &frame);
    ws_publish_with(publications, WS_CHANNEL_USER, event.user_id, &message);
    cc_strbuf_finish(&frame);
    return true;
}

enum cc_code ws_consume_session_revoked(void *app, struct cc_batch *batch, struct cc_error *err)
{
    return ws_relay(app, batch, announce, err);
}
