/* One kind of change among the records of user.updated. On the consumer's thread. */

#include "common/user_changes.h"

#include <string.h>

#include "common/events/user_updated.h"

enum cc_code cc_user_changes_apply(struct cc_batch *batch, const char *change, const char *self,
                                   cc_user_change_apply apply, void *app, struct cc_error *err)
{
    enum cc_code code = CC_OK;

    for (size_t i = 0; i < batch->count && code == CC_OK; i++) {
        struct cc_record *record = &batch->records[i];
        struct ev_user_updated event;
        struct cc_json_reader *reader = cc_json_reader_create(
            batch->arena, record->payload, record->payload_count, CC_IGNORE_UNKNOWN);

        if (!ev_user_updated_read(reader, &event))
            cc_record_reject(record, "unreadable user.updated");
        else if (strcmp(event.change, change) == 0 && strcmp(event.envelope.producer, self) != 0)
            code = apply(app, event.user_id, batch->arena, err);
        cc_json_reader_destroy(reader);
    }
    return code;
}
