/* session.revoked: whoever holds the person's sockets closes those of the session. Runs on its
 * consumer's thread. */

#include <string.h>

#include "common/events/session_revoked.h"

#include "events/consumers.h"
#include "events/relay.h"
#include "publish.h"

/* The session's id, and why it ended when that makes a difference. */
static const char *frame_of(const struct ev_session_revoked *event, struct cc_arena *arena)
{
    if (strcmp(event->reason, WS_REASON_SUSPENDED) != 0)
        return event->session_id;
    return cc_arena_printf(arena, "%s " WS_REASON_SUSPENDED, event->session_id);
}

static bool announce(struct cc_json_reader *reader, struct cc_bus_batch *publications)
{
    struct cc_bus_message message = {.kind = CC_BUS_REVOKED};
    struct ev_session_revoked event = {0};

    if (!ev_session_revoked_read(reader, &event))
        return false;
    message.frame = frame_of(&event, publications->arena);
    message.frame_count = strlen(message.frame);
    ws_publish_with(publications, WS_CHANNEL_USER, event.user_id, &message);
    return true;
}

enum cc_code ws_consume_session_revoked(void *app, struct cc_batch *batch, struct cc_error *err)
{
    return ws_relay(app, batch, announce, err);
}
