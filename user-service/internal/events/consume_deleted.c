/* Deletions of accounts to tombstones, on the runner's thread. PostgreSQL away: the batch waits. */

#include "events/consume_deleted.h"

#include <string.h>

#include "app.h"
#include "common/events/user_updated.h"
#include "common/topics.h"

#define BATCH_MAX 100
#define LINGER_MS 200 /* who is deleted is logged out already */

const struct cc_consumer_row user_deleted_row = {.topic = CC_TOPIC_USER_UPDATED,
                                                 .group = "user-service",
                                                 .batch_max = BATCH_MAX,
                                                 .apply = user_consume_deleted,
                                                 .linger_ms = LINGER_MS};

static bool is_deletion(const struct ev_user_updated *event)
{
    return strcmp(event->change, "deleted") == 0 &&
           strcmp(event->envelope.producer, "auth-service") == 0;
}

enum cc_code user_consume_deleted(void *app, struct cc_batch *batch, struct cc_error *err)
{
    enum cc_code code = CC_OK;

    for (size_t i = 0; i < batch->count && code == CC_OK; i++) {
        struct cc_record *record = &batch->records[i];
        struct ev_user_updated event;
        struct cc_json_reader *reader = cc_json_reader_create(
            batch->arena, record->payload, record->payload_count, CC_IGNORE_UNKNOWN);

        if (!ev_user_updated_read(reader, &event))
            cc_record_reject(record, "unreadable user.updated");
        else if (is_deletion(&event))
            code = user_app_bury(app, event.user_id, err);
        cc_json_reader_destroy(reader);
    }
    return code;
}
