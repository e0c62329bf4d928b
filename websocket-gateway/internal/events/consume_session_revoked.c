/* session.revoked: whoever holds the person's sockets closes those of the session. Runs on its
 * consumer's thread. */

#include <string.h>

#include "common/events/session_revoked.h"

#include "app.h"
#include "events/consumers.h"
#include "publish.h"

enum cc_code ws_consume_session_revoked(void *app, struct cc_batch *batch, struct cc_error *err)
{
    struct ws_app *gateway = app;
    struct ws_publish_batch publications;

    ws_publish_batch_init(&publications, batch->arena);
    for (size_t i = 0; i < batch->count; i++) {
        struct cc_record *record = &batch->records[i];
        struct ev_session_revoked event = {0};
        struct cc_bus_message message = {.kind = CC_BUS_REVOKED};
        struct cc_json_reader *reader = cc_json_reader_create(
            batch->arena, record->payload, record->payload_count, CC_IGNORE_UNKNOWN);

        if (ev_session_revoked_read(reader, &event)) {
            message.frame =
                strcmp(event.reason, WS_REASON_SUSPENDED) == 0
                    ? cc_arena_printf(batch->arena, "%s " WS_REASON_SUSPENDED, event.session_id)
                    : event.session_id;
            message.frame_count = strlen(message.frame);
            ws_publish_batch_add(&publications, WS_CHANNEL_USER, event.user_id, &message);
        } else {
            cc_record_reject(record, "unreadable session.revoked");
        }
        cc_json_reader_destroy(reader);
    }
    return ws_publish_batch_send(&publications, gateway->redis, err);
}
