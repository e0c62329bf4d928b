/* session.revoked: a device that is logged out is pushed to no more. On the consumer's thread. */

#include "app.h"
#include "common/events/session_revoked.h"
#include "common/topics.h"
#include "events/consumers.h"

#define BATCH_MAX 100

static enum cc_code apply(void *memory, struct cc_batch *batch, struct cc_error *err)
{
    struct push_store *pushes = ((struct notification_app *)memory)->pushes;
    enum cc_code code = CC_OK;

    for (size_t i = 0; code == CC_OK && i < batch->count; i++) {
        struct cc_record *record = &batch->records[i];
        struct cc_json_reader *reader = cc_record_reader(record, batch->arena);
        struct ev_session_revoked event;

        if (cc_record_readable(record, reader, ev_session_revoked_read(reader, &event)))
            code = pushes->ops->drop_session(pushes, event.session_id, err);
    }
    return code;
}

const struct cc_consumer_row notification_revoked_row = {
    .topic = CC_TOPIC_SESSION_REVOKED,
    .group = "notification-service-sessions",
    .batch_max = BATCH_MAX,
    .apply = apply,
};
