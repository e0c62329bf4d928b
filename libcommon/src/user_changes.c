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
        struct cc_json_reader *reader = cc_record_reader(record, batch->arena);

        if (cc_record_readable(record, reader, ev_user_updated_read(reader, &event)) &&
            strcmp(event.change, change) == 0 && strcmp(event.envelope.producer, self) != 0)
            code = apply(app, event.user_id, batch->arena, err);
    }
    return code;
}
