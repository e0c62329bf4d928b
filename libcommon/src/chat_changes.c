/* One kind of change among the records of chat.updated. On the consumer's thread. */

#include "common/chat_changes.h"

const char **cc_chat_changes_of(struct cc_batch *batch, enum cc_chat_change change,
                                size_t *out_count)
{
    const char **chat_ids = cc_arena_calloc(batch->arena, batch->count + 1, sizeof *chat_ids);
    size_t count = 0;

    for (size_t i = 0; i < batch->count; i++) {
        struct cc_record *record = &batch->records[i];
        struct ev_chat_updated event;
        struct cc_json_reader *reader = cc_record_reader(record, batch->arena);

        if (cc_record_readable(record, reader, ev_chat_updated_read(reader, &event)) &&
            event.change == change)
            chat_ids[count++] = event.chat_id;
    }
    *out_count = count;
    return chat_ids;
}
